"""Access of the engine to an account: its keys, its orders' ids, its database."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tradai.core import JsonValue
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAccess:
    """Access to one account, which is in no plan and no manifest.

    Attributes:
        keys: Key of the account.
        order_prefix: Beginning of the client order id of each of its orders.
        database: Its trade database, absolute.
    """

    keys: ApiKeys
    order_prefix: str
    database: Path

    def sections(self, exchange: Exchange, base_url: str | None) -> dict[str, JsonValue]:
        """Return the settings of the engine for its standard input; see `EnginePlan.config_for`."""
        keys = {"key": self.keys.key.reveal(), "secret": self.keys.secret.reveal()}
        return self._sections(exchange, base_url, keys)

    def sections_without_keys(
        self, exchange: Exchange, base_url: str | None
    ) -> dict[str, JsonValue]:
        """Return the settings as they may be shown and checked."""
        return self._sections(exchange, base_url, {})

    def _sections(
        self, exchange: Exchange, base_url: str | None, keys: Mapping[str, str]
    ) -> dict[str, JsonValue]:
        client = exchange.ccxt_config(base_url, order_prefix=self.order_prefix)
        return {
            "db_url": f"sqlite:///{self.database}",
            "exchange": {**keys, "ccxt_config": client},
        }
