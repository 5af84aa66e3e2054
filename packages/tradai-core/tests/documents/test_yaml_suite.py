"""The reader's answer to each case of the YAML test suite, as a table: its value, or its refusal.

The inputs are those of the YAML test suite (MIT License, Copyright 2016-2020 Ingy döt Net), named
by its identifiers. Each value of a valid case is the one of the suite.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.core._documents.yaml_reader import read_yaml_value
from tradai.core.exceptions import ConfigurationError

_LINES: Final = Path(__file__).with_name("data").joinpath("yaml_suite.jsonl").read_text()
CASES: Final[list[dict[str, Any]]] = [json.loads(line) for line in _LINES.splitlines()]
# Rule in the table -> start of the sentence on it.
REFUSALS: Final = {
    "parser": "not valid YAML: ",
    "tags": "tags are not supported",
    "keys are text": "a key must be plain text",
    "one document": "a second document",
    "anchors": "an anchor ",
    "signs": "a question mark before text",
}
# Not valid, but with one meaning, which the parser reads.
READ_ALTHOUGH_INVALID: Final = {
    "a comment without a blank before it": {"9JBA", "CVW2", "SU5Z", "X4QW"},
    "a line of a flow value that is not indented": {"9C9N", "DK95/1", "QB6E", "Y79Y/3"},
    "a hyphen as text in a flow list": {"G5U8", "YJV2"},
    "a comment in a directive, or less indented than an empty block": {"MUS6", "S98Z"},
}


def _ids(case: dict[str, Any]) -> str:
    return str(case["case"])


@pytest.mark.parametrize("case", [one for one in CASES if "value" in one], ids=_ids)
def test_a_case_that_is_read_has_the_value_of_the_suite(case: dict[str, Any]) -> None:
    read = read_yaml_value(case["yaml"], source="case.yaml")

    assert json.dumps(read) == json.dumps(case["value"])


@pytest.mark.parametrize("case", [one for one in CASES if "refused" in one], ids=_ids)
def test_a_case_that_is_refused_is_refused_by_its_rule(case: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_yaml_value(case["yaml"], source="case.yaml")

    _, _, _, sentence = str(caught.value).split(":", 3)
    assert sentence.removeprefix(" ").startswith(REFUSALS[case["refused"]])


def test_what_is_not_valid_is_refused_or_listed() -> None:
    listed = set().union(*READ_ALTHOUGH_INVALID.values())

    assert {one["case"] for one in CASES if "value" in one and not one["is_valid"]} == listed
