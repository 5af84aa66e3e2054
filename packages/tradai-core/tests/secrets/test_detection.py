"""A text is known as a secret by its shape, and an ordinary one is none."""

import pytest

from tradai.core import looks_like_secret

# Invented, and as long as real ones.
LETTERS = "A1b2" * 9


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
    ],
)
def test_a_token_that_its_issuer_marks_is_a_secret_under_any_key(text: str) -> None:
    assert looks_like_secret(["strategy", "config", "note"], text)


@pytest.mark.parametrize(
    "text",
    [
        *("sk-learn_random_forest_classifier_of_mine", "risk-adjusted", "ghp_", "hf_model", "xoxo"),
        f"risk-{LETTERS}",
    ],
)
def test_an_ordinary_text_with_such_a_beginning_is_none(text: str) -> None:
    assert not looks_like_secret(["strategy", "config", "note"], text)
