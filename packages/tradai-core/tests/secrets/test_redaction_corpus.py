import base64
import html
import json
import random
import re
import string
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus, urlencode

import pytest

from tradai.core import redact, register_secret

CLEAN_LINES: Final = Path(__file__).parent / "data" / "clean_log_lines.txt"
ALPHANUMERIC: Final = string.ascii_letters + string.digits
BASE64: Final = f"{ALPHANUMERIC}+/"
URL_SAFE: Final = f"{ALPHANUMERIC}-_"
UPPER: Final = string.ascii_uppercase + string.digits
HEXADECIMAL: Final = "0123456789abcdef"
EACH: Final = 25

# The same ones in each run; none is a real key.
CHANCE: Final = random.Random(20261124)  # noqa: S311


def fake(alphabet: str, length: int) -> str:
    return "".join(CHANCE.choices(alphabet, k=length))


def fake_jwt() -> str:
    return f"eyJ{fake(URL_SAFE, 33)}.eyJ{fake(URL_SAFE, 60)}.{fake(URL_SAFE, 43)}"


def fake_pem(kind: str) -> str:
    body = "\n".join(textwrap.wrap(fake(BASE64, CHANCE.randint(100, 900)), 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


# Makes a text and what must not be left of it, for a secret that was never registered.
SHAPES: Final[dict[str, Callable[[], tuple[str, str]]]] = {
    "access key id": lambda: both("key {} used", CHANCE.choice(("AKIA", "ASIA")) + fake(UPPER, 16)),
    "access key id in a name": lambda: both("new_key_{}_old", "AKIA" + fake(UPPER, 16)),
    "access key id in JSON": lambda: both('{{"AccessKeyId":"{}"}}', "ASIA" + fake(UPPER, 16)),
    "credential header": lambda: both(
        "Credential={}/20261124/eu-central-1/s3/aws4_request", "AKIA" + fake(UPPER, 16)
    ),
    "signature header": lambda: both("SignedHeaders=host, Signature={}'", fake(HEXADECIMAL, 64)),
    "bearer": lambda: both(
        "{{'Authorization': 'Bearer {}'}}", fake(URL_SAFE, CHANCE.randint(16, 200))
    ),
    "bearer in bytes": lambda: both("b'authorization': b'bearer {}'", fake(URL_SAFE, 20)),
    "bearer alone": lambda: both("BEARER {}", fake(URL_SAFE, CHANCE.randint(20, 200))),
    "short bearer": lambda: both(
        "{{'x': 'Bearer {}'}}", fake(URL_SAFE, CHANCE.randint(9, 18)) + "7"
    ),
    "basic": lambda: both(
        "Authorization: Basic {}", base64.b64encode(fake(ALPHANUMERIC, 24).encode()).decode()
    ),
    "JWT": lambda: both("token={}", fake_jwt()),
    "JWT in a list": lambda: both("['{}', 1]", fake_jwt()),
    "unsigned JWT": lambda: both("got {} back", fake_jwt().rpartition(".")[0] + "."),
    "encrypted JWT": lambda: both(
        "got {} back", f"{fake_jwt()}.{fake(URL_SAFE, 20)}.{fake(URL_SAFE, 9)}"
    ),
    "user of a URL": lambda: both("connect redis://:{}@cache:6379/0", fake(URL_SAFE, 24)),
    "user and password of a URL": lambda: both(
        "postgresql+psycopg://me:{}@db/trades", fake(f"{URL_SAFE}%!$&()*+,;=:@", 12)
    ),
    "token as the user of a URL": lambda: both(
        "clone https://{}@git.example.org/x.git", fake(ALPHANUMERIC, 40)
    ),
    "key in an S3 URI of ArcticDB": lambda: both(
        "s3://s3.example.org:candles?region=eu&access=x&secret={}", quote(fake(BASE64, 40))
    ),
    "signed query string": lambda: both(
        "/api/v3/order?symbol=BTCUSDT&side=BUY&timestamp=1735689600000&signature={}",
        fake(HEXADECIMAL, 64),
    ),
    "presigned URL": lambda: both(
        "GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Security-Token={}&a=1",
        quote(fake(BASE64, 300), safe=""),
    ),
    "signature of a presigned URL": lambda: both(
        "?X-Amz-Date=20261124T000000Z&X-Amz-Signature={} HTTP/1.1", fake(HEXADECIMAL, 64)
    ),
    "shared access signature": lambda: both("?sv=2024&sig={}&se=1", quote_plus(fake(BASE64, 43))),
    "stream of an account": lambda: both(
        "wss://x.example.org/ws?listenKey={}", fake(ALPHANUMERIC, 60)
    ),
    "parameter": lambda: both(
        "https://example.org/?a=1&" + CHANCE.choice(("api_key", "token", "password")) + "={}",
        fake(URL_SAFE, 32),
    ),
    "PEM": lambda: both(
        "key:\n{}\nend", fake_pem(CHANCE.choice(("", "RSA ", "EC ", "ENCRYPTED ")))
    ),
    "PEM on one line": lambda: both("key {} end", fake_pem("OPENSSH ").replace("\n", "\\n")),
    "PEM cut off": lambda: both("{}", fake_pem("")[:-40]),
    "bot token": lambda: both(
        "POST https://api.telegram.org/bot{}/getMe",
        f"{fake('123456789', 10)}:AA{fake(URL_SAFE, 33)}",
    ),
    "token of GitHub": lambda: both(
        "remote: {} is not", f"gh{CHANCE.choice('opsur')}_{fake(ALPHANUMERIC, 36)}"
    ),
    "token of GitHub with rights": lambda: both(
        "url = {}", f"github_pat_{fake(ALPHANUMERIC, 22)}_{fake(ALPHANUMERIC, 59)}"
    ),
    "token of GitLab": lambda: both("token=glpat-{}", fake(URL_SAFE, 20)),
    "token of Slack": lambda: both(
        "'xoxb-{}'", f"{fake('123456789', 12)}-{fake(ALPHANUMERIC, 24)}"
    ),
    "token of Hugging Face": lambda: both("loading with hf_{}", fake(ALPHANUMERIC, 34)),
    "key of OpenAI": lambda: both("sk-{}", fake(ALPHANUMERIC, 48)),
    "key of Anthropic": lambda: both("(sk-ant-{})", fake(URL_SAFE, 95)),
    "key of Stripe": lambda: both("rk_live_{} failed", fake(ALPHANUMERIC, 24)),
    "key of Binance": lambda: both(
        CHANCE.choice(("{}", "key_{}_old", "X-MBX-APIKEY: {}", "x" * CHANCE.randint(1, 9) + " {}")),
        fake(ALPHANUMERIC, 64),
    ),
}


def both(template: str, secret: str) -> tuple[str, str]:
    return template.format(secret), secret


def pieces(secret: str) -> Iterator[str]:
    """Yield what may not be left: every run of ten characters, but for the name of a key's kind."""
    for start in range(len(secret) - 9):
        piece = secret[start : start + 10]
        if "-----" not in piece and "PRIVATE" not in piece:
            yield piece


@pytest.mark.parametrize("name", SHAPES)
def test_every_secret_of_a_distinct_shape_is_masked_whole(name: str) -> None:
    for _ in range(EACH):
        text, secret = SHAPES[name]()

        masked = redact(text)

        assert "***" in masked
        assert [piece for piece in pieces(secret) if piece in masked] == []


def in_repr(value: str) -> str:
    return repr({"a": value})


WRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "as it is": lambda value: value,
    "in JSON": json.dumps,
    "in JSON that is not ASCII": lambda value: json.dumps(value, ensure_ascii=False),
    "in a repr": in_repr,
    "in the repr of bytes": lambda value: repr(value.encode()),
    "in a path": quote,
    "in a query string": lambda value: urlencode({"q": value}),
    "percent-encoded": lambda value: quote(value, safe=""),
    "percent-encoded in small letters": lambda value: re.sub(
        "%..", lambda escape: escape[0].lower(), quote(value, safe="")
    ),
    "in base64": lambda value: base64.b64encode(value.encode()).decode(),
    "in base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "in base64 behind one byte": lambda value: base64.b64encode(f"u{value}".encode()).decode(),
    "in base64 behind two bytes": lambda value: base64.b64encode(f"u:{value}".encode()).decode(),
    "in base64 before more": lambda value: base64.b64encode(f"{value}:more".encode()).decode(),
    "in the repr of JSON": lambda value: repr(json.dumps({"a": value, "b": "it's"})),
    "in the repr of JSON in bytes": lambda value: repr(json.dumps({"a": value, "b": "'"}).encode()),
    "in the repr of a repr": lambda value: repr([repr({"a": value, "b": "'"})]),
    "in ASCII": ascii,
    "in the ASCII of JSON": lambda value: ascii(json.dumps([value], ensure_ascii=False)),
    "in JSON in JSON": lambda value: json.dumps(json.dumps([value])),
    "in JSON in JSON in JSON": lambda value: json.dumps(json.dumps(json.dumps([value]))),
    "in JSON with escaped slashes": lambda value: json.dumps(value).replace("/", "\\/"),
    "percent-encoded as by a browser": lambda value: quote(value, safe="!'()*~"),
    "percent-encoded as by aiohttp": lambda value: quote(value, safe="/:@,$?!'()*;~"),
    "percent-encoded as by Java": lambda value: quote_plus(value, safe="*").replace("~", "%7E"),
    "percent-encoded twice": lambda value: quote(quote(value, safe=""), safe=""),
    "percent-encoded in JSON": lambda value: json.dumps(quote(value, safe="'!\"")),
    "in base64 percent-encoded": lambda value: quote(
        base64.b64encode(value.encode()).decode(), safe=""
    ),
    "in HTML": html.escape,
    "in HTML twice": lambda value: html.escape(html.escape(value)),
    "in XML": lambda value: html.escape(value, quote=False),
    "in numbers of XML": lambda value: "".join(
        one if one.isalnum() or one in "._-" else f"&#{ord(one)};" for one in value
    ),
    "in JSON in HTML": lambda value: html.escape(json.dumps(value)),
    "in HTML in JSON": lambda value: json.dumps(html.escape(value)),
    "in base64 without padding": lambda value: (
        base64.b64encode(value.encode()).decode().rstrip("=")
    ),
}
VALUES: Final = [
    value
    for _ in range(5)
    for value in (
        fake(ALPHANUMERIC, 64),  # as an exchange's key
        fake(BASE64, 40),  # as a secret access key
        fake(ALPHANUMERIC + string.punctuation, 20),
        "Pa!s(w)o*d'1~x\\\\\"/" + fake(string.punctuation, 4),
        "caf\u00e9 \N{EURO SIGN} \U0001f511 \t tab",
        fake("\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8", 16),
        " ".join(fake(string.ascii_lowercase, 6) for _ in range(4)),
    )
]


@pytest.fixture
def registered() -> list[str]:
    for value in VALUES:
        register_secret(value)
    return VALUES


@pytest.mark.parametrize("form", WRITTEN)
def test_every_registered_value_is_masked_however_it_is_written(
    registered: list[str], form: str
) -> None:
    around = len(WRITTEN[form](""))
    for value in registered:
        text = WRITTEN[form](value)

        masked = redact(f"sent {text} away")

        # In base64 the characters at either end also depend on what stands around.
        assert text[2:-6] not in masked
        assert len(masked) <= len("sent  away") + around + 14


@pytest.mark.parametrize("kind", ["", "RSA ", "EC "])
def test_every_line_of_a_registered_private_key_is_masked_alone(kind: str) -> None:
    key = fake_pem(kind)
    register_secret(key)

    lines = [line for line in key.splitlines() if len(line) >= 8]

    assert [redact(f"> {line}") for line in lines] == ["> ***"] * len(lines)
    assert redact(f"body: {json.dumps(key)}") == 'body: "***"'


def test_no_line_of_a_real_program_is_taken_for_a_secret() -> None:
    lines = CLEAN_LINES.read_text(encoding="utf-8").splitlines()

    changed = [line for line in lines if redact(line) != line]

    assert len(lines) > 2_500
    assert changed == []
