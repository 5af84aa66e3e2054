"""Source of configuration files for Hydra: one folder, read by tradai's strict reader."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, final

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._service.config_guard import read_file, read_values

SCHEME: Final = "tradai"
_SEPARATOR: Final = re.compile(r"[/@.:\s]+")


def configures_hydra(name: str) -> bool:
    """Tell whether a key, group or package is part of Hydra's own configuration."""
    return "hydra" in _SEPARATOR.split(name)


@final
class HydraFolder(ConfigSource):
    """Folder of configuration files for Hydra, under the scheme ``tradai``."""

    @staticmethod
    def scheme() -> str:
        """Return the scheme of this source in Hydra's search path."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the file `config_path`, read strictly.

        Raises:
            ConfigurationError: The file is refused.
            StorageError: The file cannot be read.
        """
        file = self._file(config_path)
        text = read_file(file)
        values = read_values(text, source=str(file))
        header = self._header(text, file)
        for name in (*_names(values), str(header["package"])):
            if configures_hydra(name):
                raise ConfigurationError(
                    f"{file}: {name!r} would configure Hydra itself: remove it",
                    key="hydra",
                    source=str(file),
                )
        config = OmegaConf.create(dict(values))
        return ConfigResult(self.provider, self.full_path(), config, header)

    def available(self) -> bool:
        """Return whether the folder exists."""
        return self.is_group("")

    def is_group(self, config_path: str) -> bool:
        """Return whether `config_path` is a folder."""
        return self._inside(config_path).is_dir()

    def is_config(self, config_path: str) -> bool:
        """Return whether `config_path` is a file."""
        return self._file(config_path).is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return the names below the folder `config_path`, sorted."""
        names: list[str] = []
        for path in self._inside(config_path).iterdir():
            self._list_add_result(names, f"{config_path}/{path.name}", path.name, results_filter)
        return sorted(set(names))

    def _file(self, config_path: str) -> Path:
        return self._inside(self._normalize_file_name(config_path))

    def _inside(self, config_path: str) -> Path:
        root = Path(self.path)
        path = (root / config_path.lstrip("/")).resolve()
        if not path.is_relative_to(root):
            raise ConfigurationError(
                f"{config_path!r} leaves the folder {root}: keep all files of a configuration in "
                "the folder of the first one",
                source=str(root),
            )
        return path

    def _header(self, text: bytes, file: Path) -> dict[str, str | None]:
        try:
            header: dict[str, str | None] = self._get_header_dict(text.decode())
        except ValueError:
            header = {}
        if not header:
            raise ConfigurationError(
                f"{file}: a comment at its top looks like a directive: write `# @package NAME`",
                source=str(file),
            )
        return header


def _names(values: Mapping[str, JsonValue]) -> Iterator[str]:
    """Yield the names that decide where values go: top-level keys and the defaults list."""
    yield from values
    yield from _texts(values.get("defaults"))


def _texts(node: JsonValue) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, child in node.items():
            yield key
            yield from _texts(child)
    elif isinstance(node, list):
        for child in node:
            yield from _texts(child)
    elif isinstance(node, str):
        yield node
