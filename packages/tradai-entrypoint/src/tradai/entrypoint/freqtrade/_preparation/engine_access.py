"""Access of the engine to an account: its keys, its orders' ids, its database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from tradai.core import JsonValue
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange
from tradai.entrypoint.freqtrade._results.database import EngineDatabase


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAccess:
    """Access to one account, which is in no plan and no manifest.

    Attributes:
        keys: Key of the account.
        order_prefix: Beginning of the client order id of each of its orders.
        database: Its trade database, whose URL may have a password.
    """

    keys: ApiKeys
    order_prefix: str
    database: EngineDatabase

    def sections(self, exchange: Exchange, base_url: str | None) -> dict[str, JsonValue]:
        """Return the settings of the engine for its standard input; see `EnginePlan.config_for`."""
        keys = {"key": self.keys.key.reveal(), "secret": self.keys.secret.reveal()}
        return self._sections(exchange, base_url, keys, self.database.engine_url())

    def sections_without_secrets(
        self, exchange: Exchange, base_url: str | None
    ) -> dict[str, JsonValue]:
        """Return the settings as they may be shown and checked."""
        return self._sections(exchange, base_url, {}, self.database.url)

    def _sections(
        self, exchange: Exchange, base_url: str | None, keys: Mapping[str, str], database: str
    ) -> dict[str, JsonValue]:
        client = exchange.ccxt_config(base_url, order_prefix=self.order_prefix)
        return {
            "db_url": database,
            "exchange": {**keys, "ccxt_config": client},
        }
