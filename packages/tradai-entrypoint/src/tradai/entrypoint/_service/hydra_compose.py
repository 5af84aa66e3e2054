"""Composition by Hydra, from the files of one folder and nothing else."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._service.config_guard import refuse_code
from tradai.entrypoint._service.hydra_source import SCHEME, HydraFolder, is_of_hydra

__all__ = ["composed"]

_SUFFIX: Final = ".yaml"
# The last four are what Hydra raises for a defaults list that has a wrong shape, or that loops.
_REFUSALS: Final = (
    *(HydraException, OmegaConfBaseException),
    *(AssertionError, ValueError, TypeError, RecursionError),
)
_RULES: Final = "1.3"
# Hydra keeps the version whose rules it follows in a global.
_COMPOSING: Final = threading.Lock()


def composed(path: Path, overrides: Sequence[str]) -> DictConfig:
    """Return the tree that Hydra composes from the file at `path`, its folder and `overrides`.

    Hydra asks for files, tradai's reader reads them. Hydra's own node, ``hydra``, cannot be set;
    its logging, its folders and its global instance are not touched.

    Raises:
        ConfigurationError: A file or an override is refused, or they do not fit each other.
        StorageError: A file cannot be read.
    """
    if path.suffix != _SUFFIX:
        raise ConfigurationError(
            f"{path}: Hydra composes {_SUFFIX} files only: rename it", source=str(path)
        )
    keys = [_checked_key(override, number) for number, override in enumerate(overrides, start=1)]
    try:
        return _loaded(path, overrides)
    except _REFUSALS as exc:
        problem = _problem(exc, keys)
    # Outside of the except block: what Hydra raises quotes values.
    raise ConfigurationError(f"{path}: {problem}", source=str(path))


def _checked_key(text: str, number: int) -> str:
    refuse_code(text, source=f"override {number}")
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException:
        pass
    else:
        key: str = override.key_or_group
        if not is_of_hydra(f"{key}@{override.package}"):
            return key
        raise ConfigurationError(
            f"override {key!r} would configure Hydra itself: leave it out", key=key
        )
    raise ConfigurationError(
        f"override {number} is not in Hydra's grammar: write key=value, +key=value, ~key or "
        "group=option, and quote a value that has special characters",
        source=f"override {number}",
    )


def _loaded(path: Path, overrides: Sequence[str]) -> DictConfig:
    Plugins.instance().register(HydraFolder)
    search_path = ConfigSearchPathImpl()
    search_path.append("hydra", "pkg://hydra.conf")
    search_path.append("main", f"{SCHEME}://{path.parent.resolve()}")
    search_path.append("schema", "structured://")
    with _rules():
        tree = ConfigLoaderImpl(search_path).load_configuration(
            path.name, list(overrides), run_mode=RunMode.RUN, from_shell=False
        )
    return OmegaConf.masked_copy(tree, [str(key) for key in tree if key != "hydra"])


@contextmanager
def _rules() -> Iterator[None]:
    """Compose by one version's rules, and leave the process with those it had."""
    with _COMPOSING:
        base = version.VersionBase.instance()
        before = base.version_base
        version.setbase(_RULES)
        try:
            yield
        finally:
            base.version_base = before


def _problem(error: Exception, keys: Sequence[str]) -> str:
    """Say what is wrong by names of files, groups and keys alone."""
    if isinstance(error, MissingConfigException) and error.options:
        group = str(error.missing_cfg_file).rpartition("/")[0]
        return f"group {group!r} has no such option: choose from {', '.join(error.options)}"
    if isinstance(error, MissingConfigException):
        return f"there is no {error.missing_cfg_file!r} in its folder: correct the defaults list"
    key = getattr(error.__cause__, "full_key", None) or getattr(error, "full_key", None)
    if key:
        return f"{key} does not fit: a key that is not there yet is added with +{key}=..."
    where = f" and the overrides of {', '.join(keys)}" if keys else ""
    return (
        f"Hydra cannot compose it ({type(error).__name__}): check its defaults lists, where a "
        f"group marked ??? wants an override such as db=mysql{where}"
    )
