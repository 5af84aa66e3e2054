"""Secret sources that need no service: environment variables and private files."""

import io
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, final

from tradai.core._documents.json_values import FrozenMapping
from tradai.core._local.atomic_files import file_errors
from tradai.core._local.file_uri import file_path
from tradai.core._ports.resolve_secret import resolve_secret
from tradai.core._secrets.reference import SecretReference
from tradai.core._secrets.secret import Secret
from tradai.core.exceptions import ConfigurationError, NotFoundError

_ENVIRONMENT: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_VARIABLE_EXPECTED: Final = "env:NAME, the name of an environment variable"
_FILE_EXPECTED: Final = "file:/path, the path of a file that holds the secret"
_PRIVATE_BITS: Final = 0o600
_SHARED_BITS: Final = 0o644
_ROOT: Final = 0
# Variable of the setting that names shared files; the settings have the same name.
SHARED_FILES: Final = "TRADAI_SECRET_SHARED_FILES"
_LARGEST: Final = 65_536


@final
class EnvironmentSecrets:
    """Secrets in environment variables: ``env:NAME``."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        references: Mapping[str, SecretReference] = FrozenMapping(),
    ) -> None:
        """Look into `environ`, by default the environment of this process.

        Args:
            environ: Variables and their values.
            references: Places of secrets whose variables are not set, by the variable's name.
        """
        self._environ = environ
        self._references = references

    @classmethod
    def for_uri(cls, uri: str) -> "EnvironmentSecrets":
        """Return the source of every ``env:`` reference."""
        del uri
        return cls()

    def resolve(self, reference: str) -> Secret:
        """Return the secret in the variable that `reference` names; see `SecretSource`."""
        name = _variable(reference)
        if name is None:
            # It may be the secret itself, and a traceback may show what this frame holds.
            del reference
            raise _reference_error(_VARIABLE_EXPECTED)
        value = (os.environ if self._environ is None else self._environ).get(name)
        if value is None and name in self._references:
            return resolve_secret(self._references[name])
        if value is None:
            message = f"there is no secret {reference}; set the environment variable {name}"
            raise NotFoundError(message, kind="secret", key=reference)
        return _secret(value, reference)


@final
class FileSecrets:
    """Secrets in files, one each: ``file:/path``. One newline at the end is not part of it.

    The file must be regular, belong to this user, and have mode 0600 or stricter. A shared file may
    also belong to root and be readable by others (mode 0640, 0644 or stricter), as orchestrators
    mount them.
    """

    def __init__(self, *, shared: Iterable[str | os.PathLike[str]] = ()) -> None:
        """Allow that the files `shared`, or all in a folder among them, can be read by others."""
        self._shared = [Path(one) for one in shared]

    @classmethod
    def for_uri(cls, uri: str) -> "FileSecrets":
        """Return the source of every ``file:`` reference."""
        del uri
        return cls()

    def resolve(self, reference: str) -> Secret:
        """Return the secret in the file that `reference` names; see `SecretSource`."""
        if not reference.startswith("file:"):
            # It may be the secret itself, and a traceback may show what this frame holds.
            del reference
            raise _reference_error(_FILE_EXPECTED)
        path = file_path(reference)
        is_shared = ".." not in path.parts and any(
            one in (path, *path.parents) for one in self._shared
        )
        try:
            with file_errors("read the secret file", path):
                text = _text(_private_bytes(path, reference, is_shared=is_shared))
        except NotFoundError as exc:
            raise NotFoundError(str(exc), kind="secret", key=reference) from exc
        if text is None:
            raise _secret_error(
                reference, f"is not text of at most {_LARGEST} bytes; write it again"
            )
        return _secret(text.removesuffix("\n").removesuffix("\r"), reference)


def _variable(reference: str) -> str | None:
    match = _ENVIRONMENT.fullmatch(reference)
    return match[1] if match else None


def _text(data: bytes) -> str | None:
    text = data.decode(errors="replace")
    return None if len(data) > _LARGEST or "\ufffd" in text or "\0" in text else text


def _private_bytes(path: Path, reference: str, *, is_shared: bool) -> bytes:
    with io.FileIO(path, opener=_open_at_once) as file:
        _check_private(os.fstat(file.fileno()), reference, is_shared=is_shared)
        return file.read(_LARGEST + 1)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _check_private(facts: os.stat_result, reference: str, *, is_shared: bool) -> None:
    mode = stat.S_IMODE(facts.st_mode)
    owners = {os.geteuid(), *([_ROOT] if is_shared else [])}
    if not stat.S_ISREG(facts.st_mode):
        raise _secret_error(reference, "is not a regular file; put the secret into one")
    if facts.st_uid not in owners:
        raise _secret_error(
            reference, f"belongs to user {facts.st_uid}; chown it to {os.geteuid()}"
        )
    if mode & ~(_SHARED_BITS if is_shared else _PRIVATE_BITS):
        use = "write or run" if is_shared else "read"
        hint = "" if mode & ~_SHARED_BITS else f", or name it in {SHARED_FILES}"
        raise _secret_error(
            reference, f"has mode {mode:04o}, others may {use} it; run chmod 600 on it{hint}"
        )


def _secret(value: str, reference: str) -> Secret:
    if not value.strip():
        raise _secret_error(reference, "is empty; give it a value")
    return Secret(value)


def _secret_error(reference: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"the secret {reference} {problem}", source=reference)


def _reference_error(expected: str) -> ConfigurationError:
    # The reference may be the secret itself, written where its reference belongs.
    message = f"a secret reference is not usable: expected {expected}"
    return ConfigurationError(message)
