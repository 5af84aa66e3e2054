"""Find the file of a strategy class, and the files beside it that it needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from tradai.core import did_you_mean
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint.freqtrade._strategy.files import list_source, read_file
from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, reachable

_USER_DATA: Final = b"user_data_dir"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFiles:
    """The files that a strategy class needs.

    Attributes:
        root: Their folder.
        file: The file of the class, relative to `root`.
        needed: That file, the modules it imports and the data files that they name.
        others: Names of further files in `root` that are neither Python nor the parameters of
            another class.
        user_data: First line that uses the engine's own folder, as ``file.py:12``, if any.
    """

    root: Path
    file: Path
    needed: tuple[Path, ...]
    others: tuple[str, ...]
    user_data: str = ""


def find_class(class_name: str, folders: Sequence[Path]) -> ClassFiles:
    """Return the files of `class_name`, from the first of `folders` that has it.

    Raises:
        NotFoundError: None of them has it.
        ConfigurationError: A folder has too many files, or links that lead out of it.
        StorageError: A file cannot be read.
    """
    known: set[str] = set()
    for folder in folders:
        modules = dict(_modules(folder)) if folder.is_dir() else {}
        for file, module in modules.items():
            if len(file.parts) == 1 and class_name in module.classes:
                return _class_files(folder, file, modules)
            known |= module.classes.keys()
    places = ", ".join(map(str, folders))
    hint = did_you_mean(class_name, known) or ": give its folder with --strategy-path"
    message = f"no class {class_name} in {places}{hint}"
    raise NotFoundError(message, kind="strategy", key=class_name)


def _modules(folder: Path) -> Iterator[tuple[Path, PythonModule]]:
    for file in list_source(folder).files:
        if file.suffix == ".py":
            try:
                yield file, PythonModule.parse(read_file(folder / file), file)
            except (SyntaxError, ValueError):
                # The engine skips it as well.
                continue


def _class_files(folder: Path, file: Path, modules: dict[Path, PythonModule]) -> ClassFiles:
    by_name = {module.name: module for module in modules.values()}
    used = reachable(modules[file], by_name)
    names = {name for module in used for name in _with_packages(module.name)}
    python = [each for each, module in modules.items() if module.name in names]
    beside = [each for each in list_source(folder).files if each.suffix != ".py"]
    values = file.with_suffix(".json")
    data = [
        each
        for each in beside
        if each != values and any(module.mentions([each.name.encode()]) for module in used)
    ]
    parameters = {values, *_parameters_of_others(modules, file)}
    others = (str(each) for each in beside if each not in data and each not in parameters)
    return ClassFiles(
        root=folder,
        file=file,
        needed=tuple(sorted([*python, *data])),
        others=tuple(others),
        user_data=next((place for module in used for place in _user_data(module)), ""),
    )


def _parameters_of_others(modules: dict[Path, PythonModule], file: Path) -> Iterator[Path]:
    """Yield the parameter file of each other class, which has its name or that of its module."""
    for other, module in modules.items():
        if other != file:
            yield other.with_suffix(".json")
            yield from (other.with_name(f"{name}.json") for name in module.classes)


def _user_data(module: PythonModule) -> Iterator[str]:
    for number, line in enumerate(module.data.splitlines(), start=1):
        if _USER_DATA in line.partition(b"#")[0]:
            yield module.line(number)


def _with_packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))
