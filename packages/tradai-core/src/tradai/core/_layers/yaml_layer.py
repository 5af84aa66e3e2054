"""YAML files as layers."""

from typing import final

from tradai.core._documents.tree import KeyPath
from tradai.core._layers.layer import LayerData, Origin, with_origins
from tradai.core._local.file_store import FileStore
from tradai.core._local.file_uri import is_file_uri
from tradai.core._local.regular_files import FileKind
from tradai.core._ports.backends import backend_for
from tradai.core._ports.protocols import ObjectStore


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
        document = read_yaml_fields(store.read(self.name).data, source=self.name)

        def origin_of(path: KeyPath) -> Origin:
            while path not in document.marks:
                path = path[:-1]
            line, column = document.marks[path]
            return Origin(source=self.name, line=line, column=column)

        return with_origins(document.values, origin_of)


def _store_for(uri: str) -> ObjectStore:
    """Return the store for `uri`; a file needs no search among the installed ones."""
    is_file = is_file_uri(uri)
    return FileStore(kind=FileKind.CONFIGURATION) if is_file else backend_for("tradai.stores", uri)
