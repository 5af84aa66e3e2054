"""A signature is the HMAC-SHA256 of the text that is sent, as Binance documents it."""

import hashlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, strategies as st

from tradai.core import Secret
from tradai.entrypoint.freqtrade._exchange._binance.signing import signed_query

EXAMPLE = {
    "symbol": "LTCBTC",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "0.1",
    "recvWindow": "5000",
    "timestamp": "1499827319559",
}
BLOCK_BYTES = 64


@pytest.fixture
def secret() -> Secret:
    """The secret of the example in Binance's public documentation; it opens no account."""
    return Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")


def test_the_documented_example_has_the_documented_signature(secret: Secret) -> None:
    assert signed_query(EXAMPLE, secret) == (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        "&timestamp=1499827319559"
        "&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )


def test_text_that_is_not_ascii_is_encoded_before_it_is_signed(secret: Secret) -> None:
    # The digits of full width are those of the documentation.
    wide = EXAMPLE | {"symbol": "\uff11\uff12\uff13\uff14\uff15\uff16"}

    query = signed_query(wide, secret)

    assert query.startswith("symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=")
    assert query.endswith(
        "&signature=e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
    )


def test_a_blank_is_percent_encoded(secret: Secret) -> None:
    assert signed_query({"text": "a b+c"}, secret).startswith("text=a%20b%2Bc&signature=")


def hmac_sha256(secret: bytes, text: bytes) -> str:
    """Compute the code from its definition (RFC 2104)."""
    key = hashlib.sha256(secret).digest() if len(secret) > BLOCK_BYTES else secret
    padded = key.ljust(BLOCK_BYTES, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + text).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(
    parameters=st.dictionaries(TEXTS.filter(bool), TEXTS, min_size=1),
    secret=st.text(st.characters(codec="utf-8"), min_size=1, max_size=100).filter(str.strip),
)
def test_any_request_is_signed_as_it_is_sent_and_keeps_its_parameters(
    parameters: dict[str, str], secret: str
) -> None:
    payload, _, signature = signed_query(parameters, Secret(secret)).rpartition("&signature=")

    assert signature == hmac_sha256(secret.encode(), payload.encode("ascii"))
    assert dict(parse_qsl(payload, keep_blank_values=True)) == parameters
