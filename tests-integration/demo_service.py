"""Services for test_service.py, which print their state or wait for a line of input."""

import asyncio
import logging
import multiprocessing
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tradai.core import BaseSettings, configure_logging
from tradai.entrypoint import AsyncService, BaseService

FORK: Final = multiprocessing.get_context("fork")
WORKERS: Final = 3
PATIENCE_S: Final = 300


def print_line(text: str) -> None:
    print(text, flush=True)


def hang() -> None:
    threading.Event().wait()


def wait_for_a_line() -> None:
    sys.stdin.readline()


class StuckHandler(logging.Handler):
    """Never releases its lock, like a handler with a full pipe that no process reads."""

    def emit(self, _record: logging.LogRecord) -> None:
        hang()


class Drains(BaseService[BaseSettings]):
    def start(self) -> None:
        self.resources.callback(print_line, "closed first")
        self.resources.callback(print_line, "closed second")

    def serve(self) -> None:
        print_line("serving")
        self.wait_for_stop()
        print_line(f"draining, {self.health().state}: {self.health().detail}")

    def stop(self) -> None:
        print_line("stopped")


class IgnoresStop(Drains):
    def serve(self) -> None:
        print_line("serving")
        hang()


class DrainNeverEnds(Drains):
    def serve(self) -> None:
        super().serve()
        hang()


class StartsSlowly(Drains):
    def start(self) -> None:
        super().start()
        print_line("starting")
        wait_for_a_line()


class StartNeverEnds(Drains):
    def start(self) -> None:
        print_line("starting")
        hang()


class HasForkedWorkers(Drains):
    """Holds workers that were forked while the service watched signals."""

    def start(self) -> None:
        super().start()
        together = FORK.Barrier(WORKERS + 1)
        pool = ProcessPoolExecutor(
            WORKERS, mp_context=FORK, initializer=together.wait, initargs=(PATIENCE_S,)
        )
        self.resources.enter_context(pool)
        pool.submit(abs, 1)
        together.wait(PATIENCE_S)


class EndsForkedWorkers(Drains):
    """Ends its workers by a signal, as the exit of a pool does."""

    def serve(self) -> None:
        for _ in range(10):
            with FORK.Pool(WORKERS) as pool:
                pool.map(abs, range(WORKERS))
        worker = FORK.Process(target=hang)
        worker.start()
        worker.terminate()
        worker.join()
        print_line(f"worker ended by {-(worker.exitcode or 0)}, asked: {self.stop_requested}")


class CannotStop(Drains):
    def stop(self) -> None:
        raise RuntimeError("not flushed")


class CannotLog(Drains):
    def serve(self) -> None:
        logging.getLogger().addHandler(StuckHandler())
        print_line("serving")
        self.logger.warning("this line never ends")


class CannotLogItsRequest(Drains):
    def serve(self) -> None:
        logging.getLogger().addHandler(StuckHandler())
        self.wait_for_stop(0.1)
        self.request_stop("enough")


class StopsItself(Drains):
    def serve(self) -> None:
        self.request_stop("enough")
        hang()


class AsyncDrains(AsyncService[BaseSettings]):
    async def start(self) -> None:
        self.resources.push_async_callback(self.close, "closed first")
        self.resources.push_async_callback(self.close, "closed second")

    async def serve(self) -> None:
        print_line("serving")
        await self.wait_for_stop()
        print_line(f"draining, {self.health().state}: {self.health().detail}")

    async def stop(self) -> None:
        print_line("stopped")

    async def close(self, text: str) -> None:
        await asyncio.sleep(0)
        print_line(text)


class AsyncReloads(AsyncDrains):
    """Has asyncio handle a signal of its own, which takes the interpreter's wake-up descriptor."""

    async def start(self) -> None:
        await super().start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, print_line, "reloaded")


class AsyncTakesSignals(AsyncDrains):
    """Serves with a server that takes signals while it runs and raises them again, as uvicorn."""

    async def serve(self) -> None:
        taken = asyncio.Event()
        loop = asyncio.get_running_loop()
        ours = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(taken.set))
        print_line("serving")
        await taken.wait()
        signal.signal(signal.SIGTERM, ours)
        signal.raise_signal(signal.SIGTERM)
        await self.wait_for_stop()
        print_line(f"draining, {self.health().state}: {self.health().detail}")


class AsyncIgnoresStop(AsyncDrains):
    async def serve(self) -> None:
        print_line("serving")
        await asyncio.Event().wait()


class AsyncBlocksTheLoop(AsyncDrains):
    async def serve(self) -> None:
        print_line("serving")
        hang()


def main(name: str, drain_s: str) -> int:
    configure_logging(format="json", stream=sys.stderr)
    code: int = globals()[name](drain_s=float(drain_s)).run()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
