import base64
import copy
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from tradai.core import Secret, redact, register_secret
from tradai.core.exceptions import ValidationError

# Made up for these tests, in the shape of the real thing.
FAKE_ID = "AKIA" + "FAKEFAKEFAKEFAKE"
FAKE_JWT = "eyJmYWtlIjoxfQ.eyJmYWtlIjoyfQ.ZmFrZS1zaWduYXR1cmU"
FAKE_PEM = "-----BEGIN RSA PRIVATE KEY-----\nZmFrZQ==\nZmFrZQ==\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"key {FAKE_ID}, done", "key ***, done"),
        (f"token {FAKE_JWT} sent", "token *** sent"),
        ("Authorization: Bearer fake-token-0001", "Authorization: Bearer ***"),
        ("'authorization': 'Basic ZmFrZTpmYWtl'", "'authorization': 'Basic ***'"),
        ("redis://:fake-pass@cache:6379/0", "redis://***@cache:6379/0"),
        ("https://me:p@ss@example.org/a@b", "https://***@example.org/a@b"),
        ("/order?symbol=BTC&signature=abc1&x=2", "/order?symbol=BTC&signature=***&x=2"),
        ("?X-Amz-Security-Token=fake%2F1&b=2", "?X-Amz-Security-Token=***&b=2"),
        (f"before\n{FAKE_PEM}\nafter", "before\n***\nafter"),
        (FAKE_PEM[:60], "***"),
        (repr(FAKE_PEM), "'***'"),
    ],
)
def test_text_shaped_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ASIA" + "FAKEFAKEFAKEFAKE", "***"),
        ("Bearer fake-token-0001", "Bearer ***"),
        ("bearer fake-token-0001", "bearer ***"),
        ("BEARER fake-token-0001", "BEARER ***"),
        ("Bearer " + "x" * 20, "Bearer ***"),
        ("Authorization: basic ZmFrZTpmYWtl", "Authorization: basic ***"),
        ("AUTHORIZATION: token ZmFrZTpmYWtl", "AUTHORIZATION: token ***"),
        ("Signature=" + "0f" * 32, "Signature=***"),
        ("?signature=fake", "?signature=***"),
        ("a=1&signature=fake", "a=1&signature=***"),
        ("123456789:AA" + "fake-" * 6 + "fak", "***"),
    ],
)
def test_a_shape_is_found_in_a_text_that_has_nothing_else_to_look_at(
    text: str, masked: str
) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "BTC/USDT filled 0.0125 at 64231.55",
        "order a1b2c3d4e5f60718293a4b5c6d7e8f90 done",
        "https://example.org/path?symbol=BTCUSDT&interval=5m",
        "s3://bucket/runs/1/manifest.json",
        "mail to somebody@example.org",
        "Bearer authentication failed, a bearer instrument is none",
        "GET /?list-type=2&continuation-token=1ueGcxLPRx1Tr&max-keys=2",
        "https://example.org/coins?stake_token=USDT&token_count=3",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----",
        "2025-01-01T00:00:00.000Z v1-0a1b2c3d env:BINANCE_KEY",
        "run 20250101-000000-backtest-0a1b2c3d of task-1f0c9d6e-77aa-4d0e-9d4e-0a1b2c3d4e5f ended",
        f"{'A1b2' * 15}A1b and {'A1b2' * 16}A are other than 64 characters",
        "risk-adjusted, hf_model, sk-learn_random_forest_classifier_of_mine, ghp_, xoxo, a_pat_x",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@given(st.text(min_size=6, max_size=60).filter(lambda text: len(text.strip()) > 5))
def test_a_registered_value_is_masked_however_it_is_written(value: str) -> None:
    value = f"<fake {value} fake>"
    register_secret(value)

    for written in (
        value,
        quote(value, safe=""),
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        repr(value)[1:-1],
        base64.b64encode(value.encode()).decode(),
    ):
        assert written not in redact(f"it was {written}!")


def test_a_value_with_escapes_is_masked_from_its_first_character_to_its_last() -> None:
    value = "\"fake\\ and 'quoted' \u00e9\u00e8\""
    register_secret(value)

    for spell in (json.dumps, repr, lambda text: json.dumps(text, ensure_ascii=False)):
        assert redact(spell(value))[1:-1] == "***"


def test_the_longer_of_two_registered_values_is_masked_whole() -> None:
    register_secret("fake-overlap")
    register_secret("fake-overlap-and-more")

    assert redact("fake-overlap-and-more fake-overlap") == "*** ***"


@pytest.mark.parametrize("kib", [1, 64])
def test_a_long_value_is_masked_in_every_form(kib: int) -> None:
    value = "fake\N{EURO SIGN}/1" * (kib * 1024 // 9)
    register_secret(value)

    written = [
        value,
        json.dumps(value),
        repr(value),
        quote(value),
        base64.b64encode(value.encode()).decode(),
    ]

    assert [redact(f"<{text}>").strip("<>\"'") for text in written] == ["***"] * len(written)


def test_every_line_of_a_registered_text_is_masked() -> None:
    register_secret("fake first line 1\n  fake second line 2\n}\n")

    assert redact("read: fake second line 2 }") == "read: *** }"


def test_values_registered_by_many_threads_at_once_are_all_masked() -> None:
    together = threading.Barrier(4)

    def register(thread: int) -> list[str]:
        values = [f"fake-of-thread-{thread}-{number}" for number in range(5)]
        together.wait(timeout=300)
        for value in values:
            register_secret(value)
            assert redact(value) == "***"
        return values

    with ThreadPoolExecutor(4) as pool:
        values = [value for found in pool.map(register, range(4)) for value in found]

    assert [redact(value) for value in values] == ["***"] * 20


def test_a_short_value_is_masked_in_base64_when_six_characters_of_it_are_known() -> None:
    register_secret("z9y8x")

    assert redact(base64.b64encode(b"z9y8x").decode()) == "***g="


def test_a_tiny_value_is_not_masked() -> None:
    register_secret("abc")
    register_secret(" q7w8 ")

    assert redact("abc q7w8") == "abc ***"


def test_a_short_line_of_a_registered_text_is_masked_with_its_text_alone() -> None:
    register_secret("fake-8-x\nfake-7x\n")

    assert redact("fake-8-x and fake-7x") == "*** and fake-7x"


def test_masking_a_long_text_takes_linear_time() -> None:
    for text in ("://" * 50_000, "bearer " * 50_000, "?" * 100_000, "-----BEGIN " * 20_000):
        assert redact(text)


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("fake-value-one")

    shown = f"{secret} {secret!r} {secret:>30} {[secret]} {json.dumps([secret], default=str)}"

    assert "fake-value-one" not in shown
    assert secret.reveal() == "fake-value-one"


def test_making_a_secret_has_its_value_masked() -> None:
    Secret("fake-value-two")

    assert redact("fake-value-two") == "***"


def test_a_secret_leaves_the_process_in_no_pickle_and_no_json() -> None:
    secret = Secret("fake-value-three")

    for leave in (pickle.dumps, json.dumps):
        with pytest.raises(TypeError) as caught:
            leave(secret)

        assert "fake-value-three" not in str(caught.value)


def test_a_secret_cannot_be_looked_into() -> None:
    with pytest.raises(TypeError):
        vars(Secret("fake-value-four"))


def test_a_copy_of_a_secret_is_the_secret() -> None:
    secret = Secret("fake-value-five")

    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret]) == [secret]


def test_secrets_compare_by_value() -> None:
    assert Secret("fake-value-six") == Secret("fake-value-six") != Secret("fake-value-seven")
    assert len({Secret("fake-value-six"), Secret("fake-value-six")}) == 1
    assert Secret("fake-value-six") != "fake-value-six"


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_secret_is_never_blank(value: str) -> None:
    with pytest.raises(ValidationError):
        Secret(value)
