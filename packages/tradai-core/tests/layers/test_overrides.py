import pytest

from tradai.core import OverridesLayer, parse_override
from tradai.core.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fee=0.001", ("fee", "0.001")),
        ("execution.fee=0.001", ("execution.fee", "0.001")),
        ("name=a=b", ("name", "a=b")),
        ("name=", ("name", "")),
        ("grid[0].x= 1 ", ("grid[0].x", " 1 ")),
    ],
)
def test_an_override_is_split_at_its_first_equals_sign(
    text: str, expected: tuple[str, str]
) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["", "hunter2", "=hunter2", ".=hunter2", "a..hunter2=x", "a.=x"])
def test_an_override_without_a_whole_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^override 2 .*write KEY=VALUE") as caught:
        parse_override(text, place="override 2")

    assert "hunter2" not in str(caught.value)
    assert caught.value.source == "override 2"
    assert caught.value.key is None


def test_overrides_are_dotted_and_the_last_one_wins() -> None:
    layer = OverridesLayer(["execution.fee=0.001", "name=a=b", "execution.fee=0.002"])

    data = layer.load()

    assert data.values == {"execution": {"fee": 0.002}, "name": "a=b"}
    assert str(data.origins["execution.fee"]) == "command line"


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("name", "override 2 has no value; write KEY=VALUE"),
        ("name=", "command line: name: set, but empty"),
        ("=x", "override 2 has an empty step in its key; write KEY=VALUE"),
        ("a..b=x", "override 2 has an empty step in its key; write KEY=VALUE"),
        ("a=[1", "command line: a:2:1: not valid YAML"),
    ],
)
def test_an_override_that_cannot_be_used_is_pointed_out(override: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OverridesLayer(["pairs=[]", override]).load()

    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("word", "recorded"),
    [
        ("strategy.config.api_key=fake-1", "strategy.config.api_key=***"),
        ("buy_params.token=12345", "buy_params.token=***"),
        ("engine.webhook.url=https://fake.example/x", "engine.webhook.url=***"),
        ("engine.telegram.chat_id=-100", "engine.telegram.chat_id=***"),
        ("strategy.config={limit: 3, api_key: fake-1}", "strategy.config=***"),
        ("strategy.config={limit: 3, api_key: fake-1", "strategy.config=***"),
        ("engine={webhook: {url: 'https://fake.example/x'}}", "engine=***"),
        ("strategy.config[api_key]=fake-1", "strategy.config[api_key]=***"),
        ("strategy/config/api_key=fake-1", "strategy/config/api_key=***"),
        ("+strategy..api_key=fake=1", "+strategy..api_key=***"),
        ("TRADAI_STRATEGY__ENGINE__WEBHOOK__URL=https://fake.example", None),
        ("--api-key=fake-1", "--api-key=***"),
        ("--key=A1b2A1b2A1b2A1b2A1b2A1b2A1b2", "--key=***"),
        ("note=AKIAFAKEFAKEFAKEFAKE", "note=***"),
        ("--data=s3://bucket?secret=fake-1", "--data=s3://bucket?secret=***"),
    ],
)
def test_the_value_of_a_secret_is_masked_and_its_key_is_kept(
    word: str, recorded: str | None
) -> None:
    assert OverridesLayer.masked(word) == (recorded or f"{word.partition('=')[0]}=***")


@pytest.mark.parametrize(
    "word",
    [
        *("run", "--mode", "strategy.yaml", "--timerange=20250101-20250401", "a=", "="),
        *("stake_token=USDT", "execution.stake_amount=50", "pairs=[BTC/USDT, ETH/USDT]"),
        *("strategy.config.api_key=env:KEY", "strategy.config={api_key: 'env:KEY', limit: 3}"),
        "strategy.config={note: 'fast: yes'}",
        *("s3://bucket/folder?region=eu", "file:/data/token=1/strategy.yaml", "a={b: [1"),
    ],
)
def test_a_word_without_a_secret_is_recorded_as_it_is(word: str) -> None:
    assert OverridesLayer.masked(word) == word
