import signal

import pytest

from tradai.entrypoint import ExitCode
from tradai.entrypoint.freqtrade._engine_process import EngineExit
from tradai.entrypoint.freqtrade._evidence import EngineEvidence, judge

STAMP = "2026-01-31 12:00:00,000"


def ended(
    code: int | None = 0,
    *,
    by: int | None = None,
    killed: int | None = None,
    timed_out: bool = False,
) -> EngineExit:
    return EngineExit(
        return_code=code, signal=killed, interrupted_by=by, timed_out=timed_out, seconds=1.0
    )


def evidence(*lines: str) -> EngineEvidence:
    found = EngineEvidence()
    for line in lines:
        found.feed(line)
    return found


def record(text: str, level: str = "ERROR", logger: str = "freqtrade") -> str:
    return f"{STAMP} - {logger} - {level} - {text}"


def test_exit_code_0_with_a_configuration_error_is_no_success() -> None:
    found = evidence(record("Configuration error: 'stake_currency' is a required property"))

    verdict = judge(ended(0), found, result_present=False)

    assert verdict.exit_code is ExitCode.CONFIGURATION
    assert "stake_currency" in verdict.sentence


def test_exit_code_0_without_a_result_is_no_success() -> None:
    assert judge(ended(0), evidence(), result_present=False).exit_code is ExitCode.RESULT


def test_exit_code_0_with_a_result_is_success() -> None:
    assert judge(ended(0), evidence(), result_present=True).is_success


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (record("No data found. Terminating."), ExitCode.DATA),
        (record("No history for BTC/USDT, spot, 1h found.", "WARNING"), ExitCode.DATA),
        (record("Could not load markets."), ExitCode.UNAVAILABLE),
        (
            record("Impossible to load Strategy 'X'. This class does not exist"),
            ExitCode.CONFIGURATION,
        ),
        ("OSError: [Errno 28] No space left on device", ExitCode.RESULT),
    ],
)
def test_each_marker_has_its_exit_code(line: str, expected: ExitCode) -> None:
    verdict = judge(ended(2), evidence(line), result_present=False)

    assert verdict.exit_code is expected


def test_missing_history_fails_a_run_that_has_a_result() -> None:
    found = evidence(record("No history for ETH/USDT, spot, 1h found.", "WARNING"))

    assert judge(ended(0), found, result_present=True).exit_code is ExitCode.DATA


def test_a_strategy_that_raises_at_import_cannot_be_loaded() -> None:
    found = evidence(
        record("Fatal exception!"),
        "Traceback (most recent call last):",
        '  File "site-packages/freqtrade/resolvers/strategy_resolver.py", line 240, in _load',
        "RuntimeError: boom",
    )

    verdict = judge(ended(1), found, result_present=False)

    assert verdict.exit_code is ExitCode.CONFIGURATION
    assert "boom" in verdict.sentence


def test_a_strategy_that_raises_while_it_runs_is_a_crash() -> None:
    found = evidence(
        record("Fatal exception!"),
        '  File "strategies/demo.py", line 20, in populate_indicators',
        "ZeroDivisionError: division by zero",
    )

    verdict = judge(ended(1), found, result_present=False)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "division by zero" in verdict.sentence


def test_a_kill_that_was_not_ours_is_a_crash() -> None:
    verdict = judge(ended(None, killed=signal.SIGKILL), evidence(), result_present=False)

    assert verdict.exit_code is ExitCode.CRASHED
    assert "signal 9" in verdict.sentence


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGINT, ExitCode.INTERRUPTED)],
)
def test_an_interrupted_batch_is_not_done(number: int, expected: ExitCode) -> None:
    verdict = judge(ended(130, by=number), evidence(), result_present=True)

    assert verdict.exit_code is expected


def test_a_bot_that_was_trading_and_stopped_on_request_is_done() -> None:
    found = evidence(record("Changing state from STOPPED to: RUNNING", "INFO"))

    assert found.is_running
    assert judge(ended(130, by=signal.SIGTERM), found, result_present=True).is_success


def test_a_bot_that_never_started_missed_its_deadline() -> None:
    verdict = judge(ended(None, killed=9, timed_out=True), evidence(), result_present=True)

    assert verdict.exit_code is ExitCode.START_DEADLINE
