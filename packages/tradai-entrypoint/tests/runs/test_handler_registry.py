import textwrap
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from tradai.core import TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint import HandlerRegistry


def first() -> str:
    return "first"


def second() -> str:
    return "second"


def registry(group: str = "tradai.handlers") -> HandlerRegistry[Callable[..., object]]:
    return HandlerRegistry(group=group)


def test_a_registered_factory_is_returned() -> None:
    handlers = registry()

    handlers.register(TradingMode.BACKTEST, first)

    assert handlers.get(TradingMode.BACKTEST) is first


def test_an_explicit_registration_wins_over_an_entry_point() -> None:
    handlers = registry()
    assert handlers.get(TradingMode.BACKTEST) is not first

    handlers.register(TradingMode.BACKTEST, first)

    assert handlers.get(TradingMode.BACKTEST) is first


def test_registering_one_mode_twice_names_both_factories() -> None:
    handlers = registry()
    handlers.register(TradingMode.TRAIN, first)

    with pytest.raises(ConfigurationError, match=r"first.*second"):
        handlers.register(TradingMode.TRAIN, second)

    assert handlers.get(TradingMode.TRAIN) is first


def test_a_mode_without_a_handler_names_the_package_to_install() -> None:
    with pytest.raises(ConfigurationError, match=r"tradai-entrypoint\[freqtrade\]"):
        registry(group="tradai.nothing").get(TradingMode.BACKTEST)


def test_a_broken_plugin_stops_only_its_own_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = EntryPoints(
        [
            EntryPoint("train", "no_such_module:Handler", "tradai.handlers"),
            EntryPoint("backtest", "textwrap:dedent", "tradai.handlers"),
        ]
    )
    monkeypatch.setattr("tradai.entrypoint._runs.handler_registry.entry_points", plugins.select)
    handlers = registry()

    assert handlers.get(TradingMode.BACKTEST) is textwrap.dedent
    with pytest.raises(ConfigurationError, match="no_such_module"):
        handlers.get(TradingMode.TRAIN)


def test_two_plugins_for_one_mode_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = EntryPoints(
        [EntryPoint("train", value, "tradai.handlers") for value in ("one:H", "other:H")]
    )
    monkeypatch.setattr("tradai.entrypoint._runs.handler_registry.entry_points", plugins.select)

    with pytest.raises(ConfigurationError, match=r"one:H and other:H"):
        registry().get(TradingMode.TRAIN)
