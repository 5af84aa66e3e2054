"""Claim of a run in a store: the first process that writes its `started.json` owns the run."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, final

from tradai.core import JsonValue
from tradai.core.exceptions import ConflictError, ExternalServiceError, NotFoundError, TradAIError
from tradai.entrypoint._store.deadline import SERVICE
from tradai.entrypoint._store.names import MANIFEST_NAME, STARTED_NAME
from tradai.entrypoint._store.run_store import RunStore

# Both must agree: the container of an ECS task may be restarted.
_OWNER: Final = ("owner", "process")

# Facts of a claim that the manifest of the run has, too.
_START_FACTS: Final = ("schema_version", "run_id", "trace_id", "mode", "started_at", "config_uri")
# Further facts of both, which only some runs have.
_MORE_FACTS: Final = ("part_of",)


@final
class RunOwnedError(TradAIError):
    """Another process owns the run, or ended it: this one must not start it.

    It is not retryable: the run is never started again under its id, and under another id the work
    would be done twice.

    Attributes:
        run_id: Id of the run.
        recorded: Exit code in the manifest of the run; None while there is no manifest.
    """

    code = "run_owned"
    exit_code = 75

    def __init__(self, message: str, /, *, run_id: str, recorded: int | None = None) -> None:
        """Name the run, and the exit code it ended with."""
        super().__init__(message)
        self.run_id = run_id
        self.recorded = recorded
        if recorded is not None:
            self.exit_code = recorded


@final
class RunNotClaimedError(ExternalServiceError):
    """A run could not be claimed, because its store did not answer; it may be tried again."""

    code = "run_not_claimed"
    retryable = True

    def __init__(self, message: str, /) -> None:
        """Hold the message."""
        super().__init__(message, service=SERVICE, operation="claim", retryable=True)


def claim_run(store: RunStore, started: Mapping[str, JsonValue]) -> None:
    """Claim the run that `started` describes; a claim of this process is kept.

    Raises:
        RunOwnedError: Another process owns the run, or it ended.
        ExternalServiceError: The store refused; whether the claim was made is not known.
    """
    run_id = str(started["run_id"])
    _refuse_ended(store, run_id)
    if not _creates_claim(store, run_id, started):
        _refuse_ended(store, run_id)
        raise _owned_error(store, run_id)


def refuse_owned(store: RunStore, run_id: str) -> None:
    """Refuse a run that is in the store already; nothing is written.

    Raises:
        RunOwnedError: A process owns the run, or it ended.
        ExternalServiceError: The store refused.
    """
    _refuse_ended(store, run_id)
    with suppress(NotFoundError):
        store.read(run_id, STARTED_NAME)
        raise _owned_error(store, run_id)


def resume_claim(store: RunStore, started: Mapping[str, JsonValue]) -> None:
    """Claim the run that `started` describes, which ended on this machine.

    Raises:
        ConflictError: The store has another run of that id.
        ExternalServiceError: The store refused.
    """
    run_id = str(started["run_id"])
    if not _creates_claim(store, run_id, started):
        raise ConflictError(
            f"run {run_id!r} cannot be sent: {store.uri_of(run_id)} is the run of another "
            "process; send it to another store (--store)",
            operation="write",
            service=SERVICE,
        )


def started_facts(manifest: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the facts of `manifest` that are known at the start of the run."""
    facts = {name: manifest.get(name) for name in _START_FACTS}
    facts |= {name: manifest[name] for name in _MORE_FACTS if name in manifest}
    return facts | {"state": "running"}


def started_text(started: Mapping[str, JsonValue]) -> bytes:
    """Return the content of `started.json`."""
    return (json.dumps(started, indent=2) + "\n").encode()


def _creates_claim(store: RunStore, run_id: str, started: Mapping[str, JsonValue]) -> bool:
    """Write the claim and return whether it is that of this process.

    The store may carry out a write and lose its answer, so a write that failed is made again, and
    a claim that is there already may be our own.
    """
    text = started_text(started)
    try:
        try:
            store.create(run_id, STARTED_NAME, text)
        except ConflictError:
            raise
        except ExternalServiceError:
            store.create(run_id, STARTED_NAME, text)
    except ConflictError:
        return _is_ours(store.read(run_id, STARTED_NAME), started)
    return True


def _is_ours(stored: bytes, started: Mapping[str, JsonValue]) -> bool:
    """Tell whether the stored claim was made by the process that made `started`."""
    facts = _object(stored)
    return all(facts.get(name) == started[name] for name in _OWNER)


def _refuse_ended(store: RunStore, run_id: str) -> None:
    """Raise when the run has a manifest in the store."""
    with suppress(NotFoundError):
        manifest = _object(store.read(run_id, MANIFEST_NAME))
        recorded = manifest.get("exit_code")
        raise RunOwnedError(
            f"run {run_id!r} was not started: it ended already, and {store.uri_of(run_id)} has its "
            f"result: {manifest.get('verdict') or 'no verdict'}",
            run_id=run_id,
            recorded=recorded if isinstance(recorded, int) else None,
        )


def _owned_error(store: RunStore, run_id: str) -> RunOwnedError:
    return RunOwnedError(
        f"run {run_id!r} was not started: another process owns it in {store.uri_of(run_id)}; wait "
        "for its end, or start a run with another id",
        run_id=run_id,
    )


def _object(data: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
