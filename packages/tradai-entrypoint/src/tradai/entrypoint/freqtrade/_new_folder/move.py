"""Make a strategy folder from a configuration of Freqtrade."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

from tradai.core import JsonValue, Timeframe, parse_time_range
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._candles.class_reads import note_on_computed, read_series
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import FUTURES_EXCHANGE
from tradai.entrypoint.freqtrade._new_folder._class.files import ClassFiles, find_class
from tradai.entrypoint.freqtrade._new_folder._class.timeframe import (
    chosen_timeframe,
    class_timeframe,
    write_timeframe,
)
from tradai.entrypoint.freqtrade._new_folder.config_files import load_files
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import set_path
from tradai.entrypoint.freqtrade._new_folder.environment_keys import key_variables
from tradai.entrypoint.freqtrade._new_folder.folder import (
    CONFIG_NAME,
    SOURCE_NAME,
    new_folder,
    write_texts,
)
from tradai.entrypoint.freqtrade._new_folder.moved_key import KeyStatus, MovedKey
from tradai.entrypoint.freqtrade._new_folder.old_names import with_old_names, with_present_names
from tradai.entrypoint.freqtrade._new_folder.parameter_file import parameter_fates
from tradai.entrypoint.freqtrade._new_folder.secret_guard import SecretGuard
from tradai.entrypoint.freqtrade._new_folder.special_keys import Config, block_of
from tradai.entrypoint.freqtrade._new_folder.translation import (
    Translation,
    drop_unusable,
    missing_values,
    translate,
)
from tradai.entrypoint.freqtrade._new_folder.yaml_text import yaml_text
from tradai.entrypoint.freqtrade._strategy.files import copy_files
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, inspect_source

_VERSION: Final = "1.0.0"
_MOST_NAMED: Final = 3
_END_OF_RANGE: Final = (
    "the end of a range: Freqtrade trades the candle that opens at the stop of --timerange, too; "
    "here a range ends before its stop, so 20250101-20250201 has no candle of 1 February"
)
_INFORMATIVE: Final = "run.informative"
_PROTECTIONS: Final = "parameters.enable_protections"
_README: Final = """\
# {name}

Made by `tradai-entrypoint init` from a configuration of Freqtrade. Run it in this folder:

    tradai-entrypoint check strategy.yaml --mode backtest --data CANDLES
    tradai-entrypoint run strategy.yaml --mode backtest --data CANDLES

For the trades of `freqtrade backtesting`, add: `{overrides}`
"""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyMove:
    """A strategy folder made from a configuration of Freqtrade.

    Attributes:
        folder: The new folder.
        keys: The fate of each key of the configuration; those to look at first come first.
        notices: Sentences that a reader should know of.
        overrides: Overrides with which a backtest has the trades of Freqtrade's own.
        data: Folder of candles that Freqtrade reads; None where there is none.
    """

    folder: Path
    keys: tuple[MovedKey, ...]
    notices: tuple[str, ...]
    overrides: tuple[str, ...]
    data: Path | None = None


def move_strategy(
    files: Sequence[Path],
    folder: Path | None,
    *,
    class_name: str | None = None,
    params: Path | None = None,
    source: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> StrategyMove:
    """Make the strategy folder `folder` from Freqtrade's configuration `files`.

    Args:
        files: The files; later ones go over earlier ones.
        folder: The new folder; None is one with the name of the class, here.
        class_name: The strategy class; None is the one that the configuration names.
        params: The parameter file of the class; None is the one beside it, if any.
        source: Folder of the class; None is where Freqtrade looks for it.
        environ: Environment in which Freqtrade runs: its variables go over the files.

    Raises:
        NotFoundError: A file, or the class, is not there.
        ConfigurationError: A file is not JSON, no class is named, `folder` is not empty, or a file
            of the folder would hold a secret of the configuration.
        StorageError: A file cannot be read or written.
    """
    variables = environ or {}
    config = load_files(files, variables)
    name = class_name or str(config.get("strategy") or "")
    if not name:
        message = "the configuration names no strategy: give its class with --strategy"
        raise ConfigurationError(message, key="--strategy")
    found = find_class(name, _folders(config, source))
    named, renamed = with_present_names(config)
    translation = translate(named)
    for fate in _parameters(found, params, name, named):
        translation.add(fate)
    guard = SecretGuard.of(config)
    with new_folder(folder or Path(name)) as draft:
        _copy_source(found, draft / SOURCE_NAME, guard)
        with _naming(draft / SOURCE_NAME, found.root):
            facts = inspect_source(draft / SOURCE_NAME, name)
        _complete(translation, facts)
        computed = note_on_computed(facts, timeframe=str(translation.document["timeframe"]))
        overrides = tuple(_overrides(translation, facts))
        texts = _texts(translation, overrides)
        for file, text in texts.items():
            guard.check(Path(file), text.encode())
        write_texts(draft, texts)
    return StrategyMove(
        folder=folder or Path(name),
        keys=_in_order(with_old_names(translation.keys, renamed)),
        notices=tuple(_notices(translation, found, overrides, variables, computed)),
        overrides=overrides,
        data=_data_folder(config),
    )


@contextmanager
def _naming(copy: Path, root: Path) -> Iterator[None]:
    """Name a file of `root` in an error about its copy, which is gone after the error."""
    try:
        yield
    except ConfigurationError as exc:
        message = str(exc).replace(str(copy), str(root))
        source = (exc.source or "").replace(str(copy), str(root))
        raise ConfigurationError(message, key=exc.key, source=source) from None


def _in_order(keys: Sequence[MovedKey]) -> tuple[MovedKey, ...]:
    """Return `keys`, those to look at first."""
    return tuple(sorted(keys, key=lambda key: list(KeyStatus).index(key.status)))


def _data_folder(config: Config) -> Path | None:
    """Return the folder of candles of `config`, or where Freqtrade has it otherwise."""
    user_data = Path(str(config.get("user_data_dir") or "user_data"))
    exchange = str(block_of(config, "exchange").get("name") or "")
    folder = Path(str(config.get("datadir") or user_data / "data" / exchange))
    return folder if folder.is_dir() else None


def _folders(config: Config, source: Path | None) -> list[Path]:
    """Return the folders in which Freqtrade looks for the class."""
    if source is not None:
        return [source]
    given = config.get("strategy_path")
    user_data = config.get("user_data_dir") or "user_data"
    return [*([Path(str(given))] if given else []), Path(str(user_data)) / "strategies"]


def _parameters(
    found: ClassFiles, params: Path | None, class_name: str, config: Config
) -> Iterator[tuple[MovedKey, JsonValue]]:
    beside = found.root / found.file.with_suffix(".json")
    file = params or (beside if beside.exists() else None)
    if file is not None:
        yield from parameter_fates(file, class_name, config)


def _copy_source(found: ClassFiles, target: Path, guard: SecretGuard) -> None:
    copy_files(found.root, found.needed, target)
    for file in found.needed:
        guard.check(found.root / file, (target / file).read_bytes())


def _complete(translation: Translation, facts: SourceFacts) -> None:
    """Add what Freqtrade has in other places: name, version, timeframe, strategy."""
    document = translation.document
    _set_timeframe(translation, facts)
    own = document.pop("strategy", {})
    strategy: dict[str, JsonValue] = {"class": facts.class_name, "source": SOURCE_NAME}
    needed: dict[str, JsonValue] = {
        "name": document.pop("name", facts.class_name),
        "version": _VERSION,
        "timeframe": document.pop("timeframe", None),
        "strategy": strategy | (dict(own) if isinstance(own, dict) else {}),
    }
    translation.document = needed | document
    drop_unusable(translation)
    _set_timerange(translation)
    _set_series(translation, facts)


def _set_timeframe(translation: Translation, facts: SourceFacts) -> None:
    of_class = class_timeframe(facts)
    given = chosen_timeframe(translation.document.get("timeframe"), facts)
    translation.document["timeframe"] = given
    if of_class in (None, given):
        return
    note = f"class {facts.class_name} has {of_class}"
    if write_timeframe(facts, given):
        note = f"goes over the class as in Freqtrade: {note}, and its copy {given}"
        translation.note("timeframe", KeyStatus.MAPPED, note)
    else:
        note = f"{note}, and a run is refused: write {given} there"
        translation.note("timeframe", KeyStatus.UNSUPPORTED, note)


def _set_series(translation: Translation, facts: SourceFacts) -> None:
    """Name the candles that the class reads besides its own, which a run lays out for it."""
    document = translation.document
    series = read_series(
        facts,
        timeframe=str(document["timeframe"]),
        has_contracts=document.get("exchange") == FUTURES_EXCHANGE,
    )
    if series:
        set_path(document, _INFORMATIVE, list(series))


def _set_timerange(translation: Translation) -> None:
    """Move the stop of a range by the last candle that Freqtrade trades, or reads in detail."""
    run = block_of(translation.document, "run")
    if "timerange" not in run:
        return
    detail = block_of(translation.document, "parameters").get("timeframe_detail")
    timeframe = Timeframe(str(detail or translation.document["timeframe"]))
    moved = moved_range(str(run["timerange"]), timeframe)
    set_path(translation.document, "run.timerange", moved)
    note = f"is {moved}: Freqtrade trades the candle that opens at the stop, too"
    translation.note("run.timerange", KeyStatus.MAPPED, note)


def moved_range(text: str, timeframe: Timeframe) -> str:
    """Return the range with the same candles as `text` has in Freqtrade, which includes its stop.

    >>> moved_range("20250101-20250201", Timeframe("1d"))
    '20250101-20250202'
    """
    given = parse_time_range(text)
    stop = given.stop and timeframe.next_close(given.stop)
    return str(replace(given, stop=stop)) if stop else text


def _overrides(translation: Translation, facts: SourceFacts) -> Iterator[str]:
    options = translation.document.get("parameters", {})
    decided = isinstance(options, dict) and "enable_protections" in options
    if not decided and "protections" in facts.names | facts.assigned:
        yield f"{_PROTECTIONS}=false"


def _texts(translation: Translation, overrides: Sequence[str]) -> dict[str, str]:
    name = str(translation.document["name"])
    readme = _README.format(name=name, overrides=" ".join(overrides))
    if not overrides:
        readme = readme.rpartition("\nFor the trades")[0]
    return {CONFIG_NAME: yaml_text(translation.document), "README.md": readme}


def _notices(
    translation: Translation,
    found: ClassFiles,
    overrides: Sequence[str],
    environ: Mapping[str, str],
    computed: str | None,
) -> Iterator[str]:
    yield _END_OF_RANGE
    if overrides:
        yield (
            "protections of the class hold in every run here; `freqtrade backtesting` ignores "
            f"them without --enable-protections: {overrides[0]} does the same"
        )
    series = block_of(translation.document, "run").get("informative")
    if isinstance(series, list):
        names = ", ".join(map(str, series))
        yield f"{_INFORMATIVE} names the candles that the class reads besides its own: {names}"
    if computed:
        yield computed
    yield from missing_values(translation)
    if found.others:
        more = len(found.others) - _MOST_NAMED
        names = ", ".join(found.others[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield f"files beside the class that its code does not name: {names}"
    if found.user_data:
        yield f"{found.user_data} uses user_data_dir: each run has a new one, without your files"
    for name in key_variables(environ):
        yield f"{name} is set and has gone over the files, as in Freqtrade; a run does not read it"
    yield from translation.other_market()
