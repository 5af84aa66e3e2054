"""The engine's standard input and output, served without ever waiting for the engine."""

import os
import selectors
import subprocess
from typing import IO, Final, cast, final

from tradai.entrypoint.freqtrade._engine.output import EngineOutput

__all__ = ["EnginePipes"]

_CHUNK_BYTES: Final = 64 * 1024
# What a pipe can still hold when its writer is gone: the most that Linux allows by default.
_LAST_CHUNKS: Final = 16


@final
class EnginePipes:
    """Hands a payload over and passes on what comes back, as far as both are possible at once.

    Attributes:
        is_listening: Whether somebody can still write to the engine's output.
    """

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        *,
        payload: bytes,
        output: EngineOutput,
        selector: selectors.BaseSelector,
    ) -> None:
        """Have `selector` tell when a pipe is ready; its keys carry what is to be called then."""
        self.is_listening = True
        self._unsent = memoryview(payload)
        self._output = output
        self._selector = selector
        self._stdin = cast("IO[bytes]", child.stdin)
        self._stdout = cast("IO[bytes]", child.stdout)
        for pipe in (self._stdin, self._stdout):
            os.set_blocking(pipe.fileno(), False)
        selector.register(self._stdin, selectors.EVENT_WRITE, self._write)
        selector.register(self._stdout, selectors.EVENT_READ, self._read)

    def finish(self) -> None:
        """Pass on what is left in the pipe of an engine that has ended.

        Raises:
            StorageError: The log file cannot be written.
        """
        for _ in range(_LAST_CHUNKS):
            if not (self.is_listening and self._read()):
                break
        self._output.finish()

    def _write(self) -> None:
        try:
            sent = os.write(self._stdin.fileno(), self._unsent[:_CHUNK_BYTES])
            self._unsent = self._unsent[sent:]
        except BrokenPipeError:
            # It ended, or does not want to know; how it ends will tell.
            self._unsent = self._unsent[:0]
        if not self._unsent:
            self._selector.unregister(self._stdin)
            self._stdin.close()

    def _read(self) -> bool:
        """Pass on what the engine printed; return whether there may be more at once."""
        try:
            data = os.read(self._stdout.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if data:
            self._output.feed(data)
        else:
            self._selector.unregister(self._stdout)
            self.is_listening = False
        return self.is_listening
