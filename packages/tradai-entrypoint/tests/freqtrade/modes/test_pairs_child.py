"""The engine for one pair after the other, with an engine that only notes how it was called."""

import io
import sys

import pytest
from rich.console import Console
from rich.table import Table

# Not public: a child process calls it, which runs on the real engine elsewhere.
from tradai.entrypoint.freqtrade._modes._bias.pairs_child import run_for_pairs, sections

WORDS = ["recursive-analysis", "--startup-candle", "60", "--pairs", "BTC/USDT", "ETH/USDT"]


class Engine:
    """An engine that reads its configuration, prints its pair and ends with the code given."""

    def __init__(self, codes: dict[str, object]) -> None:
        self.codes = codes
        self.calls: list[tuple[list[str], str]] = []

    def __call__(self, words: list[str]) -> None:
        with sys.stdin as given:
            self.calls.append((words, given.read()))
        sys.stdout.write(f"table of {words[-1]}\n")
        raise SystemExit(self.codes.get(words[-1]))


@pytest.fixture(autouse=True)
def _configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))


def test_the_engine_runs_for_each_pair_with_the_same_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = Engine({"ETH/USDT": 0})

    code = run_for_pairs(engine, WORDS)

    assert code == 0
    assert engine.calls == [
        ([*WORDS[:3], "--pairs", "BTC/USDT"], "{}"),
        ([*WORDS[:3], "--pairs", "ETH/USDT"], "{}"),
    ]
    assert list(sections(capsys.readouterr().out)) == [
        ("BTC/USDT", "table of BTC/USDT\n"),
        ("ETH/USDT", "\ntable of ETH/USDT\n"),
    ]


@pytest.mark.parametrize(("ended_with", "code"), [(2, 2), (130, 130), ("it broke", 1)])
def test_an_engine_that_fails_for_a_pair_runs_for_no_other(
    ended_with: object, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine({"BTC/USDT": ended_with})

    assert run_for_pairs(engine, WORDS) == code

    assert len(engine.calls) == 1
    assert list(sections(capsys.readouterr().out)) == []


def test_a_name_with_markup_in_it_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    def run(_: list[str]) -> None:
        table = Table("Indicators", "60")
        table.add_row("ema[long]", "1.000%")
        Console(width=80).print(table)

    run_for_pairs(run, WORDS[:-1])

    assert "│ ema[long]  │ 1.000% │" in capsys.readouterr().out
    assert Table.add_row.__qualname__ == "Table.add_row"


def test_an_engine_that_returns_has_not_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_for_pairs(lambda _: None, WORDS) == 0

    assert [pair for pair, _ in sections(capsys.readouterr().out)] == ["BTC/USDT", "ETH/USDT"]
