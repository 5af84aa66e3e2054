"""Build by buildx, Docker's newer builder, which is a program of its own."""

import os
import shutil
import subprocess
import tempfile
from collections import deque
from typing import IO, Final, final

from tradai.aws._images.source import DOCKERFILE, ImageSource
from tradai.aws._images.stream import Show, failure
from tradai.core import redact

_TAIL_LINES: Final = 5


@final
class Buildx:
    """Builds an image and loads it into a daemon; it never pushes.

    The program gets an empty folder in place of the user's configuration, and so no login.
    """

    def __init__(self, program: str, url: str) -> None:
        """Use the command-line program of Docker for the daemon at `url`."""
        self._program = program
        self._url = url

    @classmethod
    def find(cls, url: str) -> "Buildx | None":
        """Return the builder of this machine; None without one."""
        program = shutil.which("docker")
        if program is None:
            return None
        buildx = cls(program, url)
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as nothing:
            with buildx.run(["version"], folder, nothing) as process:
                process.communicate()
            return None if process.returncode else buildx

    def build(
        self, source: ImageSource, name: str, archive: IO[bytes], *, network: str | None, show: Show
    ) -> None:
        """Build the image from the packed `archive`.

        Raises:
            ExternalServiceError: A step failed.
        """
        command = [
            *("build", "--load", "--progress=plain", "--provenance=false"),
            *(f"--platform={source.platform}", f"--file={DOCKERFILE}", f"--tag={name}"),
            *(f"--build-arg={key}={text}" for key, text in source.build_arguments.items()),
            *([f"--network={network}"] if network else []),
            "-",
        ]
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        with (
            tempfile.TemporaryDirectory() as folder,
            self.run(command, folder, archive) as process,
        ):
            for line in process.stdout or ():
                tail.append(line.strip())
                show(redact(line.rstrip("\n")))
        if process.returncode:
            raise failure("build", name, " / ".join(tail) or "buildx gave no reason")

    def run(self, arguments: list[str], folder: str, stdin: IO[bytes]) -> "subprocess.Popen[str]":
        """Start the program, with `folder` as the place of its configuration."""
        # The program is Docker's own, and no text passes through a shell.
        return subprocess.Popen(  # noqa: S603
            [self._program, "buildx", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "DOCKER_CONFIG": folder, "DOCKER_HOST": self._url},
            text=True,
            errors="replace",
        )
