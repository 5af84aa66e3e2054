"""Models and versions, for people and as JSON."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tradai.core import JsonValue, thaw
from tradai.mlflow._client.model_entities import ModelVersion, RegisteredModel
from tradai.mlflow._commands.output import table_lines
from tradai.mlflow._registry.errors import ModelIntegrityError
from tradai.mlflow._registry.ledger import Ledger, LedgerEntry
from tradai.mlflow._registry.record import DRAWDOWNS, ModelRecord
from tradai.mlflow._registry.version_tags import VersionContent, from_tags

_SHOWN: Final = ("trades", "profit_percent")
_VERSION_COLUMNS: Final = (
    *("version", "aliases", "strategy", "config", "run"),
    *(*_SHOWN, "drawdown_percent"),
)
_LEDGER_COLUMNS: Final = ("when", "action", "alias", "from", "to", "by", "lease")


def model_lines(model: RegisteredModel, versions: Iterable[ModelVersion]) -> Iterator[str]:
    """Yield the versions of a model, newest first, then its ledger and what is wrong with it."""
    newest = sorted(versions, key=lambda version: version.version, reverse=True)
    yield from table_lines(_VERSION_COLUMNS, map(_version_row, newest))
    entries, problems = _moves(model)
    if entries:
        yield ""
        yield from table_lines(_LEDGER_COLUMNS, map(_entry_row, entries))
    yield from (f"problem: {problem}" for problem in problems)


def model_json(model: RegisteredModel, versions: Iterable[ModelVersion]) -> dict[str, object]:
    """Return a model, its versions and its ledger as JSON."""
    entries, problems = _moves(model)
    return {
        "name": model.name,
        "aliases": dict(model.aliases),
        "versions": [_known_version(each) for each in versions],
        "ledger": [entry.model_dump(mode="json") for entry in entries],
        "problems": problems,
    }


def _moves(model: RegisteredModel) -> tuple[list[LedgerEntry], list[str]]:
    """Return the entries of all aliases, oldest first, and what is wrong with them."""
    ledgers = Ledger.all_from_tags(model.tags)
    entries = sorted(itertools.chain(*(each.entries for each in ledgers)), key=lambda each: each.at)
    problems = [
        f"{each.alias}: {problem.sentence}" for each in ledgers for problem in each.problems
    ]
    return entries, problems


def version_lines(
    version: ModelVersion, content: VersionContent, *, entries: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """Yield the facts of one version, and the `entries` of approvals that are about it."""
    record = content.record
    rows = [
        ("model", version.name),
        ("version", str(version.version)),
        ("aliases", ", ".join(version.aliases) or "-"),
        ("kind", record.kind.value),
        ("strategy", f"{content.config.name} {content.config.version}"),
        ("config", record.config_id),
        ("run", record.run_id or "-"),
        ("run on the server", version.run_id or "-"),
        ("image", record.image or "-"),
        (
            "registered",
            f"{record.registered_at:%Y-%m-%d %H:%M} UTC by {record.registered_by or '-'}",
        ),
        *entries,
        *((f"digest {name}", digest) for name, digest in sorted(record.digests.items())),
        *((name, f"{value:g}") for name, value in record.metrics.items()),
        *((f"file {file.path}", f"{file.size} bytes") for file in record.files),
    ]
    yield from table_lines(("fact", "value"), rows)


def version_json(version: ModelVersion, content: VersionContent) -> dict[str, JsonValue]:
    """Return one version with its configuration and its record as JSON."""
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "run_id": version.run_id,
        "config": thaw(content.config.canonical()),
        "record": thaw(content.record.canonical()),
    }


def _version_row(version: ModelVersion) -> Sequence[str]:
    number, names = str(version.version), ", ".join(version.aliases) or "-"
    try:
        content = from_tags(version.tags, place=f"version {version.version}")
    except ModelIntegrityError:
        return number, names, "not usable: `models show` says why", *["-"] * (3 + len(_SHOWN))
    config, record = content.config, content.record
    figures = [record.metrics.get(name) for name in _SHOWN]
    return (
        number,
        names,
        f"{config.name} {config.version}",
        record.config_id,
        record.run_id or "-",
        *("-" if figure is None else f"{figure:g}" for figure in figures),
        _drawdown(record),
    )


def _drawdown(record: ModelRecord) -> str:
    if record.drawdown is None:
        return "-"
    name, fall = record.drawdown
    # The word is that of `runs list`; the number is above zero, as in the record.
    return f"{fall:g}{'' if name == next(iter(DRAWDOWNS)) else ' closed'}"


def _entry_row(entry: LedgerEntry) -> Sequence[str]:
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.action,
        entry.alias,
        "-" if entry.before is None else f"v{entry.before}",
        f"v{entry.after}",
        entry.by or "-",
        "not atomic" if entry.fencing_token is None else str(entry.fencing_token),
    )


def _known_version(version: ModelVersion) -> dict[str, JsonValue]:
    try:
        content = from_tags(version.tags, place=f"version {version.version}")
    except ModelIntegrityError as exc:
        return {"version": version.version, "problem": str(exc)}
    return version_json(version, content)
