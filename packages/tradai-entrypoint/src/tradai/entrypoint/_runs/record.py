"""Record of a run: filled while it runs, and stored as its manifest."""

import operator
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
)
from pydantic_core import to_jsonable_python

from tradai.core import FileKind, JsonValue, TradingMode, error_sentence, read_regular_file
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._store.names import MANIFEST_NAME, SCHEMA_VERSION


def _check_instant(at: datetime) -> datetime:
    try:
        at.astimezone(UTC)
    except OverflowError:
        message = "expected a time whose year in UTC is one of 1 to 9999"
        raise ValueError(message) from None
    return at


_Instant: TypeAlias = Annotated[AwareDatetime, AfterValidator(_check_instant)]


@final
class RunManifest(BaseModel):
    """Facts of one run, as they are gathered and as ``manifest.json`` stores them.

    Written when a run starts, when its configuration is known and when it ends, also for a refused
    run.

    Attributes:
        state: ``running`` until there is a verdict; a manifest left so means the supervisor died.
        digests: SHA-256 by what they cover: ``config`` (configuration and strategy source),
            ``run`` (mode, parameters, inputs and engine), ``source``, ``data``, ``markets``,
            ``leverage_tiers`` (of contracts), ``trades``, ``models``.
        config: The strategy configuration in its canonical form, without secrets.
        provenance: Origin of each value of the configuration.
        is_fallback: Whether DRY_RUN fell back to the built-in configuration.
        live: Facts about a live session: its plan, approval, account and place of trading; left out
            of the manifests of other runs.
        continuation: The run that this dry-run continues, and the one that continues it; left out
            of the manifests of other runs.
        results: Figures of the result, by name.
        replay_of: Id of the run that this one repeats.
        part_of: Kind of the command that made this run among others: ``sweep`` and ``analysis``,
            whose name is the trace id, ``verification``, where that is the trace id of the first
            run, or ``comparison``; left out of the manifests of other runs.

    Facts that this version does not know are kept, so that manifests of later versions can be read.
    """

    model_config = ConfigDict(extra="allow")

    schema_version: PositiveInt = SCHEMA_VERSION
    run_id: str
    trace_id: str
    mode: TradingMode | None
    state: Literal["running", "ended"]
    started_at: _Instant
    ended_at: _Instant | None = None
    exit_code: int | None = None
    verdict: str | None = None
    command: tuple[str, ...] = ()
    config_uri: str | None = None
    config_id: str | None = None
    config: dict[str, JsonValue] = Field(default_factory=dict)
    provenance: dict[str, str] = Field(default_factory=dict)
    run_parameters: dict[str, JsonValue] = Field(default_factory=dict)
    is_fallback: bool = False
    data: dict[str, JsonValue] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    engine: dict[str, JsonValue] = Field(default_factory=dict)
    live: dict[str, JsonValue] = Field(default_factory=dict, exclude_if=operator.not_)
    continuation: dict[str, JsonValue] = Field(default_factory=dict, exclude_if=operator.not_)
    notices: list[str] = Field(default_factory=list)
    results: dict[str, JsonValue] = Field(default_factory=dict)
    artifacts: list[str] = Field(default_factory=list)
    replay_of: str | None = None
    part_of: str | None = Field(default=None, exclude_if=operator.not_)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the manifest of the run in `folder`.

        Raises:
            NotFoundError: The folder has no manifest.
            StorageError: It cannot be read as a manifest.
        """
        path = folder / MANIFEST_NAME
        try:
            data = read_regular_file(path, FileKind.MANIFEST)
        except FileNotFoundError as exc:
            raise NotFoundError(
                f"no run at {folder}: `tradai-entrypoint runs list` lists the runs",
                kind="run",
                key=str(folder),
            ) from exc
        except OSError as exc:
            raise StorageError(
                f"the manifest {path} cannot be read: {exc.strerror}", operation="read"
            ) from exc
        return cls.parse(data, place=str(path))

    @classmethod
    def parse(cls, data: bytes, *, place: str) -> Self:
        """Return the manifest in `data`, which was read from `place`.

        Raises:
            StorageError: It is not usable as a manifest.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as exc:
            problem = "; ".join(field_problems(exc))
            message = f"the manifest {place} is not usable: {problem}"
            raise StorageError(message, operation="read") from exc

    def begin(self) -> None:
        """Record that the run goes on, also for a record that was used for a run before."""
        self.state = "running"
        self.ended_at = self.exit_code = self.verdict = None

    def end(self, verdict: Verdict, *, at: datetime) -> None:
        """Record that the run ended with `verdict`."""
        self.state = "ended"
        self.ended_at = at
        self.exit_code = int(verdict.exit_code)
        self.verdict = verdict.sentence

    def as_json(self) -> str:
        """Return the manifest as indented JSON.

        Raises:
            TypeError: A handler recorded a fact that is not JSON; each is named.
        """
        # Handlers add facts without validation, so all of them are validated here.
        try:
            valid = RunManifest.model_validate(dict(self))
        except ValidationError as exc:
            message = f"these facts of the run are not JSON: {'; '.join(field_problems(exc))}"
            raise TypeError(message) from None
        return valid.model_dump_json(indent=2) + "\n"

    def repair(self) -> None:
        """Replace facts that are not JSON by their text, so that the rest can be stored."""
        values = to_jsonable_python(dict(self), fallback=repr)
        try:
            valid = RunManifest.model_validate(values)
        except ValidationError as exc:
            for field in {error["loc"][0] for error in exc.errors()}:
                values.pop(field)
            valid = RunManifest.model_validate(values)
        for name, value in valid:
            setattr(self, name, value)


def field_problems(error: ValidationError) -> Iterator[str]:
    """Yield the place and the fault of each value of a file that `error` refuses."""
    for each in error.errors(include_url=False):
        # The end of a place names types.
        place = ".".join(str(step) for step in each["loc"] if "[" not in str(step))
        yield f"{place or 'the file'}: {error_sentence(each)}"
