import json
from typing import Any

import pytest

from tradai.core import JobHandle
from tradai.core.exceptions import ValidationError

VALUES: dict[str, Any] = {
    "runner": "local:/srv/jobs",
    "job_id": "job-1",
    "spec_digest": "0" * 64,
    "native_id": "",
}


def handle_of(size: int) -> JobHandle:
    """Return a handle whose JSON has this many bytes."""
    empty = len(JobHandle(**VALUES).to_json())
    return JobHandle(**VALUES | {"native_id": "x" * (size - empty)})


def test_a_handle_comes_back_from_its_json() -> None:
    handle = JobHandle(**VALUES)

    assert JobHandle.from_json(handle.to_json()) == handle
    assert json.loads(handle.to_json()) == VALUES


def test_the_json_of_a_handle_has_at_most_1024_bytes() -> None:
    assert len(handle_of(1024).to_json().encode()) == 1024
    assert JobHandle.from_json(handle_of(1024).to_json()) == handle_of(1024)
    with pytest.raises(ValidationError, match="1024"):
        handle_of(1025)
    with pytest.raises(ValidationError, match="1024"):
        JobHandle(**VALUES | {"native_id": "\u00e9" * 400})


@pytest.mark.parametrize(
    "change",
    [
        {"runner": "jobs"},
        {"runner": "local:/my jobs"},
        {"runner": None},
        {"job_id": "../job"},
        {"spec_digest": "0"},
        {"native_id": 1},
        {"unknown": ""},
    ],
)
def test_a_handle_with_a_bad_value_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JobHandle.from_json(json.dumps(VALUES | change))


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "{}", "[" * 1000, " " * 2000 + "{}"])
def test_text_that_is_not_a_handle_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        JobHandle.from_json(text)
