"""A new strategy folder has a configuration that is valid, and a class that a run takes."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from tradai.core import StrategyConfigLoader, TradingMode
from tradai.core.exceptions import ConfigurationError, StorageError, ValidationError
from tradai.entrypoint.freqtrade import new_strategy
from tradai.entrypoint.freqtrade._new_folder.folder import new_folder, write_texts
from tradai.entrypoint.freqtrade._preparation.class_settings import check_class, class_notices
from tradai.entrypoint.freqtrade._strategy.source import check_parameters, inspect_source


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_the_class_and_its_configuration_fit_together(tmp_path: Path) -> None:
    with inside(tmp_path):
        folder = new_strategy(None, class_name="Mine")

    config = StrategyConfigLoader(environ={}).load_config(str(tmp_path / "Mine/strategy.yaml"))
    facts = inspect_source(tmp_path / folder / "strategies", "Mine")
    check_class(config.config, facts)
    check_parameters(facts, config.config.params_by_space)
    assert list(class_notices(config.config, facts, TradingMode.BACKTEST)) == []
    assert (tmp_path / "Mine" / "README.md").read_text().startswith("# Mine\n")


def test_the_timeframe_is_one_line_which_the_class_takes_from_the_configuration(
    tmp_path: Path,
) -> None:
    folder = new_strategy(tmp_path / "mine", timeframe="15m")

    loader = StrategyConfigLoader(environ={})
    config = loader.load_config(str(folder / "strategy.yaml")).config
    overridden = loader.load_config(str(folder / "strategy.yaml"), overrides=["timeframe=1h"])
    facts = inspect_source(folder / "strategies", "MyStrategy")
    assert str(config.timeframe) == "15m"
    check_class(config, facts)
    check_class(overridden.config, facts)


@pytest.mark.parametrize("timeframe", ["15", "17m"])
def test_a_timeframe_that_is_none_is_refused(tmp_path: Path, timeframe: str) -> None:
    with pytest.raises(ValidationError, match=timeframe):
        new_strategy(tmp_path / "new", timeframe=timeframe)

    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["no class", "class", "None", "Null"])
def test_a_name_that_python_or_yaml_takes_for_no_class_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValidationError, match="MyStrategy"):
        new_strategy(tmp_path / "new", class_name=name)

    assert not (tmp_path / "new").exists()


def test_a_folder_with_a_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "strategy.yaml").write_text("mine")

    with pytest.raises(ConfigurationError, match="is there already"):
        new_strategy(tmp_path)

    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"]


def test_a_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    with pytest.raises(ConfigurationError, match="is there already"):
        new_strategy(tmp_path / "mine")

    assert (tmp_path / "mine").read_text() == "mine"


def test_an_empty_folder_is_filled_and_stays_the_one_that_a_shell_is_in(tmp_path: Path) -> None:
    with inside(tmp_path):
        new_strategy(Path())

        assert sorted(path.name for path in Path.cwd().iterdir()) == [
            *("README.md", "strategies", "strategy.yaml")
        ]


def test_a_folder_that_has_hidden_files_alone_keeps_them(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("mine")

    new_strategy(tmp_path)

    assert (tmp_path / "strategy.yaml").is_file()
    assert (tmp_path / ".gitignore").read_text() == "mine"


def test_the_rest_of_an_init_that_was_killed_is_named(tmp_path: Path) -> None:
    (tmp_path / ".tradai-init").mkdir()

    with pytest.raises(ConfigurationError, match=r"or remove .*/\.tradai-init"):
        new_strategy(tmp_path)

    assert (tmp_path / ".tradai-init").is_dir()


def test_the_root_of_all_folders_is_not_overwritten() -> None:
    with pytest.raises(ConfigurationError, match="/ is there already"):
        new_strategy(Path("/"))


def test_an_error_leaves_a_folder_that_was_empty_empty(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        with new_folder(target) as draft:
            (draft / "half").write_text("")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_that_gets_a_file_meanwhile_is_not_filled(tmp_path: Path) -> None:
    def fill(target: Path) -> None:
        with new_folder(target) as draft:
            (draft / "new.txt").write_text("")
            (target / "other.txt").write_text("")

    with pytest.raises(ConfigurationError, match="is there already"):
        fill(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]


def test_a_folder_that_is_filled_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def fill(target: Path) -> None:
        with new_folder(target) as draft:
            (draft / "new.txt").write_text("")
            target.mkdir()
            (target / "other.txt").write_text("")

    with pytest.raises(ConfigurationError, match="is there already"):
        fill(tmp_path / "mine")

    assert [file.name for file in tmp_path.rglob("*.txt")] == ["other.txt"]


def test_an_error_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "mine"):
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_there", [False, True])
def test_of_many_that_make_one_folder_at_once_one_makes_it_whole(
    tmp_path: Path, *, is_there: bool
) -> None:
    for attempt in range(25):
        folder, barrier = tmp_path / str(attempt), Barrier(8)
        if is_there:
            folder.mkdir()

        def make(number: int, folder: Path = folder, barrier: Barrier = barrier) -> int | None:
            barrier.wait()
            try:
                with new_folder(folder) as draft:
                    write_texts(draft, {"number": str(number), "inside/number": str(number)})
            except ConfigurationError:
                return None
            return number

        # Threads have one process id, as processes of two containers may have.
        with ThreadPoolExecutor(8) as pool:
            made = [number for number in pool.map(make, range(8)) if number is not None]

        assert [path.read_text() for path in sorted(folder.rglob("number"))] == [
            *map(str, made)
        ] * 2
        assert len(made) == 1
    assert len(list(tmp_path.iterdir())) == 25


@pytest.mark.parametrize("name", ["loop", "loop/mine"])
def test_a_link_that_leads_to_itself_is_no_place_for_a_new_folder(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "loop").symlink_to("loop")

    with (
        pytest.raises(StorageError, match=r"loop.* cannot be written"),
        new_folder(tmp_path / name),
    ):
        pass

    assert [each.name for each in tmp_path.iterdir()] == ["loop"]
