"""Find, inspect and copy the source of a strategy without running it.

The source is its Python files and the data files beside them. The files copied for the engine are
those that were digested, so that a run can prove which code traded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import final

from tradai.core import Origin, did_you_mean
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._strategy.class_syntax import (
    ClassFacts,
    read_class,
)
from tradai.entrypoint.freqtrade._strategy.environment_reads import (
    EnvironmentRead,
    environment_reads,
)
from tradai.entrypoint.freqtrade._strategy.files import (
    copy_files,
    list_source,
    read_file,
    source_digest,
    source_error,
)
from tradai.entrypoint.freqtrade._strategy.log_switches import log_switches
from tradai.entrypoint.freqtrade._strategy.misspellings import Misspelling, misspellings
from tradai.entrypoint.freqtrade._strategy.protections import UnusedOption, unused_options
from tradai.entrypoint.freqtrade._strategy.python_module import (
    PythonModule,
    needed_from_outside,
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts(ClassFacts):
    """Facts about a strategy before it runs: those of its class, and of its source.

    Attributes:
        class_name: The strategy class.
        file: The file it is in, absolute; directly in `root`.
        root: Folder of the source, absolute.
        files: Every file of the strategy, relative to `root`, sorted.
        digest: SHA-256 over the names and bytes of `files`.
        environment: Environment variables that its code reads.
        log_switches: Calls that turn off log records, with their places.
        imports: Top-level modules besides its own that it needs, each with the line that does.
        unused_options: Options of protections that have no effect.
        misspellings: Names close to one of the engine's, which nothing uses.
        left_out: Names beside the source that do not travel with it.
        classes: The files that define each top-level class, relative to `root`.
    """

    class_name: str
    file: Path
    root: Path
    files: tuple[Path, ...]
    digest: str
    environment: tuple[EnvironmentRead, ...] = ()
    log_switches: tuple[str, ...] = ()
    imports: Mapping[str, str] = field(default_factory=dict)
    unused_options: tuple[UnusedOption, ...] = ()
    misspellings: tuple[Misspelling, ...] = ()
    left_out: tuple[str, ...] = ()
    classes: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)


def inspect_source(path: Path, class_name: str) -> SourceFacts:
    """Inspect the strategy `class_name` in the folder, or the one Python file, at `path`.

    The source is the single file, or every file below the folder except hidden ones and caches. The
    engine looks for the class only directly in the folder.

    Raises:
        ConfigurationError: The source or the class is missing, the class is there twice or is
            not a strategy, a file is not Python or leads out of the folder, or a parameter file
            lies beside the strategy.
        StorageError: A file cannot be read.
    """
    source = list_source(path)
    root, files = source.root, source.files
    modules = _parsed(root, files, class_name)
    file = _file_of(class_name, modules, root=root)
    _check_no_parameter_file(root / file)
    by_name = {each.name: each for each in modules.values()}
    facts = read_class(class_name, modules[file], by_name)
    _check_is_strategy(facts, class_name, modules[file].classes[class_name].lineno, root / file)
    return SourceFacts(
        **{each.name: getattr(facts, each.name) for each in fields(facts)},
        class_name=class_name,
        file=root / file,
        root=root,
        files=files,
        digest=source_digest(root, files),
        environment=tuple(environment_reads(modules[file], by_name)),
        log_switches=tuple(log_switches(modules[file], by_name)),
        imports=needed_from_outside(modules[file], by_name),
        unused_options=tuple(unused_options(modules[file], by_name)),
        misspellings=tuple(misspellings(facts.names, modules[file], by_name)),
        left_out=source.left_out,
        classes=_class_files(modules),
    )


def check_parameters(
    facts: SourceFacts,
    values: Mapping[str, Mapping[str, object]],
    provenance: Mapping[str, Origin] = MappingProxyType({}),
) -> None:
    """Check parameter `values`, by space, against the parameters that the strategy declares.

    Args:
        facts: The strategy.
        values: The values.
        provenance: Origin of each, by its path.

    Raises:
        ConfigurationError: Some name is unknown or of another space, some value out of range; one
            error lists them all.
    """
    problems = {
        f"{space}_params.{name}": problem
        for space, table in values.items()
        for name, value in table.items()
        if (problem := _parameter_problem(facts, space, name, value))
    }
    if problems:
        places = {path: f" at {provenance[path]}" for path in problems if path in provenance}
        listed = (f"{path}{places.get(path, '')}: {text}" for path, text in problems.items())
        first = next(iter(problems))
        raise ConfigurationError(
            f"{facts.class_name} in {facts.file.name} cannot take these parameters: "
            + "; ".join(listed),
            key=first,
            source=str(provenance.get(first, facts.file)),
        )


def config_reader(facts: SourceFacts, key: str) -> Path | None:
    """Return the file of the source that reads `key` from the engine's configuration, if any.

    Raises:
        StorageError: A file cannot be read.
    """
    read = re.compile(rb"""config(?:\.get\(|\[)\s*['"]%s['"]""" % re.escape(key).encode())
    python = (file for file in facts.files if file.suffix == ".py")
    return next((file for file in python if read.search(read_file(facts.root / file))), None)


def copy_source(facts: SourceFacts, target: Path) -> None:
    """Copy the source into the folder `target` as plain files.

    Raises:
        ConfigurationError: The run is recorded inside the source, or the source has changed since
            it was inspected.
        StorageError: A file cannot be read or written.
    """
    run = target.resolve().parent
    own = (facts.root / file for file in facts.files)
    if run.is_relative_to(facts.root) and any(file.is_relative_to(run) for file in own):
        fix = "choose another with --runs (TRADAI_RUN_FOLDER), or give the strategy its own folder"
        raise source_error(facts.root, f"has the folder of runs {run.parent} in it: {fix}")
    copy_files(facts.root, facts.files, target)
    if source_digest(target, facts.files) != facts.digest:
        fix = "start the run again"
        raise source_error(facts.root, f"changed while the run was being prepared: {fix}")


def _class_files(modules: Mapping[Path, PythonModule]) -> dict[str, tuple[Path, ...]]:
    files: dict[str, tuple[Path, ...]] = {}
    for file, module in modules.items():
        for name in module.classes:
            files[name] = (*files.get(name, ()), file)
    return files


def _parsed(root: Path, files: tuple[Path, ...], class_name: str) -> dict[Path, PythonModule]:
    """Parse `files`; one that is not Python is left out unless it names the class."""
    modules = {}
    for file in files:
        if file.suffix != ".py":
            continue
        data = read_file(root / file)
        try:
            modules[file] = PythonModule.parse(data, file)
        except (SyntaxError, ValueError) as exc:
            if class_name.encode() in data:
                line = getattr(exc, "lineno", None) or 1
                raise _class_error(root / file, line, f"not Python: {exc.args[0]}") from exc
    return modules


def _file_of(class_name: str, modules: Mapping[Path, PythonModule], *, root: Path) -> Path:
    found = _class_files(modules).get(class_name, ())
    direct = [file for file in found if len(file.parts) == 1]
    if len(direct) == 1:
        return direct[0]
    if direct:
        names = " and ".join(map(str, direct))
        raise source_error(root, f"has class {class_name} in {names}: keep only one")
    if found:
        fix = f"point strategy.source at {root / found[0].parent}"
        raise source_error(root, f"has class {class_name} only in {found[0]}: {fix}")
    raise _missing_class(class_name, modules, root)


def _missing_class(
    class_name: str, modules: Mapping[Path, PythonModule], root: Path
) -> ConfigurationError:
    for module in modules.values():
        if (node := module.inner_class(class_name)) is not None:
            place = f"{module.line(node.lineno)}"
            raise source_error(
                root,
                f"has class {class_name} only inside another block, in {place}: move it to "
                "the top level of the file, where the engine looks for it",
            )
    classes = sorted({name for module in modules.values() for name in module.classes})
    hint = did_you_mean(class_name, classes) or f"; it has {', '.join(classes) or 'no classes'}"
    return ConfigurationError(
        f"strategy.class names {class_name}, which is not in {root}{hint}",
        key="strategy.class",
        source=str(root),
    )


def _check_no_parameter_file(file: Path) -> None:
    beside = file.with_suffix(".json")
    if beside.exists():
        raise source_error(
            beside,
            f"would silently override the configuration of {file.name}: move its values to "
            "buy_params, sell_params (and so on for each space) and execution, then remove it",
        )


def _check_is_strategy(facts: ClassFacts, name: str, line: int, file: Path) -> None:
    if facts.is_resolved and not facts.is_strategy:
        fix = "derive it from freqtrade.strategy.IStrategy"
        raise _class_error(file, line, f"class {name} is not a strategy: {fix}")
    # The engine searches the text of the file, and finds the class only when written this way.
    if f"class {name}(".encode() not in read_file(file):
        fix = f"write it as `class {name}(...):`"
        raise _class_error(file, line, f"the engine cannot find class {name}: {fix}")


def _parameter_problem(facts: SourceFacts, space: str, name: str, value: object) -> str | None:
    parameter = facts.declared.get(name)
    if parameter is not None:
        if parameter.space not in (space, None):
            return f"is declared for space {parameter.space!r}, so the engine would ignore it here"
        return parameter.problem_with(value)
    if not facts.is_resolved or name in facts.opaque:
        return None
    known = ", ".join(sorted(facts.declared)) or "none"
    return f"is not declared{did_you_mean(name, facts.declared) or f' ({known} are)'}"


def _class_error(file: Path, line: int, problem: str) -> ConfigurationError:
    where = f"{file}:{line}"
    return ConfigurationError(f"{where}: {problem}", key="strategy.class", source=where)
