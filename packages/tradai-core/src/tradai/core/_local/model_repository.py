"""Repository of pydantic models, as JSON in an object store."""

from typing import Generic, TypeVar, final
from urllib.parse import quote, unquote

import pydantic
from pydantic import BaseModel

from tradai.core._ports.protocols import ObjectStore
from tradai.core._ports.repositories import Repository, check_key
from tradai.core.exceptions import NotFoundError, StorageError

M = TypeVar("M", bound=BaseModel)

_SUFFIX = ".json"


@final
class ModelRepository(Repository[M], Generic[M]):
    """Models of one type as JSON objects below a URI, each written atomically.

    The object of the key ``a/1`` at ``file:///things/`` is ``file:///things/a/1.json``.
    """

    def __init__(self, model: type[M], store: ObjectStore, base: str) -> None:
        """Keep models of type `model` in `store`.

        Args:
            model: A pydantic model that survives JSON.
            store: Serves `base`.
            base: URI that ends with a slash, such as ``s3://bucket/markets/``.
        """
        self._model = model
        self._store = store
        self._base = base if base.endswith("/") else f"{base}/"

    def get(self, key: str) -> M:
        """Return the model under `key`; see `Repository`.

        Raises:
            StorageError: The object is not JSON of this model.
        """
        uri = self._uri(key)
        try:
            data = self._store.read(uri).data
        except NotFoundError as exc:
            message = f"there is nothing under {key!r} in {self._base}; put it there first"
            raise NotFoundError(message, kind=self._model.__name__, key=key) from exc
        try:
            return self._model.model_validate_json(data)
        except pydantic.ValidationError as exc:
            message = f"{uri} is not a {self._model.__name__}; restore it, or put it there again"
            raise StorageError(message, operation="read") from exc

    def put(self, key: str, value: M) -> None:
        """Keep `value` under `key`, in place of an earlier one."""
        self._store.write(self._uri(key), value.model_dump_json(indent=1).encode())

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, sorted."""
        found = self._store.list(self._base)
        names = (info.uri.removeprefix(self._base) for info in found)
        keys = (unquote(name.removesuffix(_SUFFIX)) for name in names if name.endswith(_SUFFIX))
        return sorted(key for key in keys if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Remove the model under `key`; a missing one is ignored."""
        self._store.delete(self._uri(key))

    def _uri(self, key: str) -> str:
        check_key(key)
        return f"{self._base}{quote(key)}{_SUFFIX}"
