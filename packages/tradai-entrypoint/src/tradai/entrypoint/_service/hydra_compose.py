"""Compose a configuration with Hydra, from the files of one folder only."""

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

from tradai.core import ForkLock
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._service.config_guard import refuse_code
from tradai.entrypoint._service.hydra_source import SCHEME, HydraFolder, configures_hydra

_SUFFIX: Final = ".yaml"
# Hydra raises the last four for a defaults list of a wrong shape, or with a loop.
_HYDRA_ERRORS: Final = (
    *(HydraException, OmegaConfBaseException),
    *(AssertionError, ValueError, TypeError, RecursionError),
)
_VERSION_BASE: Final = "1.3"
# Hydra stores the version whose rules it follows in a global.
_COMPOSING: Final = ForkLock()


def compose(path: Path, overrides: Sequence[str]) -> DictConfig:
    """Return the tree that Hydra composes from the file at `path`, its folder and `overrides`.

    Hydra chooses the files, tradai's reader reads them. Hydra's own node, ``hydra``, cannot be
    set; its logging, its folders and its global instance are not used.

    Raises:
        ConfigurationError: A file or an override is refused, or an override does not fit.
        StorageError: A file cannot be read.
    """
    if path.suffix != _SUFFIX:
        raise ConfigurationError(
            f"{path}: Hydra composes {_SUFFIX} files only: rename it", source=str(path)
        )
    keys = [_checked_key(override, number) for number, override in enumerate(overrides, start=1)]
    try:
        return _load_tree(path, overrides)
    except _HYDRA_ERRORS as exc:
        problem = _problem(exc, keys)
    # Outside of the except block, because errors of Hydra quote values.
    raise ConfigurationError(f"{path}: {problem}", source=str(path))


def _checked_key(text: str, number: int) -> str:
    refuse_code(text, source=f"override {number}")
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException:
        pass
    else:
        key: str = override.key_or_group
        if not configures_hydra(f"{key}@{override.package}"):
            return key
        raise ConfigurationError(
            f"override {key!r} would configure Hydra itself: remove it", key=key
        )
    raise ConfigurationError(
        f"override {number} is not in Hydra's grammar: write key=value, +key=value, ~key or "
        "group=option, and quote a value that has special characters",
        source=f"override {number}",
    )


def _load_tree(path: Path, overrides: Sequence[str]) -> DictConfig:
    Plugins.instance().register(HydraFolder)
    search_path = ConfigSearchPathImpl()
    search_path.append("hydra", "pkg://hydra.conf")
    search_path.append("main", f"{SCHEME}://{path.parent.resolve()}")
    search_path.append("schema", "structured://")
    with _version_base():
        tree = ConfigLoaderImpl(search_path).load_configuration(
            path.name, list(overrides), run_mode=RunMode.RUN, from_shell=False
        )
    return OmegaConf.masked_copy(tree, [str(key) for key in tree if key != "hydra"])


@contextmanager
def _version_base() -> Iterator[None]:
    """Apply the rules of one version of Hydra, and restore those of the process afterwards."""
    with _COMPOSING:
        base = version.VersionBase.instance()
        before = base.version_base
        version.setbase(_VERSION_BASE)
        try:
            yield
        finally:
            base.version_base = before


def _problem(error: Exception, keys: Sequence[str]) -> str:
    """Describe `error` with names of files, groups and keys, and without values."""
    if isinstance(error, MissingConfigException) and error.options:
        group = str(error.missing_cfg_file).rpartition("/")[0]
        return f"group {group!r} has no such option: choose from {', '.join(error.options)}"
    if isinstance(error, MissingConfigException):
        return f"there is no {error.missing_cfg_file!r} in its folder: correct the defaults list"
    key = getattr(error.__cause__, "full_key", None) or getattr(error, "full_key", None)
    if key:
        return f"{key} does not fit: add a new key with +{key}=..."
    where = f" and the overrides of {', '.join(keys)}" if keys else ""
    return (
        f"Hydra cannot compose it ({type(error).__name__}): check its defaults lists, where a "
        f"group marked ??? needs an override such as db=mysql{where}"
    )
