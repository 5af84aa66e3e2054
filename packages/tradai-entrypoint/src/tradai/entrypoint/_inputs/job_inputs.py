"""Inputs of jobs elsewhere: those of this machine are sent once for all jobs that share them."""

from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import final

from tradai.core import JsonValue, file_path, is_file_uri
from tradai.entrypoint._inputs.bundle import InputBundle
from tradai.entrypoint._inputs.local_files import local_files
from tradai.entrypoint._inputs.object_contents import folder_tags, object_tag
from tradai.entrypoint._inputs.run_inputs import is_in_store


@final
class JobInputs:
    """Inputs by path or URI, as jobs that see nothing of this machine name them.

    Each input of this machine is read once: all jobs get the same content of it.

    Attributes:
        bundle: The inputs of this machine, which are not sent yet.
    """

    def __init__(self, bundle: InputBundle) -> None:
        """Add inputs of this machine to `bundle`."""
        self.bundle = bundle
        self._uris: dict[tuple[str, Path], str] = {}
        self._contents: dict[str, JsonValue] = {}

    def file(self, uri: str) -> str:
        """Return the URI of a file; raise as `InputBundle.add_file` does."""
        return self.add("file", file_path(uri), self.bundle.add_file) if is_file_uri(uri) else uri

    def folder(self, uri: str) -> str:
        """Return the URI of a folder; raise as `InputBundle.add` does, and `local_files`."""
        if not is_file_uri(uri):
            return uri
        return self.add("folder", file_path(uri), lambda path: self.bundle.add(local_files(path)))

    def add(self, kind: str, path: Path, send: Callable[[Path], str]) -> str:
        """Return the URI of the input of this `kind` at `path`, by `send` for the first time."""
        key = (kind, path)
        if key not in self._uris:
            self._uris[key] = send(path)
        return self._uris[key]

    def content(self, uri: str, *, is_folder: bool) -> JsonValue:
        """Return what identifies the content of an input, by one of the URIs from here.

        Objects of a store count by their tags. Nothing is known about the content of any other
        repository of candles, so it is taken for new by each object of this class.

        Raises:
            TradAIError: The store cannot be listed.
        """
        if uri in self._uris.values():
            return uri
        if uri not in self._contents:
            self._contents[uri] = [uri, _tags(uri, is_folder=is_folder)]
        return self._contents[uri]


def _tags(uri: str, *, is_folder: bool) -> JsonValue:
    if not is_in_store(uri):
        return token_hex(16)
    return dict(folder_tags(uri)) if is_folder else object_tag(uri)
