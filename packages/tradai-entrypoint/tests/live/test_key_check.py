"""Keys that cannot be meant are refused before a request, and never shown."""

import pytest

from tradai.core import Secret
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live._account.key_check import check_keys

KEY = "FakeKeyOfATrader" * 4
SECRET = "NotASecretAtAll1" * 4


def keys(key: str, secret: str) -> ApiKeys:
    return ApiKeys(key=Secret(key), secret=Secret(secret))


def test_a_key_and_its_secret_pass() -> None:
    check_keys(keys(KEY, SECRET))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (keys("demo" * 16, SECRET), "the key is a stand-in"),
        (keys("TESTNETKEY" * 6, SECRET), "the key is a stand-in"),
        (keys(KEY, "your-api-secret-goes-here"), "the secret is a stand-in"),
        (keys(KEY, "x" * 64), "the secret is a stand-in"),
        (keys("abc123", SECRET), "the key is too short"),
        (keys(KEY, "1234567890" * 4), "the secret has digits alone"),
        (keys(KEY, KEY), "key and secret are the same"),
    ],
)
def test_keys_that_cannot_be_meant_are_refused(given: ApiKeys, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        check_keys(given)

    assert given.key.reveal() not in str(caught.value)
    assert given.secret.reveal() not in str(caught.value)
