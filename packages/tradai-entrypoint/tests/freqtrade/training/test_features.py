"""Features by the pair and the timeframe that they are computed on."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._training.features import (
    NEITHER,
    OWN,
    FeatureName,
    feature_groups,
    feature_name,
    feature_shares,
)
from tradai.entrypoint.freqtrade._training.record import Importance, TrainingRecord

# A training of the real engine: two pairs, two models each, one label.
RECORDED = TrainingRecord.read(Path(__file__).parent / "data/training.json")


@pytest.mark.parametrize(
    ("full", "pair", "feature"),
    [
        ("%-rsi-period_10_BTC/USDT_5m", "BTC/USDT", ("%-rsi-period_10", OWN, "5m")),
        ("%-rsi_gen_shift-1_BTC/USDT_1h", "ETH/USDT", ("%-rsi_gen_shift-1", "BTC/USDT", "1h")),
        # FreqAI leaves the colon of futures out.
        ("%-rsi_gen_BTC/USDTUSDT_1h", "BTC/USDT:USDT", ("%-rsi_gen", OWN, "1h")),
        ("%-hour", "BTC/USDT", ("%-hour", NEITHER, "")),
        # After a principal component analysis.
        ("PC0", "BTC/USDT", ("PC0", NEITHER, "")),
    ],
)
def test_a_name_has_the_pair_and_the_timeframe_of_its_feature(
    full: str, pair: str, feature: tuple[str, str, str]
) -> None:
    assert feature_name(full, pair) == FeatureName(*feature)


def test_shares_of_the_pairs_are_one_mean_with_the_greatest_first() -> None:
    shares = {
        "BTC/USDT": {"%-a_BTC/USDT_5m": 0.2, "%-b_BTC/USDT_5m": 0.8},
        "ETH/USDT": {"%-a_ETH/USDT_5m": 0.4, "%-c_BTC/USDT_5m": 0.6},
    }
    record = RECORDED.model_copy(
        update={
            "importances": tuple(
                Importance(pair=pair, label="&-rise", method="gain", shares=each)
                for pair, each in shares.items()
            )
        }
    )

    assert list(feature_shares(record)["&-rise"].items()) == [
        (FeatureName("%-b", OWN, "5m"), 0.4),
        (FeatureName("%-a", OWN, "5m"), pytest.approx(0.3)),
        (FeatureName("%-c", "BTC/USDT", "5m"), 0.3),
    ]


def test_groups_have_the_features_of_a_model_and_their_share() -> None:
    own, neither = feature_groups(RECORDED)

    assert (own.place, own.features) == (f"{OWN}, 15m", 24)
    assert (neither.place, neither.features) == (NEITHER, 1)
    assert own.share is not None
    assert neither.share is not None
    assert own.share + neither.share == pytest.approx(1)


def test_groups_of_models_without_importance_have_no_share() -> None:
    record = RECORDED.model_copy(update={"importances": ()})

    assert {group.share for group in feature_groups(record)} == {None}
