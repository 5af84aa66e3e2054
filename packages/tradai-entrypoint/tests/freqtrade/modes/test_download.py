"""Downloads by the engine, on a stand-in for it that is a process of its own."""

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

from tradai.core import StrategyConfigLoader, parse_time_range, to_epoch_ms
from tradai.core.exceptions import ConfigurationError, StorageError, ValidationError
from tradai.entrypoint import ExitCode, Interrupts, Verdict
from tradai.entrypoint.freqtrade import download
from tradai.entrypoint.freqtrade._engine.install import EngineInstall

PAIRS = ["BTC/USDT", "ETH/USDT", "XRP/USDT"]
LOGS = Path(__file__).resolve().parent.parent / "evidence/engine_log"
CONTRACTS = ["BTC/USDT:USDT", "ETH/USDT:USDT"]

Fetch = Callable[..., Verdict]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "new" / "data"


def write_candles(path: Path, number: int) -> None:
    """Write a number of candles from the beginning of 2025 on."""
    first = to_epoch_ms(datetime(2025, 1, 1, tzinfo=UTC))
    times = [first + at * 300_000 for at in range(number)]
    feather.write_feather(pa.table({"date": pa.array(times, pa.timestamp("ms", tz="UTC"))}), path)


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    """The file that an engine writes for each series, with one candle."""
    path = tmp_path / "downloaded.feather"
    write_candles(path, 1)
    return path


@pytest.fixture
def fetch(
    strategy: Path,
    data: Path,
    downloaded: Path,
    interrupts: Interrupts,
    fake_engine: Callable[..., EngineInstall],
) -> Fetch:
    """Download three days of three pairs, on an engine of the given scenario."""

    def start(
        *,
        exchange_url: str | None = "http://127.0.0.1:9",
        timerange: str = "20250101-20250104",
        downloads: Sequence[str] = (),
        **scenario: object,
    ) -> Verdict:
        environ: Mapping[str, str] = {}
        return download(
            StrategyConfigLoader(environ=environ).load_config(str(strategy)).config,
            data,
            timerange=parse_time_range(timerange),
            exchange_url=exchange_url,
            interrupts=interrupts,
            environ=os.environ,
            engine=fake_engine(downloads=dict.fromkeys(downloads, str(downloaded)), **scenario),
        )

    return start


def test_candles_of_every_pair_are_downloaded(fetch: Fetch, data: Path, tmp_path: Path) -> None:
    verdict = fetch(downloads=PAIRS)

    given = json.loads((tmp_path / "seen.json").read_text())
    exchange = given["config"]["exchange"]
    assert verdict == Verdict(
        exit_code=ExitCode.DONE, sentence=f"downloaded 3 pairs at 5m into {data}"
    )
    assert {path.name for path in data.iterdir()} == {
        *("BTC_USDT-5m.feather", "ETH_USDT-5m.feather", "XRP_USDT-5m.feather")
    }
    assert " ".join(given["arguments"]) == (
        "download-data --config - --no-color --userdir user_data "
        f"--datadir {data} --timerange 20250101-20250104 --timeframes 5m "
        "--data-format-ohlcv feather --prepend"
    )
    assert given["config"] == {
        "stake_currency": "USDT",
        "dry_run": True,
        "exchange": exchange,
    }
    assert (exchange["name"], exchange["enable_ws"]) == ("binance", False)
    assert exchange["pair_whitelist"] == PAIRS
    assert exchange["only_from_ccxt"] is True
    assert exchange["ccxt_config"]["urls"]["api"]["public"] == "http://127.0.0.1:9/api/v3"


@pytest.fixture
def three_days(data: Path) -> None:
    """Candles of three days of each pair are there."""
    data.mkdir(parents=True)
    for pair in PAIRS:
        write_candles(data / f"{pair.replace('/', '_')}-5m.feather", 3 * 288)


@pytest.mark.usefixtures("three_days")
def test_candles_that_are_there_go_on_after_the_last_one(fetch: Fetch, tmp_path: Path) -> None:
    verdict = fetch(downloads=PAIRS, timerange="20250101-20250108")

    arguments = json.loads((tmp_path / "seen.json").read_text())["arguments"]
    assert verdict.exit_code is ExitCode.DONE
    assert "--prepend" not in arguments
    assert "20250101-20250108" in arguments


@pytest.mark.usefixtures("three_days")
def test_nothing_is_asked_for_when_all_candles_are_there(fetch: Fetch, tmp_path: Path) -> None:
    verdict = fetch(downloads=PAIRS)

    assert verdict.exit_code is ExitCode.DONE
    assert verdict.sentence.startswith("nothing was downloaded:")
    assert not (tmp_path / "seen.json").exists()


@pytest.mark.usefixtures("three_days")
def test_candles_that_are_missing_between_the_ends_are_counted(fetch: Fetch, data: Path) -> None:
    path = data / "BTC_USDT-5m.feather"
    whole = feather.read_table(path)
    feather.write_feather(pa.concat_tables([whole[:100], whole[-100:]]), path)

    verdict = fetch(downloads=PAIRS)

    assert verdict.exit_code is ExitCode.DONE
    assert "at both ends of the range; rows are missing between" in verdict.sentence
    assert "ends of BTC_USDT-5m.feather (664): " in verdict.sentence
    assert "remove the file and download again" in verdict.sentence


@pytest.mark.usefixtures("three_days")
def test_a_range_of_which_no_candle_came_is_not_a_success(fetch: Fetch) -> None:
    verdict = fetch(timerange="20300101-20300201")

    assert verdict.exit_code is ExitCode.DATA
    assert "has no candle of 20300101-20300201 after the download: BTC/USDT has" in verdict.sentence
    assert verdict.sentence.endswith(
        "XRP/USDT has 2025-01-01 00:00 to 2025-01-04 00:00 UTC; remove these pairs, or name a "
        "range in which they were traded"
    )


@pytest.mark.usefixtures("three_days")
def test_a_range_without_candles_of_a_pair_names_what_the_other_files_lost_and_lack(
    fetch: Fetch, data: Path
) -> None:
    write_candles(data / "ETH_USDT-5m.feather", 0)
    path = data / "BTC_USDT-5m.feather"
    whole = feather.read_table(path)
    feather.write_feather(pa.concat_tables([whole[:100], whole[-100:]]), path)

    verdict = fetch(downloads=["XRP/USDT"], timerange="20241231-20250103")

    assert verdict.exit_code is ExitCode.DATA
    assert "complete" not in verdict.sentence
    assert "; rows are missing between the ends of BTC_USDT-5m.feather (" in verdict.sentence
    assert verdict.sentence.endswith("download XRP/USDT to 2025-01-04 00:00 UTC again")


def test_a_pair_that_the_exchange_does_not_have_needs_no_market_rules(fetch: Fetch) -> None:
    said = (LOGS / "pair-dropped.txt").read_text().splitlines()

    verdict = fetch(downloads=PAIRS, says=said)

    assert verdict.exit_code is ExitCode.DATA
    assert verdict.sentence == (
        "the engine left out LTC/USDT, which the exchange does not offer: remove it from pairs"
    )


@pytest.mark.usefixtures("three_days")
def test_candles_that_were_there_before_are_not_lost_without_a_word(
    fetch: Fetch, data: Path
) -> None:
    verdict = fetch(downloads=["ETH/USDT"], timerange="20241231-20250103")

    assert verdict.exit_code is ExitCode.DONE
    assert verdict.sentence == (
        f"downloaded 3 pairs at 5m into {data}; candles at the end of files are lost: download "
        "ETH/USDT to 2025-01-04 00:00 UTC again"
    )


@pytest.mark.usefixtures("three_days")
def test_a_download_that_fails_says_what_it_lost(fetch: Fetch) -> None:
    said = (LOGS / "download-failed.txt").read_text().splitlines()

    verdict = fetch(downloads=["BTC/USDT"], timerange="20250101-20250108", says=said)

    assert verdict.exit_code is ExitCode.RESULT
    assert verdict.sentence.startswith(
        "candles could not be downloaded of BTC/USDT (freqtrade.exceptions.Temp"
    )
    assert verdict.sentence.endswith("download BTC/USDT to 2025-01-04 00:00 UTC again")


@pytest.mark.parametrize("number", [0, None])
def test_a_file_without_a_candle_is_not_a_success(
    fetch: Fetch, downloaded: Path, number: int | None
) -> None:
    downloaded.write_bytes(b"candles")
    if number is not None:
        write_candles(downloaded, number)

    verdict = fetch(downloads=PAIRS)

    assert verdict.exit_code is ExitCode.DATA
    assert "BTC/USDT has none that can be read, ETH/USDT has none" in verdict.sentence


@pytest.mark.usefixtures("three_days")
def test_a_file_that_cannot_be_read_after_the_download_is_lost(
    fetch: Fetch, downloaded: Path
) -> None:
    downloaded.write_bytes(b"candles")

    verdict = fetch(downloads=["ETH/USDT"], timerange="20250101-20250108")

    assert verdict.exit_code is ExitCode.DATA
    assert "ETH/USDT has none that can be read" in verdict.sentence
    assert verdict.sentence.endswith("download ETH/USDT to 2025-01-04 00:00 UTC again")


@pytest.mark.usefixtures("three_days")
def test_a_pair_without_any_candle_is_named_and_what_to_do(fetch: Fetch, data: Path) -> None:
    file = data / "ETH_USDT-5m.feather"
    feather.write_feather(feather.read_table(file).slice(0, 0), file)

    verdict = fetch(downloads=())

    assert verdict.exit_code is ExitCode.DATA
    assert "after the download: ETH/USDT has none that can be read; " in verdict.sentence
    assert verdict.sentence.endswith("the files of the other pairs are complete")
    assert "BTC/USDT" not in verdict.sentence


@pytest.fixture
def contracts(strategy: Path) -> None:
    """The configuration is of two contracts."""
    text = strategy.read_text().replace("[BTC/USDT, ETH/USDT, XRP/USDT]", str(CONTRACTS))
    strategy.write_text(f"exchange: binance_futures\n{text}")


@pytest.mark.usefixtures("contracts")
def test_the_data_of_contracts_is_downloaded(fetch: Fetch, data: Path, tmp_path: Path) -> None:
    verdict = fetch(downloads=CONTRACTS)

    given = json.loads((tmp_path / "seen.json").read_text())["config"]
    assert verdict.sentence == (
        f"downloaded 2 pairs at 5m, their mark candles and funding rates into {data}"
    )
    assert (given["trading_mode"], given["margin_mode"]) == ("futures", "isolated")
    assert given["exchange"]["name"] == "binance"
    assert given["exchange"]["pair_whitelist"] == CONTRACTS
    address = given["exchange"]["ccxt_config"]["urls"]["api"]["fapiPublic"]
    assert address == "http://127.0.0.1:9/fapi/v1"


@pytest.mark.usefixtures("contracts")
def test_a_contract_without_its_funding_rates_is_not_a_success(fetch: Fetch, data: Path) -> None:
    assert fetch(downloads=CONTRACTS).exit_code is ExitCode.DONE
    (data / "futures" / "ETH_USDT_USDT-1h-funding_rate.feather").unlink()

    assert fetch(downloads=CONTRACTS[:1]).exit_code is ExitCode.RESULT


def test_contracts_of_the_spot_market_are_refused_before_the_engine_starts(
    fetch: Fetch, strategy: Path, data: Path
) -> None:
    strategy.write_text(strategy.read_text().replace("BTC/USDT", "BTC/USDT:USDT"))

    with pytest.raises(ConfigurationError, match="pairs has BTC/USDT:USDT, not bought with USDT"):
        fetch(downloads=PAIRS)
    assert not data.exists()


def test_the_venue_itself_keeps_its_addresses(fetch: Fetch, tmp_path: Path) -> None:
    fetch(downloads=PAIRS, exchange_url=None)

    given = json.loads((tmp_path / "seen.json").read_text())
    assert "urls" not in given["config"]["exchange"]["ccxt_config"]


def test_a_download_may_go_to_the_last_candle_but_must_begin_somewhere(
    fetch: Fetch, tmp_path: Path, data: Path
) -> None:
    fetch(downloads=PAIRS, timerange="20250101-")

    given = json.loads((tmp_path / "seen.json").read_text())
    assert "--timerange 20250101- " in " ".join(given["arguments"])
    data.rename(tmp_path / "kept")
    with pytest.raises(ConfigurationError, match="-20250104 has no start"):
        fetch(downloads=PAIRS, timerange="-20250104")
    assert not data.exists()


@pytest.mark.parametrize("url", ["http://[::1", "ftp://x", "http://api.binance.com", "nothing"])
def test_an_address_that_is_not_usable_is_refused_before_anything_is_made(
    fetch: Fetch, data: Path, url: str
) -> None:
    with pytest.raises(ValidationError, match="expected https, or http on a loopback address"):
        fetch(downloads=PAIRS, exchange_url=url)

    assert not data.exists()


def test_a_pair_that_is_missing_afterwards_is_not_a_success(fetch: Fetch) -> None:
    verdict = fetch(downloads=PAIRS[:2])

    assert verdict.exit_code is ExitCode.RESULT


def test_an_exchange_that_is_away_is_unavailable(fetch: Fetch) -> None:
    said = (LOGS / "markets-unreachable.txt").read_text().splitlines()

    verdict = fetch(says=said, exit_code=2)

    assert verdict.exit_code is ExitCode.UNAVAILABLE
    assert verdict.sentence.startswith("the exchange binance was not reachable: ")


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to(path.name)])
def test_a_folder_that_cannot_be_made_is_named(
    fetch: Fetch, data: Path, make: Callable[[Path], None]
) -> None:
    data.parent.mkdir()
    make(data)

    with pytest.raises(StorageError, match=f"cannot make the folder {data}: "):
        fetch(downloads=PAIRS)


def test_a_failed_download_leaves_no_empty_folder(fetch: Fetch, data: Path) -> None:
    fetch(never_starts=True)

    assert not data.parent.exists()


def test_a_folder_from_before_stays_when_the_download_fails(fetch: Fetch, data: Path) -> None:
    data.mkdir(parents=True)

    fetch(never_starts=True)

    assert data.is_dir()


def test_a_signal_ends_the_download(fetch: Fetch) -> None:
    verdict = fetch(signals_parent=int(signal.SIGTERM), waits=True)

    assert verdict.exit_code is ExitCode.TERMINATED


def test_files_from_before_are_left_alone_when_the_download_fails(fetch: Fetch, data: Path) -> None:
    data.mkdir(parents=True)
    (data / "BTC_USDT-5m.feather").write_bytes(b"mine")

    verdict = fetch(killed_by=int(signal.SIGKILL))

    assert verdict.exit_code is ExitCode.CRASHED
    assert (data / "BTC_USDT-5m.feather").read_bytes() == b"mine"


def test_a_pipe_in_the_place_of_candles_is_refused_before_the_engine_waits_for_it(
    fetch: Fetch, data: Path, tmp_path: Path
) -> None:
    data.mkdir(parents=True)
    os.mkfifo(data / "ETH_USDT-5m.feather")

    with pytest.raises(ValidationError, match=r"ETH_USDT-5m\.feather: it is a named pipe"):
        fetch(downloads=PAIRS)

    assert not (tmp_path / "seen.json").exists()


def test_candles_of_an_exchange_of_recorded_answers_are_not_downloaded(
    fetch: Fetch, strategy: Path, data: Path
) -> None:
    strategy.write_text(f"{strategy.read_text()}exchange: kraken\n")

    with pytest.raises(ConfigurationError, match="kraken: `data download` is proven for") as got:
        fetch(downloads=PAIRS)

    assert (got.value.key, data.exists()) == ("exchange", False)
