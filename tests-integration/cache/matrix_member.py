"""A program of `test_matrix`, run by the Python of a row: two processes share a tier.

``python matrix_member.py URL [--protocol 3] [--no-hiredis] [--async] [--spawn] [--ca-file FILE]``
"""

import argparse
import asyncio
import multiprocessing
import sys
import threading
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Store a value, let a child process read and invalidate it, and receive its message."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--protocol", type=int, default=2)
    parser.add_argument("--no-hiredis", action="store_true")
    parser.add_argument("--async", dest="is_async", action="store_true")
    parser.add_argument("--spawn", action="store_true")
    parser.add_argument("--ca-file")
    parser.add_argument("--username")
    options = parser.parse_args()
    if options.no_hiredis:
        # This import then fails, as if hiredis were not installed.
        sys.modules["hiredis"] = None  # type: ignore[assignment]
    play(options)


def play(options: argparse.Namespace) -> None:
    import redis

    from tradai.cache._tier.shared_tier import CacheKey

    key = CacheKey("matrix.1", bytes(range(16)))
    events = EventRecorder()
    tier = member(options, events)
    fetch = fetching(tier, is_async=options.is_async)
    assert fetch(key) is None
    lease = tier.acquire(key)
    assert lease.store(bytes(range(256)) * 1_000, keep_ms=3_600_000)

    context = multiprocessing.get_context("spawn" if options.spawn else "fork")
    # A fork copies a listener, connections and an event loop that are in use.
    inherited = None if options.spawn else tier
    # The common type of both contexts lacks the attribute.
    child = context.Process(  # type: ignore[attr-defined]
        target=visit, args=(options, inherited)
    )
    child.start()
    child.join(300)

    assert child.exitcode == 0, child.exitcode
    assert events.key.wait(60)
    assert fetch(key) is None
    assert tier.generation == 1
    tier.close()
    has_hiredis = sys.modules.get("hiredis") is not None
    print("ok", redis.__version__, options.protocol, "hiredis" if has_hiredis else "pure")


def visit(options: argparse.Namespace, inherited: Any) -> None:
    """Run the child: with a tier of its own when spawned, with its parent's when forked."""
    if options.no_hiredis:
        sys.modules["hiredis"] = None  # type: ignore[assignment]
    from tradai.cache._tier.shared_tier import CacheKey

    key = CacheKey("matrix.1", bytes(range(16)))
    tier = inherited or member(options, EventRecorder())
    before = tier.generation
    assert fetching(tier, is_async=options.is_async)(key) == bytes(range(256)) * 1_000
    assert tier.generation > before
    assert tier.acquire(key) == bytes(range(256)) * 1_000
    tier.invalidate(key)
    assert fetching(tier, is_async=options.is_async)(key) is None
    tier.close()


class EventRecorder:
    """Timeouts for the message that the child invalidated the key."""

    def __init__(self) -> None:
        self.key = threading.Event()

    def invalidated(self, _: object) -> None:
        self.key.set()

    def cleared(self, namespace: str) -> None:
        raise AssertionError(namespace)

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        raise AssertionError((is_up, reason))


def member(options: argparse.Namespace, events: EventRecorder) -> Any:
    from tradai.cache import CacheSettings
    from tradai.cache._redis.tier import connect

    settings = CacheSettings.model_validate(
        {
            "url": options.url,
            "username": options.username,
            "password": "env:REDIS_PASSWORD" if options.username else None,
            "ca_file": options.ca_file,
        }
    )
    # Long, so that a slow machine does not look like an outage.
    tier = connect(settings, events=events, answer_s=60.0, first_s=60.0)
    # Not a setting, because 2 works everywhere; a new default of redis-py must not matter.
    tier._client._options.protocol = options.protocol  # noqa: SLF001
    return tier


def fetching(tier: Any, *, is_async: bool) -> Callable[[object], object]:
    if not is_async:
        fetch: Callable[[object], object] = tier.fetch
        return fetch
    return lambda key: asyncio.run(tier.fetch_async(key))


if __name__ == "__main__":
    main()
