"""The secrets of a configuration are found one by one, each with its path."""

import pytest

from tradai.core import JsonValue

# Not through the door: a move names the whole value, and not each secret in it.
from tradai.entrypoint.freqtrade._new_folder.secret_leaves import secret_leaves


@pytest.mark.parametrize(
    ("value", "found"),
    [
        *(
            ({"of": [{name: "X-Api-Key", "value": "plain"}]}, {"feed.of.0.value": "plain"})
            for name in ("name", "key", "field", "header")
        ),
        ({"title": "X-Api-Key", "value": "plain"}, {}),
        ({"name": "window", "value": "plain"}, {}),
        ({"name": "X-Api-Key", "unit": "plain"}, {}),
        (["X-Api-Key", "plain"], {"feed.1": "plain"}),
        (["X-Api-Key", "plain", "more"], {}),
        (["--api-key", "plain", "more"], {"feed.1": "plain"}),
        (["more", "--api-key=", "plain"], {"feed.2": "plain"}),
        ({"deep": {"api_token": "plain", "window": 5}}, {"feed.deep.api_token": "plain"}),
        ({"deep": {"api_token": ""}}, {}),
    ],
)
def test_a_value_is_a_secret_by_the_name_that_goes_with_it(
    value: JsonValue, found: dict[str, str]
) -> None:
    assert dict(secret_leaves("feed", value)) == found


@pytest.mark.parametrize(("block", "found"), [("discord", 1), ("webhook", 1), ("telegram", 0)])
def test_a_key_in_the_body_of_a_message_is_that_of_its_receiver(block: str, found: int) -> None:
    assert len(list(secret_leaves(f"{block}.entry", {"key": "plain"}))) == found
