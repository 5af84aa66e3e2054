"""Several caches of one process that share a tier in memory, with planted faults.

Nothing depends on time: a lease ends when the test ends it, a message arrives immediately or when
the test delivers it, and the server is away until the test brings it back.
"""

import importlib
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final
from unittest.mock import patch

import pytest

from tradai.cache import Cache, CacheSettings
from tradai.cache._tier.shared_tier import CacheKey, Tier, TierDown, TierEvents
from tradai.core import SecretReference


@final
@dataclass
class Lease:
    """The right to load a key, with an event that its end sets."""

    key: CacheKey
    server: "Server"
    ended: threading.Event = field(default_factory=threading.Event)
    is_mine: bool = True

    def store(self, sealed: bytes, *, keep_ms: int) -> bool:
        assert keep_ms > 0
        with self.server.asked() as server:
            is_holder = server.leases.get(self.key) is self
            if is_holder:
                server.values[self.key] = sealed
                server.end(self.key)
            server.journal.append(f"store {'kept' if is_holder else 'refused'}")
            return is_holder

    async def store_async(self, sealed: bytes, *, keep_ms: int) -> bool:
        return self.store(sealed, keep_ms=keep_ms)

    def release(self) -> None:
        with self.server.lock:
            self.server.journal.append("release")
            if self.server.leases.get(self.key) is self:
                self.server.end(self.key)
        self.server.released()

    async def release_async(self) -> None:
        self.release()


@final
@dataclass
class Waiting:
    """A lease that another process holds."""

    ended: threading.Event
    server: "Server"

    def wait(self) -> None:
        self.server.waiting.release()
        self.ended.wait()


@final
class Server:
    """The state of the simulated Redis."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.values: dict[CacheKey, bytes] = {}
        self.leases: dict[CacheKey, Lease] = {}
        self.nodes: list[Node] = []
        self.is_away = False
        self.journal: list[str] = []
        self.commands = 0
        self.released: Callable[[], object] = lambda: None
        self.waiting = threading.Semaphore(0)  # released by every call that begins to wait

    def asked(self) -> "_Asked":
        return _Asked(self)

    def end(self, key: CacheKey) -> None:
        """End the lease on `key`, if there is one, and wake the calls that wait for it."""
        lease = self.leases.pop(key, None)
        if lease is not None:
            lease.ended.set()

    def forget(self, key: CacheKey) -> None:
        self.values.pop(key, None)
        self.end(key)


@final
@dataclass
class _Asked:
    server: Server

    def __enter__(self) -> Server:
        self.server.lock.acquire()
        if self.server.is_away:
            self.server.lock.release()
            raise TierDown("planted outage")
        self.server.commands += 1
        return self.server

    def __exit__(self, *_: object) -> None:
        self.server.lock.release()


@final
class Node:
    """The connection of one process to the simulated server."""

    def __init__(self, server: Server, events: TierEvents) -> None:
        self.generation = 0
        self.is_joined = True
        self.is_deaf = False  # messages are lost, and the process does not notice
        self.is_late = False  # messages arrive when `catch_up` is called
        self.before_acquire: Callable[[], object] = lambda: None
        self.after_fetch: Callable[[], object] = lambda: None
        self.is_closed = False
        self._server = server
        self._events = events
        self._queued: list[Callable[[Node], None]] = []
        self._unheard: list[Callable[[], None]] = []
        server.nodes.append(self)

    def fetch(self, key: CacheKey) -> bytes | None:
        with self._server.asked() as server:
            sealed = server.values.get(key)
        self.after_fetch()
        return sealed

    async def fetch_async(self, key: CacheKey) -> bytes | None:
        return self.fetch(key)

    def has_joined(self, _: str) -> bool:
        return self.is_joined

    def join(self, _: str) -> None:
        """Answer for the first time, which begins a generation as Redis does."""
        with self._server.asked():
            self.is_joined = True
            self.generation += 1

    async def join_async(self, namespace: str) -> None:
        self.join(namespace)

    async def acquire_async(self, key: CacheKey) -> bytes | Lease | Waiting:
        return self.acquire(key)

    def acquire(self, key: CacheKey) -> bytes | Lease | Waiting:
        self.before_acquire()
        with self._server.asked() as server:
            if key in server.values:
                return server.values[key]
            if key in server.leases:
                return Waiting(server.leases[key].ended, server)
            return server.leases.setdefault(key, Lease(key, server))

    def invalidate(self, key: CacheKey) -> None:
        self._write(lambda node: node.forget(key))

    def clear(self, namespace: str) -> None:
        self._write(lambda node: node.forget_all(namespace))

    def close(self) -> None:
        self.is_closed = True

    def forget(self, key: CacheKey) -> None:
        self._server.forget(key)
        self._publish(lambda events: events.invalidated(key))

    def forget_all(self, namespace: str) -> None:
        for key in [*self._server.values, *self._server.leases]:
            if key.namespace == namespace:
                self._server.forget(key)
        self._publish(lambda events: events.cleared(namespace))

    def go(self, *, is_up: bool) -> None:
        """Report that the server went away or came back."""
        with self._server.lock:
            if is_up:
                for write in self._queued:
                    write(self)
                self._queued.clear()
            self.generation += 1
        self._events.on_tier_change(is_up=is_up, reason="planted outage")

    def start_generation(self) -> None:
        """Start a generation, as after messages that may have been lost."""
        self.generation += 1

    def catch_up(self) -> None:
        """Receive the late messages."""
        for message in self._unheard:
            message()
        self._unheard.clear()

    def hear(self, deliver: Callable[[TierEvents], None]) -> None:
        """Receive a message, unless messages are lost."""
        if self.is_late:
            self._unheard.append(lambda: deliver(self._events))
        elif not self.is_deaf:
            deliver(self._events)

    def _write(self, write: "Callable[[Node], None]") -> None:
        try:
            with self._server.asked():
                write(self)
        except TierDown:
            self._queued.append(write)

    def _publish(self, deliver: Callable[[TierEvents], None]) -> None:
        for node in self._server.nodes:
            if node is not self:
                node.hear(deliver)


@final
class FakeTime:
    """A clock that only the test moves, for all of tradai.cache."""

    def __init__(self, patch: pytest.MonkeyPatch, *, epoch_s: float = 1_700_000_000.0) -> None:
        self.now = 0.0
        self.epoch_s = epoch_s
        importlib.import_module("tradai.cache._cache")
        for name, module in tuple(sys.modules.items()):
            if name.startswith("tradai.cache.") and hasattr(module, "monotonic"):
                patch.setattr(module, "monotonic", lambda: self.now)
        patch.setattr("tradai.cache._calls.load.time", self)
        patch.setattr("tradai.cache._calls.entries.time", self)

    def time(self) -> float:
        return self.epoch_s + self.now


@final
class Fleet:
    """Several processes, each simulated by a cache of this one."""

    def __init__(self) -> None:
        self.server = Server()

    def cache(self, key: SecretReference | None = None, **kwargs: Any) -> tuple[Cache, Node]:
        """Return one more cache of the fleet, and its connection to the server."""
        settings = CacheSettings(url="redis://127.0.0.1", key=key)
        with patch("tradai.cache._redis.tier.connect", self._connect):
            cache = Cache.from_settings(settings, **kwargs)
        return cache, self.server.nodes[-1]

    def go(self, *, is_up: bool) -> None:
        """Take the server away or bring it back; every node notices, and leases end."""
        self.server.is_away = not is_up
        for key in tuple(self.server.leases):
            self.server.end(key)
        for node in self.server.nodes:
            node.go(is_up=is_up)

    def _connect(self, settings: object, *, events: TierEvents) -> Tier:
        assert settings is not None
        return Node(self.server, events)
