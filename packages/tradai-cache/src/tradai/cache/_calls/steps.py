"""I/O steps of a cached call, described once for threads and for tasks.

A call is a generator: it decides, and yields whatever takes time as a step. A driver runs the step
in a thread or in a task and sends the result back. An error of a step is thrown into the generator,
except that of a load, which is sent back as `Failed`: it is an outcome like any other.
"""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, final

from tradai.cache._memory.cache_core import CacheCore
from tradai.cache._memory.single_flight import InFlightLoad
from tradai.cache._tier.shared_tier import CacheKey, Tier

T = TypeVar("T")


@final
@dataclass(slots=True, eq=False)
class Fetch:
    """Read the sealed value of `key` from the shared tier; None when there is none."""

    tier: Tier
    key: CacheKey


@final
@dataclass(slots=True, eq=False)
class Load:
    """Call the cached function; an error it raises is returned as `Failed`."""

    call: Callable[[], object]


@final
@dataclass(slots=True, eq=False)
class AskTier:
    """Ask the shared tier: with `call` in a thread, with `call_async` in a task."""

    call: Callable[[], object]
    call_async: Callable[[], Awaitable[object]]


@final
@dataclass(slots=True, eq=False)
class Blocking:
    """Make a call that waits for another process, or that must not be cancelled."""

    call: Callable[[], object]


@final
@dataclass(slots=True, eq=False)
class Wait:
    """Wait until `load` has ended, and return its outcome."""

    core: CacheCore
    load: InFlightLoad


Step: TypeAlias = Fetch | AskTier | Load | Blocking | Wait
# The value sent back depends on the step: no single type fits all of them.
Steps: TypeAlias = Generator[Step, Any, T]
