"""Publisher of invalidations: sends them, keeps those that fail, and sends these again later."""

import secrets
import threading
from collections.abc import Callable
from typing import TypeAlias, final

from tradai.cache._redis.commands import Commands
from tradai.cache._redis.connection_options import Answer
from tradai.cache._redis.epochs import Epoch, Epochs
from tradai.cache._redis.scripts import (
    CLEAR,
    INVALIDATE,
    JOIN,
    SYNCHRONISE,
    channel_of,
    epoch_key,
    number_key,
    probe_key,
)
from tradai.cache._redis.unsent import UnsentInvalidations
from tradai.cache._tier.shared_tier import CacheKey
from tradai.cache._tier.steps import run

Execute: TypeAlias = Callable[..., Answer]


@final
class Publisher:
    """Publishes invalidations with the `execute` function that the caller passes.

    Attributes:
        node: Random name of this process in messages.
        channel: The channel of all messages.
        epochs: The epochs of namespaces, as far as they are known.
    """

    def __init__(self, database: int, lock: threading.Lock) -> None:
        """Guard the unsent invalidations by `lock`, which `OutageHandler` shares."""
        self.node = secrets.token_hex(4)
        self.channel = channel_of(database)
        self.epochs = Epochs()
        self._unsent = UnsentInvalidations()
        self._lock = lock

    def join(self, namespace: str) -> Commands[Epoch]:
        """Return the epoch of `namespace`; a new one when it has none."""
        return self._change(JOIN, namespace)

    def publish(self, target: CacheKey | str, execute: Execute) -> None:
        """Invalidate a key, or clear a namespace, and notify every process."""
        if isinstance(target, str):
            change = self._change(CLEAR, target)
        else:
            change = self._change(INVALIDATE, target.namespace, target.digest.hex())
        run(change, lambda command: execute(*command))

    @property
    def has_unsent(self) -> bool:
        """Whether an invalidation could not be published; read it under the lock."""
        return bool(self._unsent)

    def add_unsent(self, target: CacheKey | str) -> None:
        """Keep an invalidation that could not be published."""
        with self._lock:
            self._unsent.add(target)

    def replay(self, execute: Execute) -> None:
        """Publish the unsent invalidations, and keep those that fail again."""
        with self._lock:
            unsent = self._unsent.take()
        try:
            while unsent:
                self.publish(unsent[-1], execute)
                unsent.pop()
        finally:
            for target in unsent:
                self.add_unsent(target)

    def synchronise(self, nonce: str, execute: Execute) -> None:
        """Read the epochs of known namespaces, and have `nonce` sent to the channel."""
        namespaces = self.epochs.used()
        keys = (number_key(), probe_key(self.node), *map(epoch_key, namespaces))
        arguments = (self.channel, self.node, nonce)
        number, *epochs = execute("EVAL", SYNCHRONISE, len(keys), *keys, *arguments)
        texts = [None if epoch is None else epoch.decode() for epoch in epochs]
        self.epochs.replace_all(dict(zip(namespaces, texts, strict=True)), number)

    def lease_ended(self, key: CacheKey) -> tuple[str, str]:
        """Return the channel, and the message that the lease of `key` has ended."""
        return self.channel, f"ended 0 {self.node} {key.digest.hex()} {key.namespace}"

    def _change(self, script: str, namespace: str, digest: str = "") -> Commands[Epoch]:
        # Read after the caller has found Redis, because finding it begins a new numbering.
        numbering_when_asked = self.epochs.numbering
        keys = (epoch_key(namespace), number_key())
        arguments = (self.channel, self.node, namespace, secrets.token_hex(8), digest)
        text, number = yield "EVAL", script, len(keys), *keys, *arguments
        return self.epochs.record(
            namespace, text.decode(), number, numbering_when_asked=numbering_when_asked
        )
