"""Configuration from S3: model, version and errors, with boto3's own stub."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from pydantic import BaseModel, Field, field_validator
from pydantic_settings import SettingsConfigDict

from tradai.aws import AwsError, AwsSettings, S3Config, S3Layer, S3Store, client_for, load_config
from tradai.core import BaseSettings, MemoryStore, StrategyConfigLoader, YamlLayer
from tradai.core.exceptions import ConfigurationError
from tradai.core.testing import FixedClock

URI = "s3://lake/limits.yaml"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEXT = b"pairs: [BTC/USDT]\nstake: 50\n"

Answer = Callable[..., None]


class Limits(BaseModel, frozen=True, extra="forbid"):
    pairs: tuple[str, ...]
    stake: int = Field(gt=0)

    @field_validator("pairs")
    @classmethod
    def _are_spot(cls, pairs: tuple[str, ...]) -> tuple[str, ...]:
        for pair in pairs:
            if ":" in pair:
                raise ValueError(pairs)
        return pairs


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client_for("s3", AwsSettings(region="eu-central-1"))) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def store() -> S3Store:
    return S3Store(AwsSettings(region="eu-central-1"))


@pytest.fixture
def answer(stub: Stubber) -> Answer:
    def add(text: bytes, version_id: str | None = "v1", *, unless: str | None = None) -> None:
        found = {
            "Body": StreamingBody(BytesIO(text), len(text)),
            "ContentLength": len(text),
            "ETag": '"tag"',
            "LastModified": NOW,
        }
        asked = {"Bucket": "lake", "Key": "limits.yaml", "ChecksumMode": "ENABLED"}
        stub.add_response(
            "get_object",
            found | ({"VersionId": version_id} if version_id else {}),
            asked | ({"IfNoneMatch": unless} if unless else {}),
        )

    return add


def _loaded(store: S3Store, *, require_version: bool = False) -> S3Config[Limits]:
    clock = FixedClock(NOW)
    return load_config(URI, Limits, store=store, clock=clock, require_version=require_version)


def test_a_model_comes_with_version_tag_and_hash_of_its_object(
    store: S3Store, answer: Answer
) -> None:
    answer(TEXT)

    found = _loaded(store, require_version=True)

    assert found.model == Limits(pairs=("BTC/USDT",), stake=50)
    assert (found.uri, found.version_id, found.etag) == (URI, "v1", '"tag"')
    assert found.sha256 == hashlib.sha256(TEXT).hexdigest()
    assert found.loaded_at == NOW


def test_json_is_read_as_well(store: S3Store, answer: Answer) -> None:
    answer(b'{"pairs": ["BTC/USDT"],\n "stake": 50}')

    assert _loaded(store).model.stake == 50


def test_an_unchanged_object_is_not_transferred_again(
    store: S3Store, stub: Stubber, answer: Answer
) -> None:
    answer(TEXT)
    known = _loaded(store)
    stub.add_client_error("get_object", "304", "Not Modified", 304)

    assert load_config(URI, Limits, known=known, store=store) is known


def test_a_changed_object_is_read_again(store: S3Store, answer: Answer) -> None:
    answer(TEXT)
    known = _loaded(store)
    answer(TEXT.replace(b"50", b"60"), "v2", unless='"tag"')

    found = load_config(URI, Limits, known=known, store=store)

    assert (found.model.stake, found.version_id) == (60, "v2")


def test_a_known_result_of_another_object_is_not_used(store: S3Store, answer: Answer) -> None:
    answer(TEXT)
    other = S3Config(
        model=Limits(pairs=(), stake=1),
        uri="s3://lake/other.yaml",
        version_id=None,
        etag='"tag"',
        sha256="",
        loaded_at=NOW,
    )

    assert load_config(URI, Limits, known=other, store=store).model.stake == 50


@pytest.mark.parametrize("version_id", [None, "null"])
def test_an_object_without_a_version_can_be_refused(
    version_id: str | None, store: S3Store, answer: Answer
) -> None:
    answer(TEXT, version_id)
    assert _loaded(store).version_id is None
    answer(TEXT, version_id)

    with pytest.raises(ConfigurationError, match="turn on versioning"):
        _loaded(store, require_version=True)


def test_a_known_result_without_a_version_can_be_refused(
    store: S3Store, stub: Stubber, answer: Answer
) -> None:
    answer(TEXT, None)
    known = _loaded(store)
    stub.add_client_error("get_object", "304", "Not Modified", 304)

    with pytest.raises(ConfigurationError, match="turn on versioning"):
        load_config(URI, Limits, known=known, require_version=True, store=store)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (b"pairs: []\nstake: -5", [":2: stake: must be greater than 0"]),
        (b"stake: 5", [":1: pairs: is missing; set it"]),
        (b"pairs: [a]\nstake: 5\nstakes: 6", [":3: stakes: Extra inputs"]),
        (b"pairs: [1]\nstake: x", [":1: pairs.0: must be text", ":2: stake: must be"]),
    ],
)
def test_every_problem_is_listed_with_its_line(
    text: bytes, problems: list[str], store: S3Store, answer: Answer
) -> None:
    answer(text)

    with pytest.raises(ConfigurationError) as caught:
        _loaded(store)

    assert all(f"{URI}{problem}" in str(caught.value) for problem in problems)
    assert len(str(caught.value).splitlines()) == len(problems)


def test_no_value_is_quoted_or_kept(store: S3Store, answer: Answer) -> None:
    answer(b"pairs: ['fake:value']\nstake: 5")

    with pytest.raises(ConfigurationError, match="is not valid") as caught:
        _loaded(store)

    assert "fake:value" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_exact_number_keeps_its_digits(store: S3Store, answer: Answer) -> None:
    class Step(BaseModel, frozen=True):
        step: Decimal

    answer(b"step: 0.12345678901234567890123")

    found = load_config(URI, Step, store=store)

    assert found.model.step == Decimal("0.12345678901234567890123")


@pytest.mark.parametrize("text", [b"size: .nan", b"size: -.inf"])
def test_a_number_that_is_not_finite_is_refused(
    text: bytes, store: S3Store, answer: Answer
) -> None:
    class Size(BaseModel, frozen=True):
        size: float

    answer(text)

    with pytest.raises(ConfigurationError, match=f"{URI}:1"):
        load_config(URI, Size, store=store)


@pytest.mark.parametrize("text", [b"", b"- a list", b"{", b"a: 1\na: 2", b"a: !!python/object x"])
def test_a_document_that_is_not_a_mapping_is_refused(
    text: bytes, store: S3Store, answer: Answer
) -> None:
    answer(text)

    with pytest.raises(ConfigurationError, match=URI):
        _loaded(store)


def test_an_object_of_more_than_a_million_bytes_is_refused(store: S3Store, answer: Answer) -> None:
    answer(b"#" * 1_000_001)

    with pytest.raises(ConfigurationError, match="at most 1000000"):
        _loaded(store)


def test_a_layer_records_the_version_of_every_value(store: S3Store, answer: Answer) -> None:
    answer(b"strategy:\n  name: Trend\n")

    found = S3Layer(URI, store=store).load()

    assert found.values == {"strategy": {"name": "Trend"}}
    assert str(found.origins["strategy.name"]) == f"{URI}@v1:2"


def test_a_layer_has_the_values_of_the_same_file_in_another_store(
    store: S3Store, answer: Answer
) -> None:
    text = b"stake: 0.12345678901234567890123\nloss: -.inf\npairs: [1, 2.50]\n"
    answer(text)
    elsewhere = MemoryStore()
    elsewhere.write("memory:trend.yaml", text)

    found = S3Layer(URI, store=store).load().values

    expected = YamlLayer("memory:trend.yaml", store=elsewhere).load().values
    assert {key: str(value) for key, value in found.items()} == {
        key: str(value) for key, value in expected.items()
    }


def test_a_layer_can_refuse_an_object_without_a_version(store: S3Store, answer: Answer) -> None:
    answer(b"a: 1", None)

    with pytest.raises(ConfigurationError, match="turn on versioning"):
        S3Layer(URI, require_version=True, store=store).load()


def test_a_strategy_configuration_records_the_version_of_its_layer(
    store: S3Store, answer: Answer
) -> None:
    answer(
        b"name: Trend\nversion: 1.0.0\ntimeframe: 15m\npairs: [BTC/USDT]\n"
        b"strategy: {class: Trend, source: trend.py}\n"
    )
    loader = StrategyConfigLoader(layers=[S3Layer(URI, store=store)], environ={})

    loaded = loader.load_config()

    assert str(loaded.provenance["timeframe"]) == f"{URI}@v1:3"


class DeskSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ACME_DESK_")

    bucket: str
    retries: int = 3


def test_settings_read_the_layer_and_record_its_version(store: S3Store, answer: Answer) -> None:
    for _ in range(2):
        answer(b"bucket: lake\nretries: 5\n")
    layer = S3Layer(URI, require_version=True, store=store)
    environ = {"ACME_DESK_RETRIES": "7"}

    found = DeskSettings.load(files=[layer], environ=environ)
    origins = {one.name: one for one in DeskSettings.explain(environ, files=[layer])}

    assert (found.bucket, found.retries) == ("lake", 7)
    assert (origins["bucket"].source, origins["bucket"].place) == ("file", f"{URI}@v1:1")
    assert origins["retries"].shadowed == (f"{URI}@v1:2",)


def test_settings_refuse_a_layer_without_the_version_it_requires(
    store: S3Store, answer: Answer
) -> None:
    answer(b"bucket: lake", None)

    with pytest.raises(ConfigurationError, match="turn on versioning"):
        DeskSettings.load(files=[S3Layer(URI, require_version=True, store=store)], environ={})


def test_settings_list_the_problems_of_the_object_without_its_values(
    store: S3Store, answer: Answer
) -> None:
    answer(b"bucket: lake\nretries: fake-value\nbuckets: x")

    with pytest.raises(ConfigurationError) as caught:
        DeskSettings.load(files=[S3Layer(URI, store=store)], environ={})

    assert f"{URI}@v1:2" in str(caught.value)
    assert f"{URI}@v1:3" in str(caught.value)
    assert "fake-value" not in str(caught.value)


def test_a_missing_object_and_an_outage_are_different_errors_of_settings(
    store: S3Store, stub: Stubber
) -> None:
    stub.add_client_error("get_object", "NoSuchKey", "", 404)
    with pytest.raises(ConfigurationError, match="there is no such file"):
        DeskSettings.load(files=[S3Layer(URI, store=store)], environ={})

    stub.add_client_error("get_object", "SlowDown", "", 503)
    with pytest.raises(AwsError) as caught:
        DeskSettings.load(files=[S3Layer(URI, store=store)], environ={})

    assert caught.value.retryable
