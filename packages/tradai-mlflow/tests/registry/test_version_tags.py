"""Private parts: the wire format is a promise to versions that were registered before."""

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from tradai.core import StrategyConfig, digest
from tradai.core.exceptions import ValidationError
from tradai.mlflow._registry.chunks import CHUNK_LENGTH, from_chunks, to_chunks
from tradai.mlflow._registry.errors import ModelIntegrityError
from tradai.mlflow._registry.record import ModelFile, ModelRecord
from tradai.mlflow._registry.version_tags import VersionContent, from_tags, to_tags

LIMIT_OF_VERSION_2 = 5_000
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def content(**extra: object) -> VersionContent:
    config = StrategyConfig(
        name="trend", version="1.2.0", timeframe="15m", pairs=("BTC/USDT",), **extra
    )
    record = ModelRecord(
        config_digest=digest(config.canonical()),
        digests={"source": "a" * 64, "data": "b" * 64},
        files=(ModelFile(path="strategy/trend.py", sha256="c" * 64, size=7),),
        metrics={"trades": 297, "profit_percent": -1.25},
        run_id="run-1",
        data_until=NOW,
        registered_at=NOW,
    )
    return VersionContent(config=config, record=record)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3 * CHUNK_LENGTH))
def test_any_text_comes_back_from_its_tags(text: str) -> None:
    tags = to_chunks("note", text)

    assert from_chunks("note", {**tags, "other": "tag"}, place="trend version 1") == text
    assert max(map(len, tags.values())) <= LIMIT_OF_VERSION_2


@given(st.data())
def test_a_tag_that_is_changed_cut_or_missing_is_noticed(data: st.DataObject) -> None:
    text = data.draw(st.text(string.ascii_letters, min_size=1, max_size=2 * CHUNK_LENGTH))
    tags = to_chunks("note", text)
    name = data.draw(st.sampled_from(sorted(tags)))
    damage = data.draw(st.sampled_from(["change", "cut", "remove"]))
    if damage == "remove":
        del tags[name]
    else:
        tags[name] = tags[name][:-1] + ("" if damage == "cut" else "\N{BULLET}")

    with pytest.raises(ModelIntegrityError, match="trend version 1 cannot be used"):
        from_chunks("note", tags, place="trend version 1")


def test_a_text_that_no_registry_takes_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValidationError, match=r"config has 4,500,001 characters"):
        to_chunks("config", "x" * 4_500_001)


def test_the_longest_text_comes_back() -> None:
    text = "x" * 4_500_000

    assert from_chunks("config", to_chunks("config", text), place="trend version 1") == text


def test_a_version_comes_back_from_its_tags_with_equal_digests() -> None:
    version = content(buy_params={"fast": 12}, execution={"stake_amount": "50.10"})

    read = from_tags(to_tags(version), place="trend version 1")

    assert read == version
    assert digest(read.config.canonical()) == version.record.config_digest


def test_a_configuration_of_200_kilobytes_fits_into_tags_of_5_000_characters() -> None:
    version = content(parameters={f"key_{index}": "\N{EURO SIGN}" * 200 for index in range(1_000)})

    tags = to_tags(version)

    assert sum(map(len, tags.values())) > 200_000
    assert max(map(len, tags.values())) <= LIMIT_OF_VERSION_2
    assert from_tags(tags, place="trend version 1") == version


def test_the_configuration_of_another_version_is_noticed() -> None:
    tags = to_tags(content())
    others = to_tags(content(stake_currency="BUSD"))
    config = {name: value for name, value in others.items() if name.startswith("tradai.config")}

    with pytest.raises(ModelIntegrityError, match="not the one of its record"):
        from_tags({**tags, **config}, place="trend version 1")


@pytest.mark.parametrize(
    ("schema", "advice"),
    [(None, "was not registered by tradai"), ("2", "upgrade tradai-mlflow here")],
)
def test_a_version_of_another_origin_is_refused_with_advice(
    schema: str | None, advice: str
) -> None:
    tags = to_tags(content())
    del tags["tradai.schema"]

    with pytest.raises(ModelIntegrityError, match=advice):
        from_tags(tags | ({"tradai.schema": schema} if schema else {}), place="trend version 1")


def test_tags_that_are_whole_but_no_record_are_refused_by_the_name_of_the_field() -> None:
    tags = to_tags(content()) | to_chunks("tradai.record", '{"files": 1}')

    with pytest.raises(ModelIntegrityError, match="its ModelRecord is not valid: config_digest"):
        from_tags(tags, place="trend version 1")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "a\\b",
        "a\0b",
        "a\nb",
        "a%20b",
        "a#b",
    ],
)
def test_a_path_that_leads_out_of_the_folder_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"the artifact path .* is not usable"):
        ModelFile(path=path, sha256="a" * 64, size=1)


def test_people_can_search_versions_by_their_tags() -> None:
    tags = to_tags(content())

    chunks = ("tradai.config.", "tradai.record.")
    assert {name: text for name, text in tags.items() if not name.startswith(chunks)} == {
        "tradai.schema": "1",
        "tradai.kind": "strategy",
        "tradai.strategy": "trend",
        "tradai.strategy_version": "1.2.0",
        "tradai.timeframe": "15m",
        "tradai.config_id": f"v1-{digest(content().config.canonical())[:8]}",
        "tradai.run": "run-1",
        "tradai.digest.source": "a" * 64,
        "tradai.digest.data": "b" * 64,
    }
