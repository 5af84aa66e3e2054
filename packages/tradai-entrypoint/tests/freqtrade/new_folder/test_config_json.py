"""JSON of Freqtrade's configuration files is read with its comments and trailing commas."""

import math
from pathlib import Path

import pytest

from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint.freqtrade._new_folder.config_json import read_object
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import DEEPEST

TOLERATED = """
// comment, with "text" and a comma ,
{
    "url": "https://host/*not a comment*/", /* several
    lines , */
    "escaped": "a \\" // b",
    "list": [1, 2, // last
    ],
    "ends in a comma": "},", // done
}
"""


def test_comments_and_trailing_commas_are_accepted_and_text_is_left_as_it_is(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.json"
    file.write_text(TOLERATED)

    assert read_object(file) == {
        "url": "https://host/*not a comment*/",
        "escaped": 'a " // b',
        "list": [1, 2],
        "ends in a comma": "},",
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, // ] {\n 2]}',
        '{"a": [1, /* ] } */ 2]}',
        '{"a": [1, /* */ 2] /* ] */ }',
        '{"a": [1, // }, "x": 1\n // ]\n 2, // ]\n ]}',
        '{"a": [1, 2, /* 3 */ /* 4 */ ]}',
    ],
)
def test_a_comma_is_trailing_only_where_its_bracket_is_in_no_comment(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)

    assert read_object(file) == {"a": [1, 2]}


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(b"\xef\xbb\xbf{}")

    assert read_object(file) == {}


def test_an_error_names_its_place_and_repeats_no_text(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('// first line\n{"secret": "not-a-key" "oops": 1}')

    with pytest.raises(ConfigurationError, match="line 2, column 24") as refused:
        read_object(file)

    assert "not-a-key" not in str(refused.value)
    assert (refused.value.__context__, refused.value.__cause__) == (None, None)


@pytest.mark.parametrize(
    "content", [b"[1]", b'"text"', b"{", b"\xff{}", b"/* open {}", b"[" * 200_000]
)
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"config\.json"):
        read_object(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.json"):
        read_object(tmp_path / "gone.json")


@pytest.mark.parametrize(
    "value",
    [
        '{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1),
        '{"a":' * 900 + "1" + "}" * 900,
        "[" * 900 + "]" * 900,
    ],
)
def test_a_value_that_is_nested_too_deep_is_refused_by_key_and_file(
    tmp_path: Path, value: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(f'{{"near": 1, "my_tree": {value}}}')

    with pytest.raises(ConfigurationError, match=r"my_tree in .*config\.json is nested") as refused:
        read_object(file)

    assert (refused.value.key, refused.value.source) == ("my_tree", str(file))


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_whole_number_with_too_many_digits_is_infinite(tmp_path: Path, digits: int) -> None:
    file = tmp_path / "config.json"
    file.write_text(f'{{"long": {"9" * digits}, "negative": -{"9" * digits}, "short": 12}}')

    assert read_object(file) == {"long": math.inf, "negative": -math.inf, "short": 12}
