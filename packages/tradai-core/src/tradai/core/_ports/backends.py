"""Backends by URI: the scheme names an entry point of any installed distribution."""

import re
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Final, Literal, overload

from tradai.core._ports.job_runner import JobRunner
from tradai.core._ports.lease_store import LeaseStore
from tradai.core._ports.protocols import ApprovalStore, ObjectStore, RunJournal, SecretSource
from tradai.core._ports.repositories import DataRepository
from tradai.core._ports.session_store import SessionStore
from tradai.core._ports.tracker import Tracker
from tradai.core._sessions.alert import AlertChannel
from tradai.core.exceptions import ConfigurationError

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+):")
_DISTRIBUTIONS: Final = {
    "arctic": "tradai-core[arcticdb]",
    "aws-sm": "tradai-aws",
    "docker": "tradai-aws",
    "dynamodb": "tradai-aws",
    "ecs": "tradai-aws",
    "http": "tradai-mlflow",
    "https": "tradai-mlflow",
    "local": "tradai-entrypoint",
    "log": "tradai-entrypoint",
    "mlflow": "tradai-mlflow",
    "redis": "tradai-cache",
    "rediss": "tradai-cache",
    "s3": "tradai-aws",
    "sns": "tradai-aws",
    "webhook": "tradai-entrypoint",
}


@overload
def backend_for(group: Literal["tradai.stores"], uri: str) -> ObjectStore: ...
@overload
def backend_for(group: Literal["tradai.secrets"], uri: str) -> SecretSource: ...
@overload
def backend_for(group: Literal["tradai.journals"], uri: str) -> RunJournal: ...
@overload
def backend_for(group: Literal["tradai.data"], uri: str) -> DataRepository: ...
@overload
def backend_for(group: Literal["tradai.runners"], uri: str) -> JobRunner: ...
@overload
def backend_for(group: Literal["tradai.leases"], uri: str) -> LeaseStore: ...
@overload
def backend_for(group: Literal["tradai.sessions"], uri: str) -> SessionStore: ...
@overload
def backend_for(group: Literal["tradai.approvals"], uri: str) -> ApprovalStore: ...
@overload
def backend_for(group: Literal["tradai.alerts"], uri: str) -> AlertChannel: ...
@overload
def backend_for(group: Literal["tradai.trackers"], uri: str) -> Tracker: ...
@overload
def backend_for(group: str, uri: str) -> object: ...
def backend_for(group: str, uri: str) -> object:
    """Return the backend that serves `uri`, from the entry point named after its scheme.

    Args:
        group: Entry-point group of the port: ``tradai.stores``, ``tradai.secrets``,
            ``tradai.journals``, ``tradai.data``, ``tradai.configs``, ``tradai.runners``,
            ``tradai.leases``, ``tradai.approvals``, ``tradai.sessions``, ``tradai.alerts``,
            ``tradai.trackers``.
        uri: URI to serve; a plain path counts as ``file:``.

    Raises:
        ConfigurationError: No installed distribution serves the scheme, or it lacks an extra, or
            two distributions do. The message says what to install or remove; `uri` is not shown.
    """
    found = list(entry_points(group=group, name=_scheme(uri)))
    if not found:
        refusal = _unknown_scheme(group, _scheme(uri))
        # A traceback may show what this frame holds, and that may be a secret.
        del uri
        raise refusal
    return _load(_single(found, group))(uri)


def _scheme(uri: str) -> str:
    match = _SCHEME.match(uri)
    return match[1] if match else "file"


def _single(found: list[EntryPoint], group: str) -> EntryPoint:
    if len(found) > 1:
        scheme = found[0].name
        names = " and ".join(sorted(_distribution(point) for point in found))
        message = f"{scheme}: in {group} is served by {names}; uninstall all but one"
        raise ConfigurationError(message, key=group)
    return found[0]


def _load(point: EntryPoint) -> Callable[[str], object]:
    try:
        make: Callable[[str], object] = point.load()
    except ImportError as exc:
        extras = f"[{','.join(point.extras)}]" if point.extras else ""
        advice = f"install {_distribution(point)}{extras}"
        if hasattr(sys, "frozen"):
            option = f"--hidden-import {point.module}"
            advice += f", and add {point.module} to this build ({option} for PyInstaller)"
        message = f"{point.name}: in {point.group} cannot be loaded ({exc}); {advice}"
        raise ConfigurationError(message, key=point.group) from exc
    return make


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown distribution"


def _unknown_scheme(group: str, scheme: str) -> ConfigurationError:
    known = ", ".join(sorted({f"{point.name}:" for point in entry_points(group=group)}))
    wanted = _DISTRIBUTIONS.get(scheme)
    # A secret written where its reference belongs looks like a scheme: then it is not shown.
    shown = f"{scheme}:" if wanted or group != "tradai.secrets" else "such a"
    advice = f"install {wanted}" if wanted else f"use one of {known or 'none installed'}"
    if _is_without_metadata() or (wanted and hasattr(sys, "frozen")):
        advice = _build_advice(wanted or "tradai-core")
    return ConfigurationError(f"{group} has no {shown} backend; {advice}", key=group)


def _is_without_metadata() -> bool:
    """Tell whether this is a build that left out what importlib.metadata reads."""
    try:
        return not distribution("tradai-core").version
    except PackageNotFoundError:
        return True


def _build_advice(wanted: str) -> str:
    name = wanted.partition("[")[0]
    options = f"--copy-metadata {name} --hidden-import {name.replace('-', '.')}"
    return f"add {name} to this build, with its metadata ({options} for PyInstaller)"
