"""Move an alias: judged by gates, written to the ledger, and read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, final

from tradai.core import Lease, redact
from tradai.core.exceptions import ConflictError, ValidationError
from tradai.mlflow._client.client import MLflowClient
from tradai.mlflow._client.entities import ArtifactInfo
from tradai.mlflow._client.model_entities import ModelVersion, RegisteredModel
from tradai.mlflow._registry._gates.gates import GateContext, GateSubject
from tradai.mlflow._registry._gates.policy import PromotionPolicy
from tradai.mlflow._registry._gates.report import PromotionReport
from tradai.mlflow._registry.errors import ModelIntegrityError, PromotionRefusedError
from tradai.mlflow._registry.ledger import Ledger, LedgerEntry
from tradai.mlflow._registry.selector import is_usable_alias
from tradai.mlflow._registry.version_tags import VersionContent, from_tags

_LONGEST_NAME: Final = 200
# The name of a tag of the ledger has it, and no server takes more than 250 characters there.
_LONGEST_ALIAS: Final = 200
_EXPECTED_ALIAS: Final = (
    f"letters, digits, '-' and '_', at most {_LONGEST_ALIAS}, but neither 'latest' nor such as 'v7'"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMove:
    """A move of an alias.

    Attributes:
        name: Name of the model.
        alias: The alias.
        before: Version that it pointed at; None when it was not set.
        after: Version that it points at now, or would.
        is_atomic: Whether a lease kept other promotions out.
        report: Report of the gates; None for a rollback.
    """

    name: str
    alias: str
    before: int | None
    after: int
    is_atomic: bool
    report: PromotionReport | None = None


@final
class AliasMover:
    """Moves the aliases of a model, under the lease of its promotions where there is one."""

    def __init__(
        self, client: MLflowClient, *, now: Callable[[], datetime], lease: Lease | None
    ) -> None:
        """Move aliases with `client`, while `lease` is held; None is without."""
        self._client = client
        self._now = now
        self._lease = lease

    def report(
        self, name: str, version: int, *, alias: str, policy: PromotionPolicy
    ) -> PromotionReport:
        """Judge a version, and move nothing.

        Raises:
            MLflowNotFoundError: The server does not have the model or the version.
            MLflowError: The server refused, or gave no usable answer.
        """
        model = self._client.get_registered_model(name)
        return self._judge(model, version, alias=alias, policy=policy)

    def promote(
        self,
        name: str,
        version: int,
        *,
        alias: str,
        policy: PromotionPolicy,
        expect: int | Literal["any"] | None,
        by: str,
    ) -> AliasMove:
        """Move `alias` to `version` when every gate passes.

        Raises:
            ValidationError: The alias differs from one of the model only in its case.
            PromotionRefusedError: A gate refuses.
            ConflictError: The alias does not point at the expected version, or was moved at once
                by another promotion.
            MLflowNotFoundError: The server does not have the model or the version.
            MLflowError: The server refused, or gave no usable answer.
        """
        check_alias(alias)
        model = self._client.get_registered_model(name)
        _check_case(model, alias)
        before = model.aliases.get(alias)
        if expect not in ("any", before):
            raise _unexpected(name, alias, expected=expect, found=before)
        report = self._judge(model, version, alias=alias, policy=policy)
        if not report.passed:
            raise PromotionRefusedError(str(report), report=report.as_json())
        entry = self._note(model, alias, version, action="promote", by=by, report=report)
        if self._lease is None:
            # Of two that see the entry of each other, neither moves the alias.
            self._check_alone(name, entry, points_at=before)
        self._move(name, entry)
        self._check_alone(name, entry, points_at=version)
        return self._done(name, alias, before, version, report=report)

    def rollback(self, name: str, *, alias: str, by: str) -> AliasMove:
        """Move `alias` back to the version before the last promotion, in four calls.

        Without a lease, a fifth one reads back where the alias points.

        Raises:
            NotFoundError: The ledger has no such version.
            ModelIntegrityError: The ledger or that version is damaged; the alias is as it was.
            ConflictError: The alias was moved at once by another promotion.
            MLflowNotFoundError: The server does not have the model or that version any more.
            MLflowError: The server refused, or gave no usable answer.
        """
        check_alias(alias)
        model = self._client.get_registered_model(name)
        before = model.aliases.get(alias)
        after = Ledger.from_tags(model.tags, alias).rollback_target(before)
        self._hold()
        target = self._client.get_model_version(name, after)
        from_tags(target.tags, place=_place(target))
        entry = self._note(model, alias, after, action="rollback", by=by)
        self._move(name, entry)
        if self._lease is None:
            self._check_alone(name, entry, points_at=after)
        return self._done(name, alias, before, after)

    def _judge(
        self, model: RegisteredModel, version: int, *, alias: str, policy: PromotionPolicy
    ) -> PromotionReport:
        gates = policy.gates()
        self._hold()
        candidate = self._client.get_model_version(model.name, version)
        self._hold()
        now_at = model.aliases.get(alias)
        champion = self._client.get_model_version(model.name, now_at) if now_at else None
        context = GateContext(
            candidate=_subject(candidate, self._stored(candidate)),
            champion=_subject(champion, {}) if champion else None,
            now=self._now(),
        )
        return PromotionReport.of(gates, context, alias=alias)

    def _stored(self, version: ModelVersion) -> dict[str, int | None]:
        """Return the files that the server has for a version, by path."""
        stored: dict[str, int | None] = {}
        folders = [""]
        while folders:
            self._hold()
            for info in self._client.list_artifacts(version, folders.pop()):
                _add(info, stored, folders)
        return stored

    def _note(
        self,
        model: RegisteredModel,
        alias: str,
        version: int,
        *,
        action: Literal["promote", "rollback"],
        by: str,
        report: PromotionReport | None = None,
    ) -> LedgerEntry:
        """Write the entry of a move, before it: a move without one could not be rolled back."""
        ledger = Ledger.from_tags(model.tags, alias)
        entry = LedgerEntry(
            sequence=ledger.next_sequence,
            at=self._now(),
            action=action,
            alias=alias,
            before=model.aliases.get(alias),
            after=version,
            by=redact(by)[:_LONGEST_NAME],
            report=report.digest if report else None,
            fencing_token=self._hold(),
            previous=ledger.last_digest,
        )
        self._client.set_model_tag(model.name, *entry.tag())
        return entry

    def _move(self, name: str, entry: LedgerEntry) -> None:
        self._hold()
        self._client.set_alias(name, entry.alias, entry.after)

    def _hold(self) -> int | None:
        """Return the token of the lease, renewed after half of its time; None without a lease.

        It is asked before each call to the server, so that a slow one does not cost the lease.
        """
        if self._lease is None:
            return None
        if self._lease.remaining_s < self._lease.ttl_s / 2:
            self._lease.renew()
        return self._lease.check()

    def _check_alone(self, name: str, entry: LedgerEntry, *, points_at: int | None) -> None:
        """Check that the alias is where it should be, and that no other process moves it."""
        model = self._client.get_registered_model(name)
        found = model.aliases.get(entry.alias)
        if found == points_at and Ledger.from_tags(model.tags, entry.alias).is_last(entry):
            return
        message = (
            f"{name}@{entry.alias} is moved by several processes at once, and points at "
            f"{_version(found)} now: look at `tradai-entrypoint models show {name}`, promote "
            "again, and name a place for leases (TRADAI_MODEL_LEASES), which keep others out"
        )
        raise ConflictError(message, operation=entry.action, service="mlflow")

    def _done(
        self,
        name: str,
        alias: str,
        before: int | None,
        after: int,
        *,
        report: PromotionReport | None = None,
    ) -> AliasMove:
        return AliasMove(
            name=name,
            alias=alias,
            before=before,
            after=after,
            is_atomic=self._lease is not None,
            report=report,
        )


def check_alias(alias: str) -> None:
    """Check an alias before anything is sent.

    Raises:
        ValidationError: Not every server takes it.
    """
    if not is_usable_alias(alias) or len(alias) > _LONGEST_ALIAS:
        message = f"the alias {alias!r} is not usable: expected {_EXPECTED_ALIAS}"
        raise ValidationError(message, field="alias", expected=_EXPECTED_ALIAS)


def _check_case(model: RegisteredModel, alias: str) -> None:
    """Refuse an alias that differs from one of the model only in its case.

    Some servers take the two for one, as MLflow's page and its database on MySQL do.
    """
    for known in model.aliases:
        if known != alias and known.lower() == alias.lower():
            message = f"{model.name} has the alias {known!r}, which is not {alias!r}: write it so"
            raise ValidationError(message, field="alias", expected=known)


def _subject(version: ModelVersion, stored: Mapping[str, int | None]) -> GateSubject:
    content: VersionContent | None = None
    problem = ""
    try:
        content = from_tags(version.tags, place=_place(version))
    except ModelIntegrityError as exc:
        problem = str(exc)
    return GateSubject(
        name=version.name,
        version=version.version,
        content=content,
        problem=problem,
        stored=stored,
    )


def _add(info: ArtifactInfo, stored: dict[str, int | None], folders: list[str]) -> None:
    if info.is_folder:
        folders.append(info.path)
    else:
        stored[info.path] = info.size


def _place(version: ModelVersion) -> str:
    return f"version {version.version} of model {version.name!r}"


def _version(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"


def _unexpected(
    name: str, alias: str, *, expected: int | str | None, found: int | None
) -> ConflictError:
    wanted = _version(expected) if not isinstance(expected, str) else expected
    message = (
        f"{name}@{alias} points at {_version(found)}, expected {wanted}: look at it again, then "
        "decide"
    )
    return ConflictError(message, operation="promote", service="mlflow")
