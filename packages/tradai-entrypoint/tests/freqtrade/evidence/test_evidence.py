import re
import signal
from pathlib import Path

import pytest

from tradai.core import StrategyConfig, TradingMode, register_secret
from tradai.entrypoint import ExitCode, RunParameters
from tradai.entrypoint.freqtrade._engine.exits import EngineExit
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence

# Shortened logs of freqtrade 2026.9, one for each way it was made to end.
LOGS = Path(__file__).with_name("engine_log")


CONFIG = StrategyConfig(
    name="wave", version="1.0.0", timeframe="5m", pairs=("BTC/USDT", "ETH/USDT")
)
LOGGED = re.compile(r"\S+ \S+ - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)")


def evidence(*lines: str) -> EngineEvidence:
    """Return the evidence in the lines of a log, each record with the lines that follow it."""
    found = EngineEvidence()
    records: list[tuple[str, str, list[str]]] = []
    for line in lines:
        logged = LOGGED.match(line)
        if logged is not None:
            records.append((logged["logger"], logged["level"], [logged["text"]]))
        elif records:
            records[-1][2].append(line)
        else:
            found.feed_printed(line)
    for logger, level, texts in records:
        found.feed(EngineRecord(logger=logger, level=level, text="\n".join(texts)))
    return found


def logged(name: str) -> EngineEvidence:
    return evidence(*(LOGS / f"{name}.txt").read_text("utf-8").splitlines())


def record(text: str, *, level: str = "ERROR", logger: str = "freqtrade") -> str:
    return f"2026-01-31 12:00:00,000 - {logger} - {level} - {text}"


def crash(traceback: str, *, raised: str) -> EngineRecord:
    text = f"Fatal exception!\n{traceback}"
    return EngineRecord(logger="freqtrade", level="ERROR", raised=raised, text=text)


def evidence_in(read: EngineRecord) -> EngineEvidence:
    found = EngineEvidence()
    found.feed(read)
    return found


def state(text: str) -> EngineRecord:
    return EngineRecord(logger="freqtrade.worker", level="INFO", text=text)


def ended(
    code: int | None = 0,
    *,
    by: int | None = None,
    killed: int | None = None,
    timed_out: bool = False,
    asked: bool = False,
) -> EngineExit:
    return EngineExit(
        return_code=code,
        signal=killed,
        interrupted_by=by,
        timed_out=timed_out,
        asked_to_stop=asked or timed_out or by is not None,
        seconds=1.0,
    )


@pytest.mark.parametrize(
    ("name", "code", "expected", "said"),
    [
        (
            "configuration-refused",
            0,
            ExitCode.CONFIGURATION,
            "max_open_trades: 'x' is not of type 'integer', 'number'; change",
        ),
        ("argument-unknown", 0, ExitCode.CONFIGURATION, "unrecognized arguments: --nope"),
        ("hyperopt-loss-unknown", 2, ExitCode.CONFIGURATION, "'NopeLoss'"),
        ("strategy-not-importable", 2, ExitCode.CONFIGURATION, "'no_such_module_here'"),
        ("lookahead-not-importable", 0, ExitCode.CONFIGURATION, "Strategy. (No module named 'ta')"),
        (
            "strategy-raises-while-loading",
            1,
            ExitCode.CONFIGURATION,
            "RuntimeError: init exploded at raises_init.py:12",
        ),
        (
            "strategy-raises-while-running",
            1,
            ExitCode.CRASHED,
            "KeyError: 'nope' at raises_ind.py:13",
        ),
        ("markets-unreachable", 2, ExitCode.UNAVAILABLE, "Could not load markets"),
        ("no-data", 2, ExitCode.DATA, "BTC/USDT@15m, ETH/USDT@15m"),
        ("no-pair-left", 2, ExitCode.DATA, "left out LTC/USDT"),
    ],
)
def test_an_engine_that_gave_up_is_judged_by_what_it_said(
    name: str, code: int, expected: ExitCode, said: str
) -> None:
    verdict = judge(ended(code), logged(name), result_present=False)

    assert verdict.exit_code is expected
    assert said in verdict.sentence


def test_a_missing_module_is_named_with_the_line_that_imports_it() -> None:
    found = logged("strategy-not-importable")
    found.imports = {"no_such_module_here": "raises_import.py:3"}

    verdict = judge(ended(2), found, result_present=False)

    assert verdict.exit_code == ExitCode.CONFIGURATION
    assert verdict.sentence.startswith("raises_import.py:3 imports no_such_module_here, which is")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("strategy-not-importable", "Correct the strategy source."),
        (
            "hyperopt-loss-unknown",
            "Correct the name in the run parameters, or put its file beside the strategy.",
        ),
        ("markets-unreachable", "Try again when the exchange answers."),
        ("no-pair-left", "remove it, or capture the market rules again"),
    ],
)
def test_an_engine_that_gave_up_is_reported_with_what_to_do(name: str, advice: str) -> None:
    assert judge(ended(2), logged(name), result_present=False).sentence.endswith(advice)


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("pair-dropped", ExitCode.DATA, "left out LTC/USDT"),
        ("informative-missing", ExitCode.DATA, "XRP/USDT@1h"),
        ("model-untrained", ExitCode.DATA, "LTC/USDT@5m"),
        (
            "download-failed",
            ExitCode.RESULT,
            "candles could not be downloaded of BTC/USDT (freqtrade.exceptions.TemporaryError: C",
        ),
        ("parameters-unreadable", ExitCode.CONFIGURATION, "buy_params"),
        ("parameters", ExitCode.DONE, "finished"),
    ],
)
def test_a_result_is_not_a_success_when_the_engine_worked_on_less_than_it_was_given(
    name: str, expected: ExitCode, said: str
) -> None:
    verdict = judge(ended(0), logged(name), result_present=True)

    assert verdict.exit_code is expected
    assert said in verdict.sentence


def test_a_model_that_could_not_be_trained_is_bad_data() -> None:
    logger = "freqtrade.freqai.freqai_interface"
    found = evidence(record("Training BTC/USDT raised exception X.", logger=logger))

    verdict = judge(ended(0), found, result_present=True)

    assert verdict.exit_code is ExitCode.DATA
    assert "Training BTC/USDT raised exception X." in verdict.sentence


HISTORY = "freqtrade.data.history.datahandlers.idatahandler"
MISSING = "freqtrade.data.dataprovider"
CRASHED_AT = (
    record("Fatal exception!"),
    "Traceback (most recent call last):",
    '  File "/scratch/strategies/demo.py", line 22, in populate_indicators',
    "IndexError: single positional indexer is out-of-bounds",
)


def test_missing_candles_are_named_though_the_strategy_crashed_over_them() -> None:
    missing = record("No data found for (BTC/USDT, 1h, ).", level="WARNING", logger=MISSING)

    verdict = judge(ended(1), evidence(missing, *CRASHED_AT), result_present=False)

    assert verdict.exit_code is ExitCode.DATA
    assert "missing, BTC/USDT@1h: add them to run.informative" in verdict.sentence
    assert (
        "IndexError: single positional indexer is out-of-bounds at demo.py:22" in verdict.sentence
    )
    assert "so more may be missing; to add all of them, write under run: " in verdict.sentence


def test_a_bot_that_traded_and_crashed_is_judged_by_its_crash() -> None:
    missing = record("No data found for (BTC/USDT, 1h, ).", level="WARNING", logger=MISSING)
    running = record("Changing state to: RUNNING", level="INFO", logger="freqtrade.worker")

    verdict = judge(ended(1), evidence(running, missing, *CRASHED_AT), result_present=True)

    assert verdict.exit_code is ExitCode.CRASHED


def test_all_missing_series_are_named() -> None:
    names = [f"P{number}/USDT" for number in range(120)]
    texts = [f"No data found for ({name}, 1h, )." for name in names]
    records = [record(text, level="WARNING", logger=MISSING) for text in texts]

    verdict = judge(ended(0), evidence(*records, *records), result_present=True)

    assert f"missing, {', '.join(f'{name}@1h' for name in names)}: add" in verdict.sentence


@pytest.mark.parametrize(
    "text", ["Skipping pair LTC/USDT...", "Skipping pair LTC/USDT...\nAnother line"]
)
def test_a_pair_that_cannot_be_downloaded_is_named(text: str) -> None:
    logger = "freqtrade.data.history.history_utils"
    found = evidence(record(text, level="INFO", logger=logger))

    verdict = judge(ended(0), found, result_present=False)

    assert verdict.exit_code is ExitCode.DATA
    assert "left out LTC/USDT, which the exchange does not offer" in verdict.sentence


def test_a_download_without_a_network_is_unavailable() -> None:
    found = evidence(record("Markets were not loaded."))

    assert judge(ended(2), found, result_present=False).exit_code is ExitCode.UNAVAILABLE


def test_exit_code_0_without_a_result_is_not_a_success() -> None:
    verdict = judge(ended(0), evidence(), result_present=False)

    assert verdict.exit_code is ExitCode.RESULT
    assert "it did not say why" in verdict.sentence


def test_exit_code_0_with_a_result_is_success() -> None:
    assert judge(ended(0), evidence(), result_present=True).is_success


@pytest.mark.parametrize("result_present", [True, False])
def test_an_engine_that_fails_without_a_message_crashed(*, result_present: bool) -> None:
    verdict = judge(ended(1), evidence(), result_present=result_present)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "exit code 1" in verdict.sentence


def test_an_engine_that_gives_up_for_an_unknown_reason_needs_another_configuration() -> None:
    found = evidence(record("FreqAI backtesting does not allow open ended timeranges."))

    verdict = judge(ended(2), found, result_present=False)

    assert verdict.exit_code is ExitCode.CONFIGURATION
    assert "open ended" in verdict.sentence


def test_only_the_last_exception_of_a_chain_says_whose_fault_it_was() -> None:
    found = evidence(
        record("Fatal exception!"),
        "Traceback (most recent call last):",
        '  File "/site-packages/freqtrade/resolvers/iresolver.py", line 184, in _load_object',
        '  File "/scratch/strategies/demo.py", line 3, in helper',
        "KeyError: 'handled'",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "/site-packages/freqtrade/main.py", line 52, in main',
        "ValueError: of the engine",
    )

    verdict = judge(ended(1), found, result_present=False)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "the engine crashed with ValueError: of the engine" in verdict.sentence


def test_an_exchange_that_does_not_answer_is_unavailable() -> None:
    found = evidence(record("Could not fetch candles due to RequestTimeout. Message: slow"))

    assert judge(ended(2), found, result_present=False).exit_code is ExitCode.UNAVAILABLE


def test_an_exception_of_the_engine_itself_is_a_crash() -> None:
    found = evidence(
        record("Fatal exception!"),
        "Traceback (most recent call last):",
        '  File "/site-packages/freqtrade/main.py", line 52, in main',
        "freqtrade.exceptions.OperationalException: broken",
    )

    verdict = judge(ended(1), found, result_present=False)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "the engine crashed with freqtrade.exceptions.OperationalException" in verdict.sentence


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("(<class 'OSError'>, OSError(28, 'No space left on device'), <tr", "No space left"),
        ("(<class 'OSError'>, OSError(30, 'Read-only file system'), <tr", "Read-only"),
        (
            "(<class 'sqlalchemy.exc.OperationalError'>, X('database or disk is full'",
            "database or disk is full",
        ),
    ],
)
def test_a_disk_that_refuses_is_named_whatever_else_happened(raised: str, said: str) -> None:
    found = EngineEvidence()
    found.feed(crash("Traceback (most recent call last):\nOSError: it refused", raised=raised))

    verdict = judge(ended(1), found, result_present=True)

    assert verdict.exit_code is ExitCode.RESULT
    assert said in verdict.sentence
    assert "free some space" in verdict.sentence


@pytest.mark.parametrize(
    "raised",
    [
        "(<class 'RuntimeError'>, RuntimeError('No space left on device'), <tr",
        "(<class 'RuntimeError'>, RuntimeError(\"(<class 'OSError'>, OSError(28, 'No space",
        "(<class 'OSError'>, FileNotFoundError(2, 'No such file or directory'), <tr",
        "None",
    ],
)
def test_an_exception_whose_text_names_a_full_disk_is_a_crash(raised: str) -> None:
    found = EngineEvidence()
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "/scratch/strategies/demo.py", line 3, in populate_indicators\n'
        "RuntimeError: No space left on device"
    )
    found.feed(crash(traceback, raised=raised))

    verdict = judge(ended(1), found, result_present=True)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "at demo.py:3" in verdict.sentence


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGKILL, "SIGKILL, which tradai did not send (out of memory?)"), (11, "SIGSEGV")],
)
def test_a_signal_that_was_not_ours_is_a_crash(number: int, said: str) -> None:
    verdict = judge(ended(None, killed=number), evidence(), result_present=True)

    assert verdict.exit_code is ExitCode.CRASHED
    assert said in verdict.sentence


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGINT, ExitCode.INTERRUPTED)],
)
@pytest.mark.parametrize("code", [0, 130])
def test_an_interrupted_batch_is_not_done_even_if_the_engine_says_so(
    number: int, expected: ExitCode, code: int
) -> None:
    # An interrupted hyperopt exits 0 and leaves a file.
    verdict = judge(ended(code, by=number), evidence(), result_present=True)

    assert verdict.exit_code is expected
    assert signal.Signals(number).name in verdict.sentence


def test_a_bot_that_traded_and_stopped_on_request_is_done() -> None:
    found = logged("dry-run")

    assert found.is_stopped
    assert judge(ended(130, by=signal.SIGTERM), found, result_present=True).is_success


@pytest.mark.parametrize("code", [130, 1])
@pytest.mark.parametrize("has_stopped", [True, False])
def test_a_bot_that_crashed_when_it_was_to_stop_has_crashed(
    code: int, *, has_stopped: bool
) -> None:
    found = EngineEvidence()
    found.feed(state("Changing state to: RUNNING"))
    if has_stopped:
        found.feed(state("Changing state from RUNNING to: STOPPED"))
    found.feed(crash("Traceback (most recent call last):\nKeyError: 'close'", raised="None"))

    verdict = judge(ended(code, by=signal.SIGTERM), found, result_present=True)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "KeyError: 'close'" in verdict.sentence


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (ended(1, by=signal.SIGTERM), "failed with exit code 1"),
        (ended(2, by=signal.SIGINT), "failed with exit code 2"),
        (ended(1, asked=True), "failed with exit code 1"),
        (ended(None, killed=signal.SIGSEGV, by=signal.SIGTERM), "SIGSEGV, which tradai did not"),
    ],
)
def test_a_bot_that_was_to_stop_and_ended_in_another_way_has_crashed(
    end: EngineExit, said: str
) -> None:
    verdict = judge(end, logged("dry-run"), result_present=True)

    assert verdict.exit_code is ExitCode.CRASHED
    assert said in verdict.sentence


@pytest.mark.parametrize("end", [ended(0, by=15), ended(None, killed=15, by=15)])
def test_a_bot_that_ended_by_our_signal_is_done(end: EngineExit) -> None:
    assert judge(end, logged("dry-run"), result_present=True).is_success


def test_a_bot_that_met_a_full_disk_when_it_was_to_stop_is_judged_by_the_disk() -> None:
    found = logged("dry-run")
    raised = "(<class 'OSError'>, OSError(28, 'No space left on device'), <traceback>)"
    traceback = "Traceback (most recent call last):\nOSError: No space left on device"
    found.feed(crash(traceback, raised=raised))

    verdict = judge(ended(130, by=signal.SIGTERM), found, result_present=True)

    assert verdict.exit_code is ExitCode.RESULT


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ('  File "/scratch/strategies/demo.py", line 3, in populate_indicators\n', 70),
        ("", 130),
    ],
)
def test_an_interrupted_batch_has_crashed_when_its_strategy_raised(
    place: str, expected: int
) -> None:
    # The pool of an interrupted hyperopt raises because its workers are gone.
    found = evidence()
    found.feed(
        crash(
            f"Traceback (most recent call last):\n{place}RuntimeError: a worker is gone",
            raised="None",
        )
    )

    verdict = judge(ended(1, by=signal.SIGINT), found, result_present=True)

    assert verdict.exit_code == expected


def test_a_bot_that_had_to_be_killed_needs_a_person_to_look() -> None:
    killed = ended(None, killed=signal.SIGKILL, by=signal.SIGTERM)
    found = EngineEvidence()
    found.feed(state("Changing state to: RUNNING"))

    verdict = judge(killed, found, result_present=True)

    assert verdict.exit_code is ExitCode.MISMATCH
    assert "orders" in verdict.sentence


def test_a_bot_that_stopped_trading_and_was_killed_while_it_went_on_training_is_done() -> None:
    killed = ended(None, killed=signal.SIGKILL, by=signal.SIGTERM)

    verdict = judge(killed, logged("dry-run"), result_present=True)

    assert verdict.is_success
    assert "it was killed because it did not end in time" in verdict.sentence


@pytest.mark.parametrize("end", [ended(130, asked=True), ended(None, killed=9, asked=True)])
def test_a_bot_that_we_stopped_for_a_pair_it_left_out_is_judged_by_the_pair(
    end: EngineExit,
) -> None:
    verdict = judge(end, logged("pair-dropped"), result_present=True)

    assert verdict.exit_code is ExitCode.DATA
    assert "left out LTC/USDT" in verdict.sentence


@pytest.mark.parametrize(
    ("mode", "advice"),
    [
        (TradingMode.BACKTEST, "remove it, or capture the market rules again"),
        (TradingMode.DRY_RUN, "remove it from pairs"),
        (TradingMode.LIVE, "remove it from pairs"),
    ],
)
def test_only_a_mode_that_reads_market_rules_is_said_to_need_them_again(
    mode: TradingMode, advice: str
) -> None:
    found = logged("pair-dropped")
    found.expect(CONFIG, RunParameters(), mode)

    sentence = judge(ended(130, asked=True), found, result_present=True).sentence

    assert sentence.endswith(f"LTC/USDT, which the exchange does not offer: {advice}")


def test_an_engine_that_left_out_all_pairs_is_not_only_a_matter_of_captured_rules() -> None:
    found = evidence(record("No pair in whitelist."))

    sentence = judge(ended(2), found, result_present=False).sentence

    assert sentence == (
        "the engine gave up: No pair in whitelist. The engine's log says why it left the pairs "
        "out; capture the market rules again, or make them again where they were made."
    )


def test_a_verdict_asks_nobody_to_look_at_an_error_above_it() -> None:
    sentence = judge(ended(2), logged("markets-unreachable"), result_present=False).sentence

    assert sentence == (
        "the engine gave up: Could not load markets, therefore cannot start. Try again when the "
        "exchange answers."
    )


def test_a_bot_that_never_started_missed_its_deadline() -> None:
    silent = ended(None, killed=signal.SIGKILL, timed_out=True)

    assert judge(silent, evidence(), result_present=True).exit_code is ExitCode.START_DEADLINE


def test_a_bot_that_hangs_after_it_said_why_is_judged_by_what_it_said() -> None:
    hung = ended(None, killed=signal.SIGKILL, timed_out=True)

    verdict = judge(hung, logged("markets-unreachable"), result_present=False)

    assert verdict.exit_code is ExitCode.UNAVAILABLE


def test_the_states_of_a_bot_are_followed() -> None:
    found = evidence()
    assert found.state is None
    assert not found.has_run

    found.feed(state("Changing state to: RUNNING"))
    assert found.is_running
    assert found.has_run

    found.feed(state("Changing state from RUNNING to: STOPPED"))
    assert found.is_stopped
    assert not found.is_running
    assert found.has_run


def test_errors_of_callbacks_are_counted_and_end_nothing() -> None:
    found = logged("dry-run-strategy-raises")

    assert found.strategy_errors.counts == {"analyze_ticker": 2}
    assert found.strategy_errors.last == "RuntimeError('live exploded')"
    assert found.exception is None
    assert judge(ended(130, by=signal.SIGTERM), found, result_present=True).is_success


def test_printed_lines_prove_nothing() -> None:
    found = evidence(record("freqtrade 2026.9", level="INFO"))
    for line in (
        "Changing state to: RUNNING",
        "No history for BTC/USDT, spot, 5m found",
        "OSError: [Errno 28] No space left on device",
        "freqtrade: error: unrecognized arguments: --nope",
        record("Fatal exception!"),
        record("Changing state to: RUNNING", level="INFO", logger="freqtrade.worker"),
    ):
        found.feed_printed(line)

    assert judge(ended(0), found, result_present=True).is_success
    assert not found.has_run


def test_a_strategy_cannot_forge_a_fact_by_logging_it() -> None:
    found = evidence(
        record("Changing state to: RUNNING", level="INFO", logger="strategies.demo"),
        record("Configuration error: none", level="ERROR", logger="strategies.demo"),
    )

    assert judge(ended(0), found, result_present=True).is_success
    assert not found.has_run


def test_a_configuration_error_is_kept_whole_without_the_advice_to_read_the_manual() -> None:
    found = evidence(
        record("Configuration error: first part"),
        "second part",
        "Please make sure to review the documentation at a place.",
        record("Cleaning up", level="INFO"),
        "unrelated words",
    )

    assert found.configuration_error == "first part second part"


def test_memory_stays_bounded_whatever_the_engine_says() -> None:
    found = EngineEvidence()

    for number in range(3_000):
        text = f"Pair P{number}{'x' * 700} is not compatible with exchange"
        pairs = "freqtrade.plugins.pairlist.IPairList"
        found.feed(EngineRecord(logger=pairs, level="WARNING", text=text))
        text = "Configuration error: " + "y" * 10_000
        found.feed(EngineRecord(logger="freqtrade", level="ERROR", text=text))

    assert 0 < len(found.dropped) <= 2_000
    assert all(len(pair) <= 600 for pair in found.dropped)
    assert len(found.configuration_error or "") <= 700


def test_secrets_reach_no_sentence() -> None:
    register_secret("obviously-fake-secret-2")
    found = evidence(record("Configuration error: key obviously-fake-secret-2 is short"))

    assert "obviously-fake" not in judge(ended(0), found, result_present=False).sentence


def test_a_secret_behind_its_name_reaches_no_text_of_a_crash_or_of_a_stop() -> None:
    raised = "ValueError: login failed with token=hunter2"
    traceback = f'Traceback (most recent call last):\n  File "x.py", line 1, in f\n{raised}'
    crashed = evidence_in(crash(traceback, raised=""))
    text = f"OperationalException. Stopping trader ...\n{traceback}"
    stopped = evidence_in(EngineRecord(logger="freqtrade.worker", level="ERROR", text=text))
    text = f"Training BTC/USDT raised exception {raised}."
    trainer = "freqtrade.freqai.freqai_interface"
    untrained = evidence_in(EngineRecord(logger=trainer, level="WARNING", text=text))

    texts = (crashed.exception, stopped.stopped_by, *untrained.untrained)
    assert [str(text).count("token=***") for text in texts] == [1, 1, 1]
    assert "hunter2" not in "".join(map(str, texts))


def test_missing_spot_and_futures_series_are_named_together() -> None:
    lines = [
        record(f"No data found for ({name}, 1h, ).", logger="freqtrade.data.dataprovider")
        for name in ("USDT/USDT", "SOL/USDT", "BTC/USDT:USDT", "XRP/USDT")
    ]

    sentence = judge(ended(0), evidence(*lines), result_present=True).sentence

    assert "missing, SOL/USDT@1h, XRP/USDT@1h: add them to run.informative" in sentence
    assert "; USDT/USDT@1h: series of a currency in itself, which no exchange trades" in sentence
    assert "; BTC/USDT:USDT@1h: futures series, which this version cannot provide" in sentence
    assert "; name in run.without those that the strategy can do without; to add all" in sentence
    assert sentence.endswith('write under run: informative: ["SOL/USDT@1h", "XRP/USDT@1h"]')


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("BTC/USDT 1h", "BTC/USDT 4h", "ETH/USDT 1h", "ETH/USDT 4h"), '["@1h", "@4h"]'),
        (("BTC/USDT 1h", "ETH/USDT 1h", "BTC/USDT 4h"), '["@1h", "BTC/USDT@4h"]'),
        (("BTC/USDT 1h", "ETH/USDT 1h", "SOL/USDT 1h"), '["@1h", "SOL/USDT@1h"]'),
        (("BTC/USDT 1h", "BTC/USDT:USDT 1h"), '["BTC/USDT@1h"]'),
    ],
)
def test_missing_candles_end_with_the_line_that_adds_them(
    names: tuple[str, ...], line: str
) -> None:
    found = evidence()
    found.expect(CONFIG, RunParameters(), TradingMode.BACKTEST)
    more = evidence()
    more.expect(CONFIG, RunParameters(informative=("@1d",)), TradingMode.BACKTEST)
    found.missing = more.missing = list(names)

    sentence = judge(ended(0), found, result_present=True).sentence
    longer = judge(ended(0), more, result_present=True).sentence

    assert sentence.endswith(f"; to add all of them, write under run: informative: {line}")
    assert longer.endswith('informative: ["@1d", ' + line.removeprefix("["))


def test_series_that_cannot_be_added_have_no_line() -> None:
    found = evidence()
    found.missing = ["BTC/USDT:USDT 1h", "btc usdt 1h"]

    sentence = judge(ended(0), found, result_present=True).sentence

    assert "btc usdt@1h: pair 'btc usdt' is not usable: expected BASE/QUOTE" in sentence
    assert "write under run" not in sentence


def test_a_missing_series_of_a_run_of_futures_can_be_added_unless_it_is_spot() -> None:
    lines = [
        record(f"No data found for ({name}, 4h, ).", logger="freqtrade.data.dataprovider")
        for name in ("ETH/USDT", "BTC/USDT:USDT")
    ]
    found = evidence(*lines)
    found.contract_data = frozenset({"BTC/USDT:USDT@1h-mark"})

    sentence = judge(ended(0), found, result_present=True).sentence

    assert "missing, BTC/USDT:USDT@4h: add them to run.informative" in sentence
    assert "; ETH/USDT@4h: spot series, and the run trades futures" in sentence


def test_a_part_of_the_range_may_lack_what_the_whole_range_has() -> None:
    names = (("funding_rate", "1h"), ("funding_rate", "8h"), ("mark", "1h"))
    texts = (f"No history for BTC/USDT:USDT, {kind}, {each} found." for kind, each in names)
    found = EngineEvidence()
    found.contract_data = frozenset({"BTC/USDT:USDT@1h-funding_rate"})

    for text in texts:
        found.feed(EngineRecord(logger=HISTORY, level="WARNING", text=text))

    assert found.missing == ["BTC/USDT:USDT 8h", "BTC/USDT:USDT 1h"]


def test_an_engine_that_was_asked_to_load_its_configuration_again_ends_with_the_reason() -> None:
    found = EngineEvidence()
    for text in ("to: RUNNING", "from RUNNING to: RELOAD_CONFIG"):
        found.feed(state(f"Changing state {text}"))
    found.feed(crash("ValueError: I/O operation on closed file.", raised="None"))

    verdict = judge(ended(1), found, result_present=True)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "asked over its own API to load its configuration" in verdict.sentence


@pytest.mark.parametrize("name", ["leverage", "stake_amount"])
def test_a_crash_over_a_leverage_that_is_no_number_names_the_callback(name: str) -> None:
    raised = "TypeError: '>' not supported between instances of 'float' and 'NoneType'"
    found = evidence()
    # Of freqtrade 2026.9, whose own code takes the answer of the callback.
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "/site-packages/freqtrade/optimize/backtesting.py", line 1084, in get_valid_entry'
        "_price_and_stake\n"
        f"    {name} = min(max({name}, 1.0), max_leverage)\n"
        "                   ^^^^^^^^^^^^^^^^^^\n"
        f"{raised}"
    )
    found.feed(crash(traceback, raised="None"))

    verdict = judge(ended(1), found, result_present=False)

    assert verdict.exit_code == ExitCode.CRASHED
    assert raised in verdict.sentence
    named = "leverage() of the strategy returned something that is not a number"
    assert verdict.sentence.startswith(named) is (name == "leverage")
