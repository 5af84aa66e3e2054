"""Place of approvals in MLflow's registry: a model of its own, with a version for each entry."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from string import ascii_letters, digits, punctuation
from typing import Final, Self, TypeAlias, final
from urllib.parse import quote, unquote_to_bytes

from tradai.core.exceptions import ConflictError, ValidationError
from tradai.core.live import ApprovalEntry, ApprovalEntryKind, check_strategy_name
from tradai.mlflow._client.client import MLflowClient
from tradai.mlflow._client.entities import quoted
from tradai.mlflow._client.model_entities import ModelVersion
from tradai.mlflow._registry.chunks import from_chunks, to_chunks
from tradai.mlflow._registry.errors import ModelIntegrityError
from tradai.mlflow._registry.selector import SCHEME, check_model_name

EntryName: TypeAlias = tuple[str, str, ApprovalEntryKind]

_PREFIX: Final = "tradai.approval"
_STRATEGY: Final = f"{_PREFIX}.strategy"
_ID: Final = f"{_PREFIX}.id"
_KIND: Final = f"{_PREFIX}.kind"
_KINDS: Final[Mapping[str, ApprovalEntryKind]] = {
    "approval": "approval",
    "revocation": "revocation",
}
_SHOWN_DIGITS: Final = 12
# Tags are text and an entry is bytes: JSON stays readable, and every other byte becomes %XX.
_PLAIN: Final = (ascii_letters + digits + punctuation + " ").replace("%", "")
_EXPECTED: Final = "mlflow: and the name of a model that keeps approvals only, mlflow:approvals"


@final
class MLflowApprovalStore:
    """Approvals as the versions of one registered model, such as ``mlflow:approvals``.

    MLflow cannot write only where nothing is yet. But it takes a version with its tags in one
    request, and numbers the versions of a model in the order in which they come, and never twice.
    So an entry is whole, and of several with one name the one with the lowest number counts. This
    needs a server with a database: one that keeps its registry in files may number two alike.

    An entry about a strategy that is registered as well names the run that proves that version, so
    MLflow shows both on the page of the run.

    Deleting the version of a revocation would make its approval count again. Give no role that
    trades the right to delete versions or to change their tags.
    """

    def __init__(self, model: str, *, client: MLflowClient | None = None) -> None:
        """Keep approvals in the registered model `model`; nothing is sent yet.

        Args:
            model: Name of a model that has nothing else; it is created by the first entry.
            client: Client of the server; by default that of the environment.

        Raises:
            ConfigurationError: No server is configured, or a setting is not valid.
            ValidationError: The name is not usable.
        """
        check_model_name(model)
        self._model = model
        self._client = client or MLflowClient()

    @classmethod
    def for_uri(cls, uri: str) -> Self:
        """Return the place of approvals that a URI such as ``mlflow:approvals`` names.

        Raises:
            ConfigurationError: No server is configured, or a setting is not valid.
            ValidationError: The URI names no model, or one of its versions.
        """
        model = uri.removeprefix(SCHEME)
        if not model.strip() or "@" in model:
            message = f"the place of approvals {uri!r} is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="uri", expected=_EXPECTED)
        return cls(model)

    def add(self, entry: ApprovalEntry) -> None:
        """Keep `entry`; see `ApprovalStore`."""
        name = entry.name
        versions = self._versions()
        kept = _kept(versions)
        if versions and not kept:
            # A model of strategies: an approval would be its latest version.
            message = f"the model {self._model} has versions of another kind: expected {_EXPECTED}"
            raise ValidationError(message, field="uri", expected=_EXPECTED)
        if name not in kept:
            self._create(entry, kept)
            # Another process may have been first.
            kept = _kept(self._versions())
        first = kept.get(name)
        if first is None or _data(first) != entry.data:
            found = (
                f"another {entry.kind} of this id, in version {first.version}"
                if first
                else f"no {entry.kind} of this id any more: the version just made was deleted"
            )
            message = f"{self._model} has {found}; read it again"
            raise ConflictError(message, operation="add", service="mlflow")

    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        """Return all entries of `strategy`, sorted by id and kind; see `ApprovalStore`."""
        check_strategy_name(strategy)
        return tuple(
            ApprovalEntry(
                strategy=strategy, approval_id=approval_id, kind=kind, data=_data(version)
            )
            for (name, approval_id, kind), version in sorted(
                _kept(self._versions()).items(), key=_order
            )
            if name == strategy
        )

    def _create(self, entry: ApprovalEntry, kept: Mapping[EntryName, ModelVersion]) -> None:
        self._client.registered_model(self._model)
        shown = f"{entry.kind} {entry.approval_id[:_SHOWN_DIGITS]}"
        self._client.create_model_version(
            self._model,
            # A version must have a folder; this one has no files.
            source=f"tradai:/{entry.kind}/{entry.approval_id}",
            run_id=self._run_of(entry, kept),
            tags={
                _STRATEGY: entry.strategy,
                _ID: entry.approval_id,
                _KIND: entry.kind,
                **to_chunks(_PREFIX, quote(entry.data, safe=_PLAIN)),
            },
            description=f"{shown} of {entry.strategy}, kept by tradai",
        )

    def _versions(self) -> list[ModelVersion]:
        """Return all versions of the model, in the order of their numbers."""
        return list(
            self._client.search_model_versions(
                filter=f"name = {quoted(self._model)}", order_by=["version_number ASC"]
            )
        )

    def _run_of(self, entry: ApprovalEntry, kept: Mapping[EntryName, ModelVersion]) -> str | None:
        """Return the run that proves the version of the strategy; None for a version unknown."""
        if entry.kind == "revocation":
            approval = kept.get((entry.strategy, entry.approval_id, "approval"))
            return approval and approval.run_id
        config = _config_digest(entry.data)
        if config is None:
            return None
        proofs = self._client.search_model_versions(
            filter=f"tags.`tradai.digest.config` = {quoted(config)}",
            order_by=["creation_timestamp DESC"],
            limit=1,
        )
        return next((version.run_id for version in proofs), None)


def kept_entry(version: ModelVersion) -> str | None:
    """Return the kind and the id of the entry that a version keeps; None for another version.

    >>> tags = {"tradai.approval.strategy": "trend", "tradai.approval.kind": "revocation"}
    >>> tags |= {"tradai.approval.id": "0f" * 32}
    >>> kept_entry(ModelVersion(name="approvals", version=7, tags=tags))
    'revocation 0f0f0f0f0f0f'
    """
    name = _name(version)
    return name and f"{name[2]} {name[1][:_SHOWN_DIGITS]}"


def _kept(versions: Iterable[ModelVersion]) -> dict[EntryName, ModelVersion]:
    """Return the version that counts of each entry: the one with the lowest number."""
    kept: dict[EntryName, ModelVersion] = {}
    for version in versions:
        if (name := _name(version)) is not None:
            kept.setdefault(name, version)
    return kept


def _name(version: ModelVersion) -> EntryName | None:
    strategy, approval_id, kind = (version.tags.get(tag, "") for tag in (_STRATEGY, _ID, _KIND))
    return (
        (strategy, approval_id, _KINDS[kind])
        if strategy and approval_id and kind in _KINDS
        else None
    )


def _order(item: tuple[EntryName, ModelVersion]) -> EntryName:
    return item[0]


def _data(version: ModelVersion) -> bytes:
    """Return the bytes of an entry; none for changed tags, which core takes for an edit."""
    with suppress(ModelIntegrityError):
        return unquote_to_bytes(from_chunks(_PREFIX, version.tags, place=version.name))
    return b""


def _config_digest(data: bytes) -> str | None:
    """Return the digest of configuration and source in an approval; None for other content."""
    with suppress(ValueError, LookupError, TypeError):
        return str(json.loads(data)["approval"]["plan"]["config"])
    return None
