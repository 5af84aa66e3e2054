"""Calls that turn off log records are found in the code that the strategy class uses."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._strategy.source import inspect_source

WAVE = "class Wave(IStrategy):\n    timeframe = '5m'\n"


def switches(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "wave.py").write_text(f"{text}\n{WAVE}")
    return inspect_source(folder, "Wave").log_switches


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import logging; logging.disable(logging.CRITICAL)", "logging.disable"),
        ("from logging import disable; disable()", "logging.disable"),
        ("import logging.config; logging.config.dictConfig({})", "logging.config.dictConfig"),
        ("from logging.config import dictConfig as c; c(SETUP)", "logging.config.dictConfig"),
        ("from logging.config import fileConfig; fileConfig('x')", "logging.config.fileConfig"),
    ],
)
def test_a_call_is_found_however_it_is_written(tmp_path: Path, text: str, name: str) -> None:
    assert switches(tmp_path, text) == (f"wave.py:1 calls {name}",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "for name in logging.root.manager.loggerDict: logging.getLogger(name).disabled = True",
            "goes through all loggers (loggerDict)",
        ),
        (
            "logging.getLogger('freqtrade.strategy.strategy_wrapper').setLevel(logging.CRITICAL)",
            "sets setLevel of the logger freqtrade.strategy.strategy_wrapper",
        ),
        (
            'logging.getLogger("freqtrade.worker").disabled = True',
            "sets disabled of the logger freqtrade.worker",
        ),
    ],
)
def test_a_limit_on_the_loggers_that_decide_a_verdict_is_found(
    tmp_path: Path, text: str, said: str
) -> None:
    assert switches(tmp_path, f"import logging\n{text}") == (f"wave.py:2 {said}",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import logging as x; x.disable(50)", "calls logging.disable"),
        ("def mute(): import logging as x; x.disable(50)", "calls logging.disable"),
        ("from logging import disable as d; d(50)", "calls logging.disable"),
        ("from logging import *; disable(50)", "calls logging.disable"),
        ("import logging as x; off = x.disable; off(50)", "calls logging.disable"),
        ("import logging as x; getattr(x, 'disable')(50)", "calls logging.disable"),
        ("__import__('logging').disable(50)", "calls logging.disable"),
        ("import logging.config as c; c.dictConfig({})", "calls logging.config.dictConfig"),
        (
            "from logging.config import fileConfig as c; c({}, None)",
            "calls logging.config.fileConfig",
        ),
        ("import logging; logging.root.manager.disable = 50", "sets logging.root.manager.disable"),
        (
            "from logging import root; m = root.manager; setattr(m, 'disable', 50)",
            "sets logging.root.manager.disable",
        ),
        ("import logging as x; x.Logger.handle = print", "sets logging.Logger.handle"),
        (
            "from logging import getLogger as g; g('freqtrade').removeHandler(None)",
            "sets removeHandler of the logger freqtrade",
        ),
        (
            "import logging as x; log = x.getLogger('freqtrade'); log.handlers.clear()",
            "sets handlers of the logger freqtrade",
        ),
        (
            "import logging as x; N = 'freqtrade.worker'; log = x.getLogger(N); log.propagate = 0",
            "sets propagate of the logger freqtrade.worker",
        ),
        (
            "from freqtrade.worker import logger as log; log.disabled = True",
            "sets disabled of the logger freqtrade.worker",
        ),
        (
            "from freqtrade import freqtradebot as f; f.logger.setLevel(50)",
            "sets setLevel of the logger freqtrade.freqtradebot",
        ),
    ],
)
def test_a_switch_is_found_under_another_name(tmp_path: Path, text: str, said: str) -> None:
    assert switches(tmp_path, text) == (f"wave.py:1 {said}",)


def test_loggers_named_in_a_loop_and_one_kept_in_the_class_are_followed(tmp_path: Path) -> None:
    text = """import logging as x
for name in ("ccxt", "freqtrade.worker"):
    x.getLogger(name).setLevel(50)
class Muted:
    def mute(self):
        self.log = x.getLogger("freqtrade")
        self.log.removeHandler(None)"""

    assert switches(tmp_path, text) == (
        "wave.py:3 sets setLevel of the logger freqtrade.worker",
        "wave.py:7 sets removeHandler of the logger freqtrade",
    )


@pytest.mark.parametrize(
    "text",
    [
        "for name in ('ccxt', 'urllib3'): logging.getLogger(name).setLevel(50)",
        "logging.getLogger('freqtrade').setLevel(logging.WARNING)",
        "logging.raiseExceptions = False",
        "log = logging.getLogger(__name__); log.disabled = True; log.handlers.clear()",
        "log = log.parent",
        "logging.getLogger().disabled = True",
        "self.disable = True; switch.manager.disable = 1",
        "n = logging.NOTSET; logging.disable(n)",
        "logging.getLogger('freqtrade.exchange.exchange').setLevel(logging.WARNING)",
        "logging.getLogger('freqtrade.worker').info('a line')",
        "logging.getLogger(__name__).setLevel(logging.DEBUG)",
        "log.getLogger('freqtrade.worker').setLevel('ERROR')",
    ],
)
def test_a_limit_on_other_loggers_is_none(tmp_path: Path, text: str) -> None:
    assert switches(tmp_path, f"import logging\n{text}") == ()


@pytest.mark.parametrize(
    "text",
    [
        "import logging; logging.disable(logging.NOTSET)",
        "from logging.config import dictConfig as c; c({'disable_existing_loggers': False})",
        "from logging.config import fileConfig as c; c('x', disable_existing_loggers=False)",
        "# logging.disable(logging.CRITICAL)",
        "import settings; settings.dictConfig({})",
    ],
)
def test_a_call_that_keeps_the_records_is_none(tmp_path: Path, text: str) -> None:
    assert switches(tmp_path, text) == ()
