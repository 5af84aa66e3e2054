"""The start of a live session: its gate, and the facts about its account."""

import logging
from functools import partial
from typing import Final

from tradai.core.live import Approval
from tradai.entrypoint._live.gate import Admission, Gate, SignedIn, Venue
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.start_checks import StartFacts
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._preparation.live_plan import live_plan, planned_stake
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob

_log: Final = logging.getLogger(__name__)


def gate_of(job: EngineJob, context: RunContext, settings: LiveSettings) -> Gate:
    """Return the gate of `job`, whose plan is recorded.

    Raises:
        ConfigurationError: The plan cannot be approved.
    """
    plan = live_plan(job, context, settings)
    address = context.parameters.exchange_url
    context.record_digest("live", plan.digest)
    context.record.live = {"plan": plan.model_dump(mode="json"), "confirmation": plan.confirmation}
    if address is not None:
        notice = f"the exchange is at {address}: loopback, no money"
        context.record.live["place"] = notice
        context.record.notices.append(notice)
    return Gate(settings, plan, venue_of(job, address))


def venue_of(job: EngineJob, address: str | None) -> Venue:
    """Return the exchange of `job`, to sign in at `address`; None is the exchange itself."""
    exchange = job.plan.exchange
    return Venue(name=exchange.name, sign_in=partial(exchange.sign_in, base_url=address))


def record_admission(admission: Admission, context: RunContext) -> None:
    """Record who allowed the session, for which account, and under which terms."""
    approval, signed_in = admission.approval, admission.signed_in
    context.record.live |= {
        "account": str(signed_in.account),
        "order_prefix": signed_in.order_prefix,
        "approval": approval.model_dump(mode="json", exclude={"plan"}),
    }
    context.journal.append(
        "session admitted", approver=approval.approver, account=str(signed_in.account)
    )
    _log.warning(
        "the session is admitted",
        extra={
            "account": str(signed_in.account),
            "approver": approval.approver,
            "place": context.record.live.get("place", "real money"),
        },
    )
    context.folder.write_manifest(context.record)


def start_facts(
    job: EngineJob, context: RunContext, signed_in: SignedIn, approval: Approval | None
) -> StartFacts:
    """Ask for all facts about the account, with two more signed reads.

    Raises:
        ConfigurationError: The exchange refuses the key.
        ExternalServiceError: It did not answer.
    """
    reads, exchange = signed_in.client.reads, job.plan.exchange
    return StartFacts(
        account=signed_in.state,
        rights=reads.fetch_key_rights(),
        open_orders=tuple(reads.fetch_open_orders()),
        clock_offset_s=reads.measure_clock(),
        symbols=frozenset(exchange.symbol_of(pair) for pair in context.config.pairs),
        order_prefix=signed_in.order_prefix,
        stake=planned_stake(context.config, job.facts),
        approval=approval,
    )
