"""`markets capture` writes the file that a run will read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint.freqtrade import MarketRules, MarketServer, MarketsSnapshot

RULES = MarketRules(tick="0.01", step="0.00001", min_notional="5")


@pytest.fixture
def exchange() -> Iterator[str]:
    captured_at = datetime(2025, 1, 1, tzinfo=UTC)
    rules = {"BTC/USDT": RULES, "ETH/USDT": RULES}
    made = MarketsSnapshot.made(rules, note="for tests", captured_at=captured_at)
    with MarketServer(made) as server:
        yield server.base_url


def capture(config: Path, *words: str, url: str) -> int:
    command = ["markets", "capture", str(config), *words, "--exchange-url", url]
    return run_command(command, interrupts=Interrupts())


@pytest.mark.parametrize("scheme", ["", "file://", "parquet://", "arctic:lmdb://"])
def test_rules_are_written_beside_the_candles(
    config_file: Path, tmp_path: Path, exchange: str, scheme: str
) -> None:
    code = capture(config_file, "--data", f"{scheme}{tmp_path}/new/candles", url=exchange)

    assert code == 0
    assert MarketsSnapshot.load(tmp_path / "new/candles/markets.json").pairs == {"BTC/USDT"}


def test_rules_are_written_into_a_file_of_their_own(
    config_file: Path, tmp_path: Path, exchange: str
) -> None:
    code = capture(config_file, "--markets", str(tmp_path / "new/rules.json"), url=exchange)

    assert code == 0
    assert MarketsSnapshot.load(tmp_path / "new/rules.json").pairs == {"BTC/USDT"}


def test_rules_of_contracts_are_captured_from_the_futures_market(
    config_file: Path, tmp_path: Path
) -> None:
    text = config_file.read_text().replace("BTC/USDT", "BTC/USDT:USDT")
    config_file.write_text(f"{text}\nexchange: binance_futures\n")
    made = MarketsSnapshot.made(
        dict.fromkeys(["BTC/USDT:USDT", "ETH/USDT:USDT"], RULES),
        exchange="binance_futures",
        note="for tests",
        captured_at=datetime(2025, 1, 1, tzinfo=UTC),
    )

    with MarketServer(made) as server:
        code = capture(config_file, "--data", f"{tmp_path}/candles", url=server.base_url)

    assert code == 0
    captured = MarketsSnapshot.load(tmp_path / "candles/markets.json")
    assert captured.pairs == {"BTC/USDT:USDT"}
    assert (captured.exchange, captured.market_type) == ("binance_futures", "futures")


def test_candles_without_a_folder_need_a_file(
    config_file: Path, exchange: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = capture(config_file, "--data", "arctic:s3s://host:bucket?aws_auth=true", url=exchange)

    assert code == ExitCode.CONFIGURATION
    assert "give --markets FILE instead of --data" in capsys.readouterr().err


def test_a_download_takes_only_a_folder(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", f"parquet://{tmp_path}/candles", "--timerange", "20250101-20250102"]

    code = run_command(
        ["data", "download", str(config_file), *words, "--exchange-url", "http://127.0.0.1:9"],
        interrupts=Interrupts(),
    )

    assert code == ExitCode.DATA
    assert "does not name a file: expected a path" in capsys.readouterr().err
    assert not (tmp_path / "candles").exists()
