"""The tracker for MLflow servers."""

from collections.abc import Callable
from pathlib import Path
from typing import Self, final

from tradai.core import Delivery, TrackedRun
from tradai.core.exceptions import StorageError, TradAIError
from tradai.mlflow._settings import MLflowSettings
from tradai.mlflow._tracking.run_client import RunClient
from tradai.mlflow._tracking.sender import SpoolSender
from tradai.mlflow._tracking.shipper import Shipper, Timer, mark_delivered, problem_of
from tradai.mlflow._tracking.spool import Spool, SpoolBusyError
from tradai.mlflow._tracking.spool_ends import close_open_runs, delivered_place
from tradai.mlflow._tracking.spooled_run import SpooledRun
from tradai.mlflow._tracking.spooling import Spooling

MakeClient = Callable[[], RunClient]


@final
class MLflowTracker:
    """Tracks runs on an MLflow server; see `Tracker`.

    Facts go to a spool in the folder of the run, ``tracking.jsonl``, and a thread sends them.
    """

    def __init__(
        self, make_client: MakeClient, *, address: str, timer: Timer | None = None
    ) -> None:
        """Track on the server at `address`.

        Args:
            make_client: Returns a client; called in the threads that send.
            address: Address of the server.
            timer: Time of the wait at the end of a run; None means that of this machine.
        """
        self._make_client = make_client
        self._address = address.rstrip("/")
        self._timer = timer

    @classmethod
    def for_uri(cls, uri: str) -> Self:
        """Return the tracker for the server at `uri`; its login comes from the environment.

        Raises:
            ConfigurationError: `uri` or a setting is not usable.
        """
        settings = MLflowSettings.load(uri=uri)

        def make_client() -> RunClient:
            # This imports the HTTP client, which takes longer than all else here.
            from tradai.mlflow._client.client import MLflowClient

            return MLflowClient(settings)

        return cls(make_client, address=uri)

    def start(self, run: TrackedRun, *, folder: Path) -> SpooledRun:
        """Track `run`, whose files are below `folder`; see `Tracker`."""
        spool = Spool.create(folder)
        shipper = Shipper(spool, lambda: self._sender(spool, is_new=True), timer=self._timer)
        tracked = track(run, spool, shipper)
        shipper.start()
        return tracked

    def deliver(self, folder: Path) -> Delivery:
        """Send what waits of the run in `folder`; see `Tracker`."""
        try:
            spool = Spool.resume(folder)
        except SpoolBusyError:
            return Delivery(waiting=0, is_alive=True)
        if spool is None:
            return Delivery(waiting=0)
        try:
            return self._deliver(spool)
        finally:
            spool.close()

    def check(self) -> str:
        """Return a sentence about the server; see `Tracker`."""
        return f"MLflow {self._make_client().server().version} at {self._address}"

    def _deliver(self, spool: Spool) -> Delivery:
        if spool.is_unreadable:
            return Delivery(waiting=1, problem=_damage(spool, "none of its records can be read"))
        place = delivered_place(spool)
        if place is not None:
            return Delivery(waiting=0, place=place)
        close_open_runs(spool)
        sender = self._sender(spool, is_new=False)
        problem = problem_of(sender.send)
        if sender.is_done:
            problem = _loss(spool)
            mark_delivered(spool, sender)
        waiting = spool.weight - sender.sent
        return Delivery(waiting=waiting, sent=sender.sent, problem=problem, place=sender.place)

    def _sender(self, spool: Spool, *, is_new: bool) -> SpoolSender:
        return SpoolSender(spool, self._make_client(), address=self._address, is_new=is_new)


def _loss(spool: Spool) -> StorageError | None:
    if not spool.lost:
        return None
    return _damage(spool, f"{spool.lost} of its records cannot be read, and are not on the server")


def _damage(spool: Spool, loss: str) -> StorageError:
    message = f"{spool.path} is damaged: {loss}; check the disk"
    return StorageError(message, operation="read")


def track(run: TrackedRun, spool: Spool, shipper: Shipper | None = None) -> SpooledRun:
    """Add the start of `run` to its new `spool`, which is removed again when that fails.

    Raises:
        TradAIError: The run or the disk is not usable.
    """
    try:
        return SpooledRun(run, Spooling(spool, shipper))
    except TradAIError:
        spool.discard()
        raise
