"""Owner of a run: the ECS task it runs in, or else this process."""

import json
import os
import secrets
import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from tradai.core import JsonValue
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._store.deadline import call_within

_METADATA: Final = "ECS_CONTAINER_METADATA_URI_V4"
_DEADLINE_S: Final = 3.0
_LARGEST_BYTES: Final = 1024 * 1024


def process_facts(environ: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the facts of a claim that tell this process from every other.

    The owner is the ARN of the ECS task, or else a random id. The container of a task may be
    restarted, so each process has a random id besides.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
    """
    address = environ.get(_METADATA)
    arn = _task_arn(address) if address else None
    process = secrets.token_hex(8)
    return {
        "owner": arn or f"process:{process}",
        "process": process,
        "host": socket.gethostname(),
        "process_id": os.getpid(),
    }


def _task_arn(address: str) -> str | None:
    """Return the ARN that the container agent at `address` reports; None when it does not."""
    try:
        task = call_within(_DEADLINE_S, lambda: _read_task(address))
    except TradAIError:
        return None
    return str(task["TaskARN"]) if isinstance(task, dict) and task.get("TaskARN") else None


def _read_task(address: str) -> object:
    """Read the agent's answer; it is on a link-local address, which no proxy reaches."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_DEADLINE_S)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/task")
        answer: object = json.loads(connection.getresponse().read(_LARGEST_BYTES))
    except (HTTPException, OSError, ValueError):
        return None
    else:
        return answer
    finally:
        connection.close()
