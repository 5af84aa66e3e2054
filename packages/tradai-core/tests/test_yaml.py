"""The YAML reader: what plain text means, what is refused, and where."""

import time

import pytest

from tradai.core import read_yaml
from tradai.core.exceptions import ConfigurationError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _read(text: str | bytes) -> dict[str, object]:
    return dict(read_yaml(text, source="f.yaml").values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("NO", "NO"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2025-01-01", "2025-01-01"),
        ("20250101-20250401", "20250101-20250401"),
        ("1.0.0", "1.0.0"),
        ("0", 0),
        ("-12", -12),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e-3", 0.001),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("'1'", "1"),
        ('"true"', "true"),
        ("'.nan'", ".nan"),
        ("\u0663", "\u0663"),
        ("5m", "5m"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    read = _read(f"key: {text}")["key"]

    assert read == value
    assert type(read) is type(value)


def test_keys_are_text_as_written() -> None:
    assert _read("{0: a, NO: b, 1.50: c, true: d}") == {
        "0": "a",
        "NO": "b",
        "1.50": "c",
        "true": "d",
    }


def test_an_empty_document_is_an_empty_mapping() -> None:
    assert _read("") == _read(b"\xef\xbb\xbf# nothing\n") == {}


def test_every_value_has_its_line_and_column() -> None:
    document = read_yaml("a: 1\nb:\n  - x\n  - {y: 2}\n", source="f.yaml")

    assert document.marks == {
        (): (1, 1),
        ("a",): (1, 1),
        ("b",): (2, 1),
        ("b", 0): (3, 5),
        ("b", 1): (4, 5),
        ("b", 1, "y"): (4, 6),
    }


def test_an_alias_repeats_a_value() -> None:
    assert _read("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: key 'a' repeats line 1; keep one of them"),
        ("x:\n  1: a\n  '1': b", "f.yaml:3:3: key '1' repeats line 2; keep one of them"),
        ("a: [1", "f.yaml:2:1: not valid YAML"),
        ("a: b: c", "f.yaml:1:5: not valid YAML"),
        ("a:\n\t- b", "f.yaml:2:1: not valid YAML"),
        ("a: .nan", "f.yaml:1:4: not a finite number"),
        ("a: -.inf", "f.yaml:1:4: not a finite number"),
        ("a: 1e999", "f.yaml:1:4: not a finite number"),
        ("a: " + "9" * 5_000, "f.yaml:1:4: not a finite number"),
        ("a: 0x" + "f" * 5_000, "f.yaml:1:4: not a finite number"),
        ("a: !!str 1", "f.yaml:1:4: tags are not supported"),
        ("a: !!python/object:os.system x", "f.yaml:1:4: tags are not supported"),
        ("a: ! x", "f.yaml:1:4: tags are not supported"),
        ("a: !x [1]", "f.yaml:1:4: tags are not supported"),
        ("a: &x {b: 1}\nc: {<<: *x}", "f.yaml:2:5: merge keys are not supported"),
        ("? [1]\n: 2", "f.yaml:1:3: a key must be plain text"),
        ("a: *x", "f.yaml:1:4: an alias without an anchor"),
        ("a: &x [*x]", "f.yaml:1:8: an alias without an anchor"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: a second document"),
        ("[1]", "f.yaml:1:1: the top level must be a mapping"),
        ("text", "f.yaml:1:1: the top level must be a mapping"),
        ("a: " + "[" * 40 + "]" * 40, "f.yaml:1:35: nested deeper than 32 levels"),
        ("a: [" + "x," * 60_000 + "]", "f.yaml:1:100005: more than 50000 values"),
        ("a: '" + "x" * 1_000_000 + "'", "f.yaml:1:1: longer than 1000000 characters"),
        ("a: b\x00c", "f.yaml:1:5: a character YAML does not allow"),
        (b"a: 1\nb: \xff", "f.yaml:2:4: a character YAML does not allow"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_refused_is_refused_with_its_place(text: str | bytes, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read(text)

    assert str(caught.value).startswith(problem)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_error_says_which_line_of_which_file() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read("a: 1\na: 2")

    assert caught.value.source == "f.yaml:2"


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    started = time.process_time()

    with pytest.raises(ConfigurationError, match="more than 50000 values"):
        _read(BOMB)

    assert time.process_time() - started < 0.1
