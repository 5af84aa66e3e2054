"""`tradai-entrypoint jobs exec`: become the program that a job runner spilled to a store."""

import argparse
import hashlib
import json
import os
from contextlib import suppress
from typing import NoReturn

from tradai.core import backend_for
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> NoReturn:
    """Run the command of the object `args.uri`, with its variables, in place of this process.

    Raises:
        NotFoundError: There is no such object.
        ValidationError: Its content is not what its name says, or is no command.
        ConfigurationError: The program cannot be run.
        RunInterruptedError: A signal came before the program was run.
    """
    command, variables = _read(args.uri)
    interrupts.check()
    try:
        os.execvpe(command[0], command, {**os.environ, **variables})  # noqa: S606 - no shell is wanted
    except OSError as exc:
        message = f"{command[0]} cannot be run ({exc.strerror}); check the image of the job"
        raise ConfigurationError(message, source=args.uri) from exc


def _read(uri: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and the variables of an object that is named after its digest."""
    data = backend_for("tradai.stores", uri).read(uri).data
    name = uri.rpartition("/")[2].removesuffix(".json")
    if hashlib.sha256(data).hexdigest() != name:
        raise _error(uri, "the content whose SHA-256 is its name")
    with suppress(ValueError):
        match json.loads(data):
            case {"command": [str(), *_] as command, "environment": dict() as variables}:
                return command, variables
    raise _error(uri, "a command and its environment")


def _error(uri: str, expected: str) -> ValidationError:
    message = f"the object {uri} is not a job's command: expected {expected}"
    return ValidationError(message, field="uri", expected=expected)
