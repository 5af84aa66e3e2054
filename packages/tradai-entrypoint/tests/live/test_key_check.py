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


# As text: a secret that lives as long as the tests would be masked in all of them.
@pytest.mark.parametrize(
    ("key", "secret", "problem"),
    [
        ("demo" * 16, SECRET, "the key is a stand-in"),
        ("TESTNETKEY" * 6, SECRET, "the key is a stand-in"),
        (KEY, "your-api-secret-goes-here", "the secret is a stand-in"),
        (KEY, "x" * 64, "the secret is a stand-in"),
        ("abc123", SECRET, "the key is too short"),
        (KEY, "1234567890" * 4, "the secret has digits alone"),
        (KEY, KEY, "key and secret are the same"),
    ],
)
def test_keys_that_cannot_be_meant_are_refused(key: str, secret: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        check_keys(keys(key, secret))

    assert key not in str(caught.value)
    assert secret not in str(caught.value)
