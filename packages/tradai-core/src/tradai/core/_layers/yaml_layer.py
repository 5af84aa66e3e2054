"""YAML files as layers."""

from pathlib import Path
from typing import Final, final

from tradai.core._documents.tree import KeyPath
from tradai.core._layers.layer import LayerData, Origin, with_origins
from tradai.core._local.file_store import FOLDER, FileStore
from tradai.core._local.file_uri import is_file_uri
from tradai.core._local.regular_files import FileKind
from tradai.core._ports.backends import backend_for
from tradai.core._ports.protocols import ObjectStore
from tradai.core.exceptions import NotFoundError

# The configuration in a folder of a strategy.
_IN_FOLDER: Final = "strategy.yaml"


@final
class YamlLayer:
    """A YAML file, on disk or in any store that is installed."""

    def __init__(self, uri: str, *, store: ObjectStore | None = None) -> None:
        """Read from `uri`, a path or a URI, through `store`; by default the one for its scheme."""
        self.name = uri
        self._store = store

    def load(self) -> LayerData:
        """Read the file.

        Raises:
            ConfigurationError: It is not YAML, or YAML that we refuse.
            NotFoundError: The file does not exist.
            ValidationError: It is not a regular file, or too large.
            StorageError: The store refused.
        """
        # Imported here: a process without a file needs no YAML.
        from tradai.core._documents.yaml_reader import read_yaml_fields

        store = self._store or _store_for(self.name)
        document = read_yaml_fields(_read(store, self.name), source=self.name)

        def origin_of(path: KeyPath) -> Origin:
            while path not in document.marks:
                path = path[:-1]
            line, column = document.marks[path]
            return Origin(source=self.name, line=line, column=column)

        return with_origins(document.values, origin_of)


def _read(store: ObjectStore, uri: str) -> bytes:
    """Return the content of `uri`; of a folder of a strategy, say which file to name."""
    try:
        return store.read(uri).data
    except NotFoundError as exc:
        inside = Path(exc.key, _IN_FOLDER)
        if exc.kind != FOLDER or not inside.is_file():
            raise
        message = f"cannot read {exc.key}: it is a folder; name the file in it, {inside}"
        raise NotFoundError(message, kind=FOLDER, key=exc.key) from exc


def _store_for(uri: str) -> ObjectStore:
    """Return the store for `uri`; a file needs no search among the installed ones."""
    is_file = is_file_uri(uri)
    return FileStore(kind=FileKind.CONFIGURATION) if is_file else backend_for("tradai.stores", uri)
