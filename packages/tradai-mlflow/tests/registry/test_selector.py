import pytest
from hypothesis import given, strategies as st

from tradai.core.exceptions import ValidationError
from tradai.mlflow import VersionSelector


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trend@champion", VersionSelector(name="trend", alias="champion")),
        ("mlflow:trend@champion", VersionSelector(name="trend", alias="champion")),
        ("trend@latest", VersionSelector(name="trend")),
        ("trend@v12", VersionSelector(name="trend", version=12)),
        ("trend@stage:Production", VersionSelector(name="trend", stage="Production")),
        ("a@b@champion", VersionSelector(name="a@b", alias="champion")),
        ("100%/spot:x@v1", VersionSelector(name="100%/spot:x", version=1)),
    ],
)
def test_a_text_chooses_one_version(text: str, expected: VersionSelector) -> None:
    assert VersionSelector.parse(text) == expected


@pytest.mark.parametrize("text", ["", "trend", "@champion", " @v1", "trend@", "trend@a b", "t@V7"])
def test_a_text_that_chooses_nothing_is_refused(text: str) -> None:
    with pytest.raises(
        ValidationError, match="expected NAME@ALIAS, such as trend@champion"
    ) as caught:
        VersionSelector.parse(text)

    assert f"the choice {text!r} of a model version" in str(caught.value)


def test_two_choices_at_once_are_refused() -> None:
    with pytest.raises(
        ValidationError, match="'trend@champion@1' of a model version is not usable"
    ):
        VersionSelector(name="trend", alias="champion", version=1)


@given(
    name=st.text(min_size=1).filter(str.strip),
    alias=st.from_regex(r"[a-z][a-z_-]{0,20}", fullmatch=True).filter(
        lambda text: text != "latest"
    ),
)
def test_a_choice_comes_back_from_its_text(name: str, alias: str) -> None:
    for choice in (
        VersionSelector(name=name, alias=alias),
        VersionSelector(name=name, version=3),
        VersionSelector(name=name, stage="Staging"),
        VersionSelector(name=name),
    ):
        assert VersionSelector.parse(f"mlflow:{choice}") == choice
