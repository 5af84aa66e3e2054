"""Values behind sensitive names are masked in free text, however a program wrote them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tradai.core import mask_named_values

CLEAN_LINES = Path(__file__).parent / "data" / "clean_log_lines.txt"
# No real ones.
KEY = "FAKEfake0123FAKEfake4567FAKEfake89abFAKEfakecdefFAKEfake0123FAKE"
NAMES = [
    *("apiKey", "api_key", "API-KEY", "secret", "exchange.secret", "password", "passphrase"),
    *(
        "token",
        "ws_token",
        "jwt_secret_key",
        "bot_token",
        "X-MBX-APIKEY",
        "privateKey",
        "listenKey",
    ),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "template",
    [
        "ccxt config: {{'{}': '{}', 'enableRateLimit': True}}",
        'sent {{"{}":"{}","recvWindow":5000}}',
        'sent "{{\\"{}\\": \\"{}\\", \\"recvWindow\\": 5000}}"',
        "headers {{b'{}': b'{}'}}",
        "Exchange({}='{}', sandbox=False)",
        "--{}={} --verbose",
        "{}: {}",
        "{} => {}",
        "{}= {}, next",
        "<CIMultiDict('{}': \"{}\")>",
        "cut off: {{'{}': '{}",
        "{{'{}': ['{}', 'second']}}",
        "{{'{}': {{'value': '{}'}}}}",
    ],
)
def test_a_value_behind_a_sensitive_name_is_masked(template: str, name: str) -> None:
    line = mask_named_values(template.format(name, KEY))

    assert KEY not in line
    assert name in line
    assert "***" in line


@pytest.mark.parametrize("name", ["API key", "Api Secret", "access token", "private key"])
def test_a_name_may_be_two_words(name: str) -> None:
    assert mask_named_values(f"the {name}: {KEY} is set") == f"the {name}: *** is set"


def test_all_values_of_a_line_are_masked_and_nothing_else() -> None:
    line = f"{{'name': 'binance', 'apiKey': '{KEY}', 'secret': '{KEY[::-1]}', 'uid': 7}} in 3 ms"

    assert mask_named_values(line) == (
        "{'name': 'binance', 'apiKey': '***', 'secret': '***', 'uid': 7} in 3 ms"
    )


def test_the_key_of_the_engine_s_own_configuration_is_masked_and_other_keys_are_not() -> None:
    line = f"{{'exchange': {{'key': '{KEY}', 'secret': 'x'}}, 'best_pair': {{'key': 'SOL/USDT'}}}}"

    assert mask_named_values(line) == (
        "{'exchange': {'key': '***', 'secret': '***'}, 'best_pair': {'key': 'SOL/USDT'}}"
    )


def twice(text: str) -> str:
    """Return `text` as JSON within JSON, without the outer quotes."""
    return json.dumps(json.dumps(text))[1:-1]


@pytest.mark.parametrize("write", [repr, json.dumps, twice])
@given(value=st.text(st.characters(codec="ascii", exclude_characters="\r\n"), min_size=8))
def test_a_quoted_value_is_masked_whole_whatever_is_in_it(
    write: Callable[[str], str], value: str
) -> None:
    written = write(value)
    quote = written[:2] if written.startswith("\\") else written[:1]

    masked = mask_named_values(f"{{'secret': {written}, 'pair': 'BTC/USDT'}}")

    assert masked == f"{{'secret': {quote}***{quote}, 'pair': 'BTC/USDT'}}"


@pytest.mark.parametrize(
    "line",
    [
        "{'secret': '', 'password': None, 'token': null}",
        "max_tokens=5, stake_token: USDT",
        'binance requires "apiKey" credential',
        "KeyError: 'password'",
        "if token == 'a'",
        "keys: 5, monkey: banana",
        "the secret: nothing is known about it",
        "botocore.hooks Event before-call.ListSecrets: calling handler <function add>",
    ],
)
def test_a_line_without_such_a_value_is_left_as_it_is(line: str) -> None:
    assert mask_named_values(line) == line


def test_no_line_of_a_real_program_is_changed() -> None:
    lines = CLEAN_LINES.read_text(encoding="utf-8").splitlines()

    changed = [line for line in lines if mask_named_values(line) != line]
    # The place to go on in a list, which boto3 logs in a line of its own.
    changed = [line for line in changed if "nextForwardToken" not in line]

    assert len(lines) > 2_500
    assert changed == []
