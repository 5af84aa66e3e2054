"""Submit a job, and die at one point of its launch; run by the tests as a process of its own.

Arguments: the URI of the runner, the image, the job id, and the point: ``before`` or ``after``, a
dash, and the name of a call. With ``suspended-`` before the point, the process is suspended there.
"""

import os
import signal
import socket
import sys
from typing import Any

from docker import APIClient  # noqa: TID253 - a program that needs it from the start

from tradai.aws import DockerRunner
from tradai.core import JobSpec

SCRIPT = "echo launched; echo launched >> /runs/log; exit 3"
PLANTED = ("create_container_from_config", "attach_socket", "start", "rename")
POINTS = [f"{side}-{call}" for call in (*PLANTED, "sendall") for side in ("before", "after")]


def spec_of(job_id: str, image: str) -> JobSpec:
    """Return the specification that this program and its tests submit."""
    return JobSpec(job_id=job_id, command=("sh", "-c", SCRIPT), image=image)


class DyingSocket(socket.socket):
    """A socket to die at."""

    def sendall(self, data: Any, *arguments: Any) -> None:
        """Send, and die before or after the input of the container, which ends with a line."""
        is_input = bytes(data).endswith(b"\n") and not bytes(data).endswith(b"\r\n")
        die_at("before-sendall" if is_input else "")
        super().sendall(data, *arguments)
        die_at("after-sendall" if is_input else "")


def die_at(point: str) -> None:
    """Die here, or be suspended, when this is the point."""
    if sys.argv[4] == point:
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[4] == f"suspended-{point}":
        os.kill(os.getpid(), signal.SIGSTOP)


def plant(name: str) -> None:
    """Make one call of the client a place to die at."""
    call = getattr(APIClient, name)

    def dying(*arguments: Any, **options: Any) -> Any:
        die_at(f"before-{name}")
        answer = call(*arguments, **options)
        die_at(f"after-{name}")
        return answer

    setattr(APIClient, name, dying)


if __name__ == "__main__":
    for planted in PLANTED:
        plant(planted)
    socket.socket = DyingSocket  # type: ignore[misc]  # the library's own name, on purpose
    DockerRunner.for_uri(sys.argv[1]).submit(spec_of(sys.argv[3], sys.argv[2]))
