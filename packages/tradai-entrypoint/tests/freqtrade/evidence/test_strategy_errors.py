import pytest

from tradai.entrypoint import ExitCode, Verdict
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._evidence.strategy_errors import (
    LOGGER,
    StrategyErrors,
    judge_errors,
)

DONE = Verdict(exit_code=ExitCode.DONE, sentence="backtest done")
UNEXPECTED = """\
Unexpected error KeyError('fast') calling <bound method Demo.custom_stoploss of <demo.Demo at 0x7>>
Traceback (most recent call last):
  File "/site-packages/freqtrade/strategy/strategy_wrapper.py", line 45, in wrapper
  File "/scratch/strategies/demo.py", line 31, in custom_stoploss
  File "/scratch/strategies/parts/stops.py", line 7, in stop
KeyError: 'fast'"""
VALUE_ERROR = (
    "Strategy caused the following exception: ValueError('no') in Demo.custom_exit:44, "
    "calling custom_exit"
)


def errors(*texts: str) -> StrategyErrors:
    found = StrategyErrors()
    for text in texts:
        found.feed(EngineRecord(logger=LOGGER, level="ERROR", text=text))
    return found


def test_errors_are_counted_by_callback_and_the_first_is_kept_with_its_line() -> None:
    found = errors(UNEXPECTED, VALUE_ERROR, UNEXPECTED)

    assert found.counts == {"custom_stoploss": 2, "custom_exit": 1}
    assert found.total == 3
    assert (found.first, found.place) == ("KeyError('fast')", "parts/stops.py:7")


def test_a_value_error_has_a_function_and_a_line() -> None:
    found = errors(VALUE_ERROR)

    assert (found.first, found.place) == ("ValueError('no')", "Demo.custom_exit:44")


def test_a_secret_behind_its_name_in_the_text_of_an_error_is_masked() -> None:
    found = errors(VALUE_ERROR.replace("no", "login failed with token=hunter2"))

    assert found.first == "ValueError('login failed with token=***')"


@pytest.mark.parametrize(
    "called",
    [
        "<bound method IStrategy.analyze_ticker of <demo.Demo object at 0x7f>>",
        "<function Demo.analyze_ticker at 0x7f>",
        "<function made.<locals>.analyze_ticker at 0x7f>",
    ],
)
def test_a_callback_has_the_name_of_its_function(called: str) -> None:
    assert errors(f"Unexpected error KeyError() calling {called}").counts == {"analyze_ticker": 1}


def test_a_text_that_names_another_callback_accuses_only_the_one_that_raised() -> None:
    text = "RuntimeError(' calling <bound method Demo.leverage of <x>>, calling leverage')"
    wrapped = f"Unexpected error {text} calling <bound method Demo.custom_exit of <demo.Demo>>"
    value = f"Strategy caused the following exception: {text} in D.f:1, calling custom_exit"

    assert errors(wrapped, value).counts == {"custom_exit": 2}


def test_an_error_in_other_words_is_counted_too() -> None:
    found = errors("The callback went wrong\nmore")

    assert found.counts == {"unknown": 1}
    assert found.first == "The callback went wrong"


def test_a_run_whose_callbacks_raised_is_not_done() -> None:
    verdict = judge_errors(DONE, errors(UNEXPECTED, UNEXPECTED), ())

    assert verdict.exit_code == 80
    assert "backtest done; but the strategy raised 2 errors" in verdict.sentence
    assert "custom_stoploss 2" in verdict.sentence
    assert "KeyError('fast') at parts/stops.py:7" in verdict.sentence
    assert "run.accepted_strategy_errors=[custom_stoploss]" in verdict.sentence


def test_errors_are_accepted_by_the_name_of_their_callback() -> None:
    found = errors(UNEXPECTED, VALUE_ERROR)

    assert judge_errors(DONE, found, ["custom_stoploss", "custom_exit"]) is DONE
    refused = judge_errors(DONE, found, ["custom_stoploss"])
    assert refused.exit_code is ExitCode.STRATEGY_ERRORS
    assert refused.sentence.endswith("accepted_strategy_errors=[custom_exit]")


def test_a_run_that_failed_keeps_its_verdict() -> None:
    failed = Verdict(exit_code=ExitCode.DATA, sentence="candles are missing")

    assert judge_errors(failed, errors(UNEXPECTED), ()) is failed


def test_a_run_without_errors_keeps_its_verdict() -> None:
    assert judge_errors(DONE, errors(), ()) is DONE
