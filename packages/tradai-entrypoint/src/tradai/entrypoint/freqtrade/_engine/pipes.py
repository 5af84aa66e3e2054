"""Feed the engine's standard input and read its output, without ever blocking on either."""

import os
import selectors
import subprocess
from typing import IO, Final, cast, final

from tradai.entrypoint.freqtrade._engine.output import EngineOutput

_CHUNK_BYTES: Final = 64 * 1024
# As much as a pipe can hold when its writer is gone: the largest that Linux allows by default.
LAST_CHUNKS: Final = 16


@final
class EnginePipes:
    """Non-blocking pipes to the engine.

    Attributes:
        is_listening: Whether a process still has the engine's output open.
    """

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        *,
        payload: bytes,
        output: EngineOutput,
        selector: selectors.BaseSelector,
    ) -> None:
        """Register both pipes with `selector`; the data of a key is the function to call.

        Args:
            child: The engine's process.
            payload: The whole standard input, which is closed after it.
            output: Takes what the engine prints.
            selector: Tells when a pipe is ready.
        """
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
        """Read the rest of the output of an engine that has ended."""
        for _ in range(LAST_CHUNKS):
            if not (self.is_listening and self._read()):
                break
        self._output.finish()

    def _write(self) -> None:
        try:
            sent = os.write(self._stdin.fileno(), self._unsent[:_CHUNK_BYTES])
            self._unsent = self._unsent[sent:]
        except BrokenPipeError:
            # It ended, or closed its input; its exit shows whether that was wrong.
            self._unsent = self._unsent[:0]
        if not self._unsent:
            self._selector.unregister(self._stdin)
            self._stdin.close()

    def _read(self) -> bool:
        """Read a chunk of the output; return whether there may be more at once."""
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
