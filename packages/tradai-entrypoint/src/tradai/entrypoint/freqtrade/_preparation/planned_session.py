"""A live session that is planned and not started: its plan, its stake, and its account."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import final

from tradai.core.live import LivePlan, TradingAccount
from tradai.entrypoint._live.gate import Venue
from tradai.entrypoint._live.live_places import keys_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._preparation.live_plan import fixed_stake, live_plan
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSession:
    """A session before it is approved.

    Attributes:
        plan: Everything that is approved.
        account: The account that the configured key names.
        key_problems: Reasons against trading with that key.
        stake: Stake of one trade; None when the strategy or the balance decides it.
        stake_currency: Currency of the stakes.
        exchange_url: Address of the exchange; None is the exchange itself.
    """

    plan: LivePlan
    account: TradingAccount
    key_problems: tuple[str, ...]
    stake: Decimal | None
    stake_currency: str
    exchange_url: str | None


def plan_session(
    entrypoint: StrategyEntrypoint, settings: LiveSettings, *, engine: EngineInstall | None = None
) -> PlannedSession:
    """Plan the session of `entrypoint`, and read the account with two signed requests.

    Raises:
        TradAIError: The run would be refused, or the account cannot be read.
    """
    with entrypoint.prepared() as context:
        job = EngineJob(context, engine=engine)
        plan = live_plan(job, context, settings)
        address = context.parameters.exchange_url
        venue = venue_of(job, address)
        reads = venue.sign_in(keys_of(settings)).reads
        return PlannedSession(
            plan=plan,
            account=TradingAccount(venue=venue.name, uid=reads.fetch_account().uid),
            key_problems=reads.fetch_key_rights().problems,
            stake=fixed_stake(context.config, job.facts),
            stake_currency=context.config.stake_currency,
            exchange_url=address,
        )


def venue_of(job: EngineJob, address: str | None) -> Venue:
    """Return the exchange of `job`, to sign in at `address`; None is the exchange itself."""
    exchange = job.plan.exchange
    return Venue(name=exchange.name, sign_in=partial(exchange.sign_in, base_url=address))
