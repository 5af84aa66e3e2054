"""The YAML reader: what plain text means, what is refused, and where."""

import sys
from contextlib import suppress
from decimal import Decimal
from types import FrameType

import pytest
import yaml
from hypothesis import event, given, strategies as st
from pydantic import BaseModel, Field

from tradai.core import Amount, JsonValue, MemoryStore, YamlLayer, read_yaml
from tradai.core.exceptions import ConfigurationError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)

NOTHING_BEGINS = "found character that cannot start any token"
IN_QUOTES = "a text that begins with @, ` or % must be in quotes"


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
    assert _read("{a: &x , b: [&y 1,*y,*x]}") == {"a": None, "b": [1, 1, None]}


def test_a_question_mark_with_a_blank_after_it_is_the_sign_of_a_key() -> None:
    assert _read("? a\n: {? b : 1}\nc: [? d]\n?e: ?f") == {
        "a": {"b": 1},
        "c": [{"d": None}],
        "?e": "?f",
    }


def test_a_line_break_of_yaml_1_1_is_written_as_an_escape() -> None:
    assert _read('a: "b\\Nc\\Ld\\Pe"') == {"a": "b\x85c\u2028d\u2029e"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: key 'a' repeats line 1; keep one of them"),
        ("x:\n  1: a\n  '1': b", "f.yaml:3:3: key '1' repeats line 2; keep one of them"),
        ("a: [1", "f.yaml:2:1: not valid YAML"),
        ("a: [@1h]", f"f.yaml:1:5: not valid YAML: {NOTHING_BEGINS}; {IN_QUOTES}"),
        ("a: b: c", "f.yaml:1:5: not valid YAML"),
        ("a:\n\t- b", "f.yaml:2:1: not valid YAML"),
        ("a: .nan", "f.yaml:1:4: not a finite number"),
        ("a: -.inf", "f.yaml:1:4: not a finite number"),
        ("a: 1e999", "f.yaml:1:4: not a finite number"),
        ("a: " + "9" * 5_000, "f.yaml:1:4: not a finite number"),
        ("a: 1e-999", "f.yaml:1:4: not a finite number"),
        ("a: 1e-99999999999999999999", "f.yaml:1:4: not a finite number"),
        ("a: 0." + "1" * 5_000, "f.yaml:1:4: not a finite number"),
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
        ("a: [" + "x," * 60_000 + "]", "f.yaml:1:100001: more than 50000 values"),
        ("a: '" + "x" * 1_000_000 + "'", "f.yaml:1:1: longer than 1000000 characters"),
        ("a: b\x00c", "f.yaml:1:5: a character that is not allowed"),
        (b"a: 1\nb: \xff", "f.yaml:2:4: a character that is not allowed"),
        ("a: 1\u2028b: 2", "f.yaml:1:5: a character that is not allowed"),
        ("a: 1\u2029b: 2", "f.yaml:1:5: a character that is not allowed"),
        ("a: 1\x85b: 2", "f.yaml:1:5: a character that is not allowed"),
        ("a: 'b\x85c'", "f.yaml:1:6: a character that is not allowed"),
        ("a: [?x]", "f.yaml:1:6: a question mark before text"),
        ("a: {?'x': 1}", "f.yaml:1:6: a question mark before text"),
        ("a: {?x: 1}", "f.yaml:1:6: a question mark before text"),
        ("a: &an:chor b", "f.yaml:1:4: an anchor or alias with a sign in its name"),
        ("a: &x [1]\nb: [*x:y]", "f.yaml:2:5: an anchor or alias with a sign in its name"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_refused_yaml_is_named_with_its_place(text: str | bytes, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read(text)

    assert str(caught.value).startswith(problem)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_error_says_which_line_of_which_file() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read("a: 1\na: 2")

    assert caught.value.source == "f.yaml:2"


def test_a_bomb_of_aliases_is_refused_before_it_is_expanded() -> None:
    steps = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        with pytest.raises(ConfigurationError, match="more than 50000 values"):
            _read(BOMB)
    finally:
        sys.setprofile(None)

    # The values would be 400 million; the calls and returns are some twenty for each event read.
    assert steps < 4_000


def test_an_alias_counts_as_what_it_stands_for_and_not_as_what_is_before_it() -> None:
    many = "a: [" + "x," * 40_000 + "]\nb: &b [y]\n"

    assert len(_read(f"{many}c: [{'*b, ' * 4_900}]")) == 3
    with pytest.raises(ConfigurationError, match="more than 50000 values"):
        _read(f"{many}c: [{'*b, ' * 5_100}]")


def test_aliases_cannot_nest_deeper_than_brackets() -> None:
    tower = "a0: &a0 [[[[[[[[[[1]]]]]]]]]]\n" + "".join(
        f"a{floor}: &a{floor} [[[[[[[[[[*a{floor - 1}]]]]]]]]]]\n" for floor in range(1, 9)
    )

    with pytest.raises(ConfigurationError, match=r"f\.yaml:4:19: nested deeper than 32 levels"):
        _read(tower)


class Limits(BaseModel):
    """Fields that say what a number may be."""

    ceiling: float = Field(default=0.0, allow_inf_nan=True)
    strict: float = Field(default=0.0, allow_inf_nan=False)
    amount: Amount = Decimal(0)
    ratio: Decimal = Decimal(0)
    json_value: JsonValue = None


def _limits(text: str) -> Limits:
    store = MemoryStore()
    store.write("memory:f.yaml", text.encode())
    return Limits.model_validate(YamlLayer("memory:f.yaml", store=store).load().values)


def test_a_field_that_allows_infinity_gets_it() -> None:
    assert _limits("ceiling: .inf").ceiling == float("inf")
    assert _limits("ceiling: -.INF").ceiling == float("-inf")
    assert repr(_limits("ceiling: .NaN").ceiling) == "nan"


@pytest.mark.parametrize("field", ["strict", "amount", "ratio", "json_value"])
@pytest.mark.parametrize("number", [".inf", "+.Inf", "-.inf", ".nan"])
def test_a_field_that_does_not_allow_infinity_refuses_it(field: str, number: str) -> None:
    with pytest.raises(ValueError, match=rf"1 validation error for Limits\n{field}\n"):
        _limits(f"{field}: {number}")


@pytest.mark.parametrize(
    "digits",
    [
        "0.1000000000000000055",
        "12345678901234567890.12",
        "-.1000000000000000055",
        "0.30000000000000000000000000001",
        "9007199254740993",
        "123456789012345678901234567890",
        "1.00000000000000000000000001e-7",
    ],
)
def test_an_exact_field_gets_every_digit_that_was_written(digits: str) -> None:
    limits = _limits(f"amount: {digits}\nratio: {digits}\nceiling: {digits}")

    assert limits.amount == limits.ratio == Decimal(digits)
    assert limits.ceiling == float(digits)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_no_amount_loses_a_digit(number: Decimal) -> None:
    text = f"{number:f}"[:31]

    assert _limits(f"amount: {text}").amount == Decimal(text)


def test_where_numbers_are_json_a_float_is_a_plain_float() -> None:
    assert type(_read("a: 0.1000000000000000055")["a"]) is float


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1 -", max_size=3), inner)
    ),
    max_leaves=10,
)
FRAGMENTS = [
    *("a", "b", "a: ", "b: ", ": ", "- ", "? ", "\n", "\n  ", "[", "]", "{", "}", ", ", "#", "|"),
    *("'", '"', "&x ", "*x", "!", "!!str ", "<<: ", "---", "...", "%", "1", "1.5", "~", "\t", "\\"),
]


class QuotingDumper(yaml.SafeDumper):
    """Quotes all text, so that YAML 1.1, which it speaks, and 1.2 agree about the rest."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


@pytest.mark.parametrize("text", ["a: &x 1\nb: &x 2", "a: &x [1]\nb: &x {}", "&x a: &x 1"])
def test_an_anchor_cannot_be_made_twice(text: str) -> None:
    with pytest.raises(ConfigurationError, match="an anchor of this name is there already"):
        _read(text)


@given(st.dictionaries(st.text("abc", max_size=3), TREES), st.sampled_from(["flow", "block"]))
def test_it_reads_what_another_reader_reads(tree: dict[str, object], style: str) -> None:
    is_flow = style == "flow"
    text = yaml.dump(tree, Dumper=QuotingDumper, default_flow_style=is_flow, allow_unicode=True)

    assert repr(_read(text)) == repr(yaml.safe_load(text))


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=9).map("".join) | st.text(max_size=20))
def test_any_text_is_read_as_another_reader_reads_it_or_refused(text: str) -> None:
    text = f"k: {text}"
    read: object = None
    with suppress(ConfigurationError):
        read = _read(text)

    # All its scalars are text, so that shapes and texts are compared; it makes no objects.
    event("refused" if read is None else "read")
    assert read is None or _same_shape(read, yaml.load(text, Loader=yaml.CBaseLoader))  # noqa: S506


def _same_shape(value: object, other: object) -> bool:
    if isinstance(value, dict) and isinstance(other, dict):
        pairs = zip(value.values(), other.values(), strict=True)
        return value.keys() == other.keys() and all(_same_shape(*pair) for pair in pairs)
    if isinstance(value, list) and isinstance(other, list):
        return all(_same_shape(*pair) for pair in zip(value, other, strict=True))
    return value == other or (isinstance(other, str) and not isinstance(value, str))
