"""Modes that hold positions: LIVE refuses any doubt, DRY_RUN falls back to placing no order."""

from collections.abc import Mapping
from typing import Final

from tradai.core import (
    JsonValue,
    LoadedConfig,
    Origin,
    StrategyConfig,
    StrategyConfigLoader,
    TradingMode,
)
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradingError,
    ValidationError,
)
from tradai.entrypoint._process.settings import unknown_variable_problems
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint

_LOADING_CAN_RAISE: Final = (
    ConfigurationError,
    ValidationError,
    NotFoundError,
    ExternalServiceError,
)


class TradingEntrypoint(StrategyEntrypoint):
    """Entrypoint of LIVE and DRY_RUN.

    LIVE without a valid, complete configuration raises `TradingError` before anything else
    happens, and so it does where money moves. DRY_RUN falls back to one built-in configuration
    that can place no order. The fallback keeps the run parameters, and contacts an exchange only
    when they name one.
    """

    def _load_strategy_config(self) -> LoadedConfig:
        is_live = self._settings.trading_mode is TradingMode.LIVE
        try:
            loaded = super()._load_strategy_config()
            _require_tradable(loaded)
            if is_live:
                _require_no_doubt(loaded, self._environ)
        except _LOADING_CAN_RAISE as exc:
            if is_live:
                raise TradingError(
                    f"Failed to load strategy config for LIVE trading: {exc}",
                    reason="configuration",
                ) from exc
            if self._is_check or self._request.continues:
                # The run would start, and would not be the one that was asked for.
                raise
            return self._fall_back(exc)
        # The repeated run may have been one.
        replay = self._request.replay
        self.record.is_fallback = replay is not None and replay.is_fallback
        return loaded

    def _permit(self, context: RunContext) -> None:
        if context.mode is TradingMode.LIVE and context.engine_api != "none":
            raise ConfigurationError(
                "the engine's interface is not opened in LIVE, where its buttons would go round "
                "the checks of the session: leave --api and --ui out, and unset "
                "TRADAI_RUN_ENGINE_API",
                key="TRADAI_RUN_ENGINE_API",
            )
        if context.mode is TradingMode.LIVE and context.parameters.exchange_url is None:
            raise TradingError(
                "LIVE trading is closed at the exchange itself in this version of tradai: the "
                "configuration is valid, run it in a mode that its exchange has by "
                "docs/reference/venues.md, or set run.exchange_url to a loopback exchange, where "
                "no money moves",
                reason="closed",
            )

    def _fall_back(self, error: Exception) -> LoadedConfig:
        notice = (
            "DRY_RUN runs on the built-in configuration, which places no order, because the "
            f"strategy's could not be loaded: {error}"
        )
        # A record is one line.
        self.logger.warning("; ".join(notice.splitlines()))
        self.record.notices.append(notice)
        self.record.is_fallback = True
        return _no_order_config(self._load_run())

    def _load_run(self) -> Mapping[str, JsonValue]:
        """Return the run parameters, which do not depend on a usable configuration."""
        request = self._request
        loader = StrategyConfigLoader(environ=self._environ)
        return loader.load_run(
            self._settings.config, patches=request.patches, overrides=request.overrides
        )


def _require_tradable(loaded: LoadedConfig) -> None:
    if not loaded.config.pairs:
        raise ConfigurationError("pairs is empty: name at least one pair to trade", key="pairs")


def _require_no_doubt(loaded: LoadedConfig, environ: Mapping[str, str]) -> None:
    doubts = [*loaded.warnings, *unknown_variable_problems(environ)]
    if doubts:
        raise ConfigurationError("; ".join(doubts))


def _no_order_config(run: Mapping[str, JsonValue]) -> LoadedConfig:
    config = StrategyConfig.model_validate(
        {
            "name": "tradai-idle",
            "version": "0.0.1",
            "timeframe": "5m",
            "pairs": ["BTC/USDT"],
            "strategy": {"class": "TradaiIdle", "source": "built-in"},
            "execution": {"stake_amount": "10", "max_open_trades": 0},
        }
    )
    origin = Origin(source="built-in fallback of DRY_RUN")
    return LoadedConfig(
        config=config,
        run=run,
        provenance=dict.fromkeys(config.canonical(), origin),
        shadowed={},
        warnings=(),
        folder=None,
    )
