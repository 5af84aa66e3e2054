"""The real engine in live mode as a session runs it: followed, and stopped by a drain."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from engine.live_engine import COMMAND, PREFIX, live_config
from engine.venue.control import Venue
from engine.venue.keys import TRADER, ApiKey
from engine.venue.market import MIN_NOTIONAL, STEP, TICK

from tradai.core import Market, Secret, SystemClock, utc_now
from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import ApiKeys, SignedClient
from tradai.entrypoint._live._account.order_owner import is_ours
from tradai.entrypoint._live._account.traded_account import TradedAccount

# Not through the door: the stop of a live session is not public.
from tradai.entrypoint._live._drain.budget import StopBudget
from tradai.entrypoint._live._drain.drain import Drain
from tradai.entrypoint._live._drain.report import DrainReport
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.install import engine_environment
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.records import RecordPipe
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named
from tradai.entrypoint.freqtrade._modes._live.engine_stop import LiveEngineStop
from tradai.entrypoint.freqtrade._results.database import booked_orders
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile

DATABASE: Final = "trades.sqlite"
REQUEST_TIMEOUT_S: Final = 5.0
_PATIENCE_S: Final = 300
_POLL_S: Final = 0.005


@dataclass(frozen=True, kw_only=True)
class DrainedEngine:
    """An engine that trades, with what its drain needs."""

    process: EngineProcess
    stop: LiveEngineStop
    interrupts: Interrupts
    account: TradedAccount
    folder: Path

    def wait_for(self, condition: Callable[[], bool], *, event: str) -> None:
        """Follow the engine until `condition` holds; fail when time runs out before."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"it never came to {event}: {self.log}"
            self.process.follow(self.interrupts, timeout_s=_POLL_S)

    @property
    def log(self) -> str:
        """Its log so far."""
        return (self.folder / "engine.log").read_text()

    def drain(self, policy: OrderPolicy, *, is_hurried: bool = False) -> DrainReport:
        """Stop it."""
        return Drain(
            self.stop,
            self.account,
            policy=policy,
            budget=StopBudget.plan(
                grace_s=120,
                open_orders=4,
                in_flight_s=exchange_named("binance").in_flight_s,
            ),
            clock=SystemClock(),
            is_hurried=lambda: is_hurried,
            has_exchange_stops=False,
        ).run()


@contextlib.contextmanager
def drained_engine(
    venue: Venue,
    *,
    strategy: str,
    engine_bin: Path,
    environ: Mapping[str, str],
    folder: Path,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[DrainedEngine]:
    """Start the engine on the exchange; it is killed at the end."""
    evidence = EngineEvidence()
    with (
        EngineControl.reserved() as control,
        TemporaryDirectory() as temporary,
        RecordPipe(Path(temporary), strategy=folder) as records,
        Interrupts() as interrupts,
    ):
        control.open()
        config = live_config(venue.url, TRADER) | control.config() | records.sections()
        with EngineProcess(
            [str(engine_bin / "freqtrade"), *COMMAND, strategy],
            stdin=json.dumps(config | dict(settings or {})).encode(),
            # The engine sets up no logging where it finds the variables of pytest.
            environ=engine_environment(environ, home=folder, temporary=Path(temporary)),
            folder=folder,
            log_file=folder / "engine.log",
            on_line=evidence.feed_printed,
            records=records,
            on_record=evidence.feed,
        ) as process:
            database = SqliteFile(folder / DATABASE)
            stop = LiveEngineStop(
                process, control, evidence, interrupts=interrupts, database=database
            )
            yield DrainedEngine(
                process=process,
                stop=stop,
                interrupts=interrupts,
                account=traded_account(venue),
                folder=folder,
            )


def traded_account(venue: Venue) -> TradedAccount:
    """Return the account of the strategy on the exchange."""
    return TradedAccount(
        client=signed_client(venue.url, TRADER),
        prefix=PREFIX,
        markets={f"{base}USDT": _market(base) for base in ("BTC", "ETH")},
        since=utc_now() - timedelta(minutes=1),
    )


def signed_client(url: str, key: ApiKey) -> SignedClient:
    """Return a client that signs with `key`."""
    keys = ApiKeys(key=Secret(key.key), secret=Secret(key.secret))
    return exchange_named("binance").sign_in(keys, base_url=url, timeout_s=REQUEST_TIMEOUT_S)


def lost_orders(venue: Venue, database: Path) -> list[dict[str, Any]]:
    """Return our orders that the exchange knows, open or filled, and the database does not.

    The engine forgets an entry that ended without a fill: such an order is not lost.
    """
    rows = booked_orders(SqliteFile(database))
    booked = {(row.pair.replace("/", ""), row.order_id) for row in rows}
    return [
        row
        for row in venue.orders()
        if is_ours(row["clientOrderId"], PREFIX)
        and (row["symbol"], str(row["orderId"])) not in booked
        and (row["status"] in {"NEW", "PARTIALLY_FILLED"} or Decimal(row["executedQty"]) > 0)
    ]


def _market(base: str) -> Market:
    return Market.model_validate(
        {
            "pair": f"{base}/USDT",
            "market_type": "spot",
            "base": base,
            "quote": "USDT",
            "status": "active",
            "tick": TICK,
            "step": STEP,
            "min_notional": MIN_NOTIONAL,
        }
    )
