"""Vocabulary of live trading: approvals of a plan, records of sessions, and alerts.

See `docs/decisions/0014-approvals.md` and `0015-sessions.md`.
"""

from tradai.core._lazy import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.core._approvals.approvals import Approvals as Approvals
    from tradai.core._approvals.listed import ListedApproval as ListedApproval
    from tradai.core._approvals.plan import LivePlan as LivePlan
    from tradai.core._approvals.record import (
        Approval as Approval,
        OrderPolicy as OrderPolicy,
        Revocation as Revocation,
        TradingAccount as TradingAccount,
    )
    from tradai.core._approvals.refusals import ApprovalRefusal as ApprovalRefusal
    from tradai.core._approvals.risk_limits import (
        RiskAction as RiskAction,
        RiskLimit as RiskLimit,
        RiskMeasure as RiskMeasure,
        RiskReadings as RiskReadings,
        check_risk_limits as check_risk_limits,
    )
    from tradai.core._local.object_approval_store import ObjectApprovalStore as ObjectApprovalStore
    from tradai.core._local.object_session_store import ObjectSessionStore as ObjectSessionStore
    from tradai.core._ports.protocols import (
        ApprovalEntry as ApprovalEntry,
        ApprovalEntryKind as ApprovalEntryKind,
        ApprovalStore as ApprovalStore,
    )
    from tradai.core._ports.session_store import SessionStore as SessionStore
    from tradai.core._sessions.alert import Alert as Alert, AlertChannel as AlertChannel
    from tradai.core._sessions.record import (
        SessionRecord as SessionRecord,
        SessionRequest as SessionRequest,
        check_session_name as check_session_name,
    )
    from tradai.core._sessions.state import SessionState as SessionState
    from tradai.core._types.symbols import check_strategy_name as check_strategy_name

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_approvals.approvals": "Approvals",
            "_approvals.listed": "ListedApproval",
            "_approvals.plan": "LivePlan",
            "_approvals.record": "Approval OrderPolicy Revocation TradingAccount",
            "_approvals.refusals": "ApprovalRefusal",
            "_approvals.risk_limits": (
                "RiskAction RiskLimit RiskMeasure RiskReadings check_risk_limits"
            ),
            "_local.object_approval_store": "ObjectApprovalStore",
            "_local.object_session_store": "ObjectSessionStore",
            "_ports.protocols": "ApprovalEntry ApprovalEntryKind ApprovalStore",
            "_ports.session_store": "SessionStore",
            "_sessions.alert": "Alert AlertChannel",
            "_sessions.record": "SessionRecord SessionRequest check_session_name",
            "_sessions.state": "SessionState",
            "_types.symbols": "check_strategy_name",
        },
        home="tradai.core",
    )
