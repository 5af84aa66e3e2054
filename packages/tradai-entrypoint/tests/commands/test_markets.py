"""`markets capture` and `markets make` write the file that a run will read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from tradai.core.exceptions import NotFoundError
from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint.freqtrade import MarketFees, MarketRules, MarketServer, MarketsSnapshot

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


def make(*words: object) -> int:
    return run_command(["markets", "make", *map(str, words)], interrupts=Interrupts())


def test_rules_are_made_from_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--tick", "0.01", "--step", "0.00001", "--min-notional", "5")

    assert make("--pair", "BTC/USDT", "--pair", "ETH/USDT", *flags, "--data", tmp_path) == 0

    made = MarketsSnapshot.load(tmp_path / "markets.json")
    rules = dict.fromkeys(["BTC/USDT", "ETH/USDT"], RULES)
    assert (
        made.symbols == MarketsSnapshot.made(rules, note="", captured_at=made.captured_at).symbols
    )
    assert (made.origin, made.note) == ("made", "by `markets make`")
    assert capsys.readouterr().out == (
        f"made the market rules of 2 pairs in {tmp_path}/markets.json\n"
    )


@pytest.mark.parametrize("is_added", [True, False], ids=["added", "new"])
def test_rules_that_are_made_at_once_take_no_place_of_others(
    *, is_added: bool, tmp_path: Path
) -> None:
    flags = ("--tick", "0.01", "--step", "0.00001", "--min-notional", "5")
    add = ("--add",) if is_added else ()
    for attempt in range(6):
        path, barrier = tmp_path / str(attempt) / "rules.json", Barrier(8)
        if is_added:
            assert make("--pair", "BTC/USDT", *flags, "--markets", path) == 0

        def make_one(number: int, path: Path = path, barrier: Barrier = barrier) -> int:
            barrier.wait()
            return make("--pair", f"C{number}/USDT", *flags, "--markets", path, *add)

        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(make_one, range(8)))

        made = {f"C{number}/USDT" for number, code in enumerate(codes) if code == ExitCode.DONE}
        assert sorted(codes) == ([0] * 8 if is_added else [0] + [78] * 7)
        assert MarketsSnapshot.load(path).pairs - {"BTC/USDT"} == made


def test_rules_of_contracts_are_those_of_the_futures_market(tmp_path: Path) -> None:
    flags = ("--tick", "0.1", "--step", "0.001", "--min-notional", "5")

    assert make("--pair", "BTC/USDT:USDT", *flags, "--data", tmp_path) == 0

    made = MarketsSnapshot.load(tmp_path / "markets.json")
    assert (made.exchange, made.market_type) == ("binance_futures", "futures")
    assert made.pairs == {"BTC/USDT:USDT"}


def test_rules_are_made_from_a_file_with_every_digit(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "note: from the help page of the exchange\n"
        "pairs:\n"
        "  BTC/USDT: {tick: 0.01, step: 0.00001, min_notional: 5}\n"
        '  PEPE/USDT: {tick: 0.00000001, step: "1", min_notional: 1.5}\n'
    )

    assert make("--rules", tmp_path / "rules.yaml", "--markets", tmp_path / "made.json") == 0

    made = MarketsSnapshot.load(tmp_path / "made.json")
    ticks = {str(market.pair): f"{market.tick:f}" for market in made.rules.markets}
    assert ticks == {"BTC/USDT": "0.01", "PEPE/USDT": "0.00000001"}
    assert made.note == "from the help page of the exchange"


PAIRS = "pairs: {BTC/USDT: {tick: 1, step: 1, min_notional: 1}}"
FLAGS = ("--pair", "BTC/USDT", "--tick", "1", "--step", "1", "--min-notional", "1")


def test_fees_are_written_from_flags_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(f"{{fees: {{maker: 0.0002, taker: 5e-4}}, {PAIRS}}}")
    fees = ("--maker-fee", "0.0002", "--taker-fee", "0.0005")

    assert make(*FLAGS, *fees, "--markets", tmp_path / "flags.json") == 0
    assert make("--rules", tmp_path / "rules.yaml", "--markets", tmp_path / "file.json") == 0
    assert make(*FLAGS, "--markets", tmp_path / "without.json") == 0

    flags, file, without = (
        MarketsSnapshot.load(tmp_path / f"{name}.json") for name in ("flags", "file", "without")
    )
    assert flags.fees == file.fees == MarketFees.parse("0.0002", "0.0005")
    assert without.fees is None
    assert "fees" not in (tmp_path / "without.json").read_text()
    assert flags.digest == file.digest != without.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pairs: {BTC/USDT: {tick: 1, step: 1}}", "expected tick, step, min_notional"),
        (
            "pairs: {BTC/USDT: {tick: 0, step: 1, min_notional: 1}}",
            "tick of BTC/USDT is not usable",
        ),
        ("pairs: {BTC/USDT: {tick: .nan, step: 1, min_notional: 1}}", "a number above 0"),
        ("pairs: {BTC/USDT: {tick: yes, step: 1, min_notional: 1}}", "a number above 0"),
        ("pairs: {BTC/USDT: {tick: '1_0', step: 1, min_notional: 1}}", "a number above 0"),
        (
            "pairs: {BTC/USDT: {tick: 1, step: 1, min_notional: 1, fee: 0.001}}",
            "so write `fees: {maker: 0.001, taker: 0.001}` beside `pairs`, or set `execution.fee`",
        ),
        ("{fee: 0.001, pairs: {}}", "if you like `fees` with maker and taker"),
        (f"{{fees: 0.001, {PAIRS}}}", "expected maker and taker"),
        (f"{{fees: {{maker: 0.001}}, {PAIRS}}}", "expected maker and taker"),
        (f"{{fees: {{maker: 0.001, taker: 0.2}}, {PAIRS}}}", "the taker fee is 0.2: expected"),
        (f"{{fees: {{maker: -1, taker: 0.1}}, {PAIRS}}}", "the maker fee is -1: expected"),
        (f"{{fees: {{maker: yes, taker: 0.1}}, {PAIRS}}}", "from 0 to 0.1"),
        ("pairs: {'BTC/USD:BTC': {tick: 1, step: 1, min_notional: 1}}", "is settled in BTC"),
        (
            "pairs: {'BTC/USDT:USDT': &a {tick: 1, step: 1, min_notional: 1}, ETH/USDT: *a}",
            "are of two markets: make a file for each",
        ),
        ("", "expected `pairs`"),
    ],
)
def test_rules_that_cannot_be_are_refused(
    tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules.yaml").write_text(text)

    code = make("--rules", tmp_path / "rules.yaml", "--data", tmp_path)

    assert code == ExitCode.CONFIGURATION
    assert message in capsys.readouterr().err
    assert not (tmp_path / "markets.json").exists()


@pytest.mark.parametrize(
    ("rules", "line", "message"),
    [
        (
            "tick: 1\n    stp: 0.1\n    min_notional: 5",
            4,
            "expected tick, step, min_notional; `stp` is not a rule; did you mean 'step'?",
        ),
        ("tick: 1\n    min_notional: 5", 2, "expected tick, step, min_notional; step is missing"),
        ("tick: 1\n    step: no\n    min_notional: 5", 4, "step of BTC/USDT is not usable"),
        ("tick: 1\n    step:\n    min_notional: 5", 4, "step of BTC/USDT is not usable"),
    ],
)
def test_a_wrong_rule_is_named_with_its_file_and_line(
    tmp_path: Path, rules: str, line: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"pairs:\n  BTC/USDT:\n    {rules}\n")

    assert make("--rules", path, "--data", tmp_path) == ExitCode.CONFIGURATION

    said = capsys.readouterr().err
    assert f"{path}:{line}: " in said
    assert message in said


WRITTEN = "{tick: 1, step: 1, min_notional: 5}"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"pairs:\n  btc/usdt: {WRITTEN}\n", 2, "pair 'btc/usdt' is not usable"),
        (f"pairs:\n  BTC/USD:BTC: {WRITTEN}\n", 2, "BTC/USD:BTC is settled in BTC"),
        (f"pairs:\n  USDT/USDT: {WRITTEN}\n", 2, "USDT/USDT is a currency in itself"),
        (f"pairs: {{BTC/USDT: {WRITTEN}}}\nfees: 1\n", 2, "the fees are not usable"),
        (
            f"pairs: {{BTC/USDT: {WRITTEN}}}\nfees: {{maker: x, taker: 1}}\n",
            2,
            "the maker fee is x",
        ),
        # What is elsewhere in the file is named with the place where it is wanted.
        (
            "fees: &fees {maker: 0.001, taker: 0.001}\npairs:\n  BTC/USDT: *fees\n",
            3,
            "the rules of BTC/USDT are not usable: expected tick, step, min_notional; `maker` is",
        ),
    ],
)
def test_a_wrong_pair_or_fee_is_named_with_its_file_and_line(
    tmp_path: Path, text: str, line: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)

    assert make("--rules", path, "--data", tmp_path) == ExitCode.CONFIGURATION

    assert f"{path}:{line}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give --rules FILE, or --pair"),
        (("--rules", "rules.yaml", "--pair", "BTC/USDT"), "give --rules FILE, or --pair"),
        (("--tick", "1"), "name a pair with --pair"),
        (("--pair", "BTC/USDT", "--tick", "1", "--step", "1"), "give --min-notional"),
        (("--maker-fee", "0.001"), "name a pair with --pair"),
        ((*FLAGS, "--maker-fee", "0.001"), "the taker fee is missing"),
    ],
)
def test_flags_that_say_too_little_or_too_much_are_refused(
    tmp_path: Path, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(*words, "--data", tmp_path) == ExitCode.CONFIGURATION
    assert message in capsys.readouterr().err


def test_rules_in_a_folder_whose_link_leads_to_itself_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    rules = ("--pair", "BTC/USDT", "--tick", "1", "--step", "1", "--min-notional", "1")

    assert make(*rules, "--data", tmp_path / "loop") == ExitCode.RESULT

    assert f"cannot write {tmp_path}/loop" in capsys.readouterr().err


def test_rules_that_are_there_are_replaced_on_request_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = ("--pair", "BTC/USDT", "--tick", "1", "--step", "1", "--min-notional", "1")
    (tmp_path / "markets.json").write_text("captured")

    assert make(*rules, "--data", tmp_path) == ExitCode.CONFIGURATION
    assert (tmp_path / "markets.json").read_text() == "captured"
    assert make(*rules, "--data", tmp_path, "--force") == 0

    assert "replace it with --force" in capsys.readouterr().err
    assert MarketsSnapshot.load(tmp_path / "markets.json").origin == "made"


def test_pairs_are_added_to_made_rules_which_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fees = ("--maker-fee", "0.001", "--taker-fee", "0.001")
    sol = ("--pair", "SOL/USDT", "--tick", "0.1", "--step", "2", "--min-notional", "3")
    assert make(*FLAGS, *fees, "--data", tmp_path) == 0
    before = MarketsSnapshot.load(tmp_path / "markets.json")
    assert make(*sol, "--data", tmp_path) == ExitCode.CONFIGURATION
    assert "is there: add the pairs to it with --add, or replace it" in capsys.readouterr().err

    assert make(*sol, "--data", tmp_path, "--add") == 0

    assert capsys.readouterr().out.endswith(
        f"made the market rules of 1 pair in {tmp_path}/markets.json, which has 2 now\n"
    )
    after = MarketsSnapshot.load(tmp_path / "markets.json")
    assert after.pairs == {"BTC/USDT", "SOL/USDT"}
    assert (after.fees, after.symbols[:1]) == (before.fees, before.symbols)
    ticks = {str(market.pair): f"{market.tick:f}" for market in after.rules.markets}
    assert ticks == {"BTC/USDT": "1", "SOL/USDT": "0.1"}
    assert make(*sol, *fees[:3], "0.002", "--data", tmp_path, "--force") == 0


@pytest.mark.parametrize(
    ("present", "pair", "message"),
    [
        ("captured", "SOL/USDT", "they were captured: capture them again with the pairs"),
        ("made", "SOL/USDT:USDT", "they are of binance, and the pairs of binance_futures"),
        ("made", "BTC/USDT", "they have BTC/USDT: replace all of them with --force"),
        (None, "BTC/USDT", "no market rules at"),
    ],
)
def test_pairs_that_cannot_be_added_change_nothing(
    present: str | None,
    pair: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "markets.json"
    if present:
        assert make(*FLAGS, "--data", tmp_path) == 0
        path.write_text(path.read_text().replace('"origin": "made"', f'"origin": "{present}"'))
    before = path.read_bytes() if present else None

    code = make("--pair", pair, *FLAGS[2:], "--data", tmp_path, "--add")

    assert code == (ExitCode.CONFIGURATION if present else ExitCode.DATA)
    assert message in capsys.readouterr().err
    assert (path.read_bytes() if path.exists() else None) == before


def test_rules_are_not_made_beside_recorded_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = MarketsSnapshot.model_validate(
        {
            "exchange": "bybit",
            "captured_at": "2026-01-01T00:00:00Z",
            "origin": "captured",
            "symbols": [],
            "answers": [{"url": "https://api.bybit.com/v5/market/spot", "text": "{}"}],
        }
    )
    recorded.save(tmp_path / "markets.json")

    assert make(*FLAGS, "--markets", tmp_path / "made.json") == ExitCode.CONFIGURATION

    said = capsys.readouterr().err
    assert f"{tmp_path}/made.json has made market rules, and {tmp_path}/markets.json the" in said
    assert not (tmp_path / "made.json").exists()
    assert make(*FLAGS, "--data", tmp_path, "--force") == 0


def test_an_error_about_missing_rules_names_both_commands(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"`tradai-entrypoint markets capture.*`markets make`"):
        MarketsSnapshot.load(tmp_path / "markets.json")


def test_a_range_of_a_download_that_is_out_of_bounds_is_named(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(tmp_path / "new"), "--timerange", "19000101-19000102"]

    code = run_command(["data", "download", str(config_file), *words], interrupts=Interrupts())

    assert code == 78
    assert "--timerange 19000101-19000102: start is not usable" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
