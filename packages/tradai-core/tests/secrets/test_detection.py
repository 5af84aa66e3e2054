"""A text is known as a secret by its shape, and an ordinary one is none."""

import string

import pytest
from hypothesis import given, strategies as st

from tradai.core import OverridesLayer, looks_like_secret, redact

# Invented, and as long as real ones.
LETTERS = "A1b2" * 9

BEGINNINGS = (
    *("ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "hf_"),
    *("sk-", "sk-ant-", "sk-admin-", "sk-proj-", "sk-svcacct-"),
    *("sk_live_", "sk_test_", "rk_live_", "rk_test_"),
)
WORDS = st.text(string.ascii_letters + string.digits, min_size=30, max_size=80)
KEYS = st.text(string.ascii_letters + string.digits, min_size=64, max_size=64)
TOKENS = st.one_of(
    st.builds(str.__add__, st.sampled_from(BEGINNINGS), WORDS),
    KEYS.filter(lambda key: not set(key) <= set("0123456789abcdef")),
)
AROUND = st.text(" .,:;='\"()[]{}<>/\n\u20ac", min_size=1)


@pytest.mark.parametrize(
    "text",
    [
        *(f"gh{kind}_{LETTERS}" for kind in "oprsu"),
        f"github_pat_{LETTERS}",
        f"glpat-{LETTERS}",
        "xoxb-123456789012-invented",
        f"hf_{LETTERS}",
        f"sk-{LETTERS}",
        *(f"sk-{kind}-{LETTERS}" for kind in ("admin", "ant", "proj", "svcacct")),
        *(f"{kind}_{LETTERS}" for kind in ("rk_live", "rk_test", "sk_live", "sk_test")),
        f"sent with ghp_{LETTERS}.",
        "https://hooks.slack.com/services/T00/B00/invented",
        "https://discord.com/api/webhooks/123/invented",
        "https://ptb.discordapp.com/api/v10/webhooks/123/invented",
        f"123456789:AA{LETTERS[:33]}",
        f"123456789012:AA{LETTERS[:30]}",
        "0x" + "0123456789abcdef" * 4,
    ],
)
def test_a_token_that_its_issuer_marks_is_a_secret_under_any_key(text: str) -> None:
    assert looks_like_secret(["strategy", "config", "note"], text)


def test_random_text_under_the_name_key_is_a_secret_and_the_name_of_a_column_is_none() -> None:
    assert looks_like_secret(["strategy", "config", "key"], LETTERS[:30])
    assert not looks_like_secret(["strategy", "config", "key"], "close_of_the_last_candle_1h")
    assert not looks_like_secret(["strategy", "config", "key"], 3)
    assert not looks_like_secret(["strategy", "config", "note"], LETTERS[:30])


def test_the_key_of_a_wallet_is_a_secret_as_the_number_that_yaml_makes_of_it() -> None:
    layer = OverridesLayer([f"note=0x{'0123456789abcdef' * 4}"]).load()

    assert looks_like_secret(["note"], layer.values["note"])
    assert not looks_like_secret(["note"], 10**30)


@pytest.mark.parametrize(
    "text",
    [
        "https://hooks.slack.com/",
        "https://discord.com/channels/1/2",
        "0x" + "0123456789abcdef0123" * 2,
        "12:30:AA",
    ],
)
def test_a_text_that_only_begins_like_one_is_none(text: str) -> None:
    assert not looks_like_secret(["strategy", "config", "note"], text)


@pytest.mark.parametrize(
    "text",
    [
        *("sk-learn_random_forest_classifier_of_mine", "risk-adjusted", "ghp_", "hf_model", "xoxo"),
        f"risk-{LETTERS}",
    ],
)
def test_an_ordinary_text_with_such_a_beginning_is_none(text: str) -> None:
    assert not looks_like_secret(["strategy", "config", "note"], text)


@given(st.text(), AROUND, TOKENS, AROUND, st.text())
def test_what_looks_like_a_secret_is_masked_when_it_stands_in_a_text(
    before: str, left: str, token: str, right: str, after: str
) -> None:
    assert looks_like_secret(["note"], token)
    assert token not in redact(f"{before}{left}{token}{right}{after}")
    assert redact(f" {token} ") == " *** "


@given(st.text("0123456789abcdef", min_size=64, max_size=64), AROUND)
def test_a_digest_is_no_secret_and_stays_readable(digest: str, around: str) -> None:
    assert not looks_like_secret(["note"], digest)
    assert redact(f"sha256:{digest}{around}run") == f"sha256:{digest}{around}run"
