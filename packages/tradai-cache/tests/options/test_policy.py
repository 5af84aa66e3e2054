"""Policies of a namespace during and after an outage of the shared tier."""

import asyncio
import logging
from typing import Any

import pytest
from cache_fleet import FakeTime, Fleet

from tradai.cache import Cache, CacheUnavailableError
from tradai.cache._options.policy import OnOutage
from tradai.core.exceptions import ExternalServiceError, ValidationError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    return FakeTime(monkeypatch)


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


class World:
    """A namespace with one function that returns the time of its load; ttl 60 s."""

    def __init__(
        self,
        fleet: Fleet,
        clock: FakeTime,
        *,
        stale_for: float = 0.0,
        on_outage: OnOutage = "fail_open",
    ) -> None:
        self.cache, self.node = fleet.cache()
        self.namespace = self.cache.namespace("values", on_outage=on_outage)

        @self.namespace.cached(ttl=60, stale_for=stale_for)
        def loaded_at(key: str = "a") -> tuple[str, float]:
            return key, clock.now

        self.loaded_at = loaded_at

    def at(self) -> float:
        return self.loaded_at()[1]


def test_fail_open_loads_and_keeps_the_value_for_its_ttl(fleet: Fleet, clock: FakeTime) -> None:
    world = World(fleet, clock)
    fleet.go(is_up=False)

    assert world.at() == 0.0
    clock.now = 59.0
    assert world.at() == 0.0
    clock.now = 60.0

    assert world.at() == 60.0
    assert world.cache.stats().loads == 2


def test_fail_open_does_not_serve_values_from_before_an_outage(
    fleet: Fleet, clock: FakeTime
) -> None:
    world = World(fleet, clock)
    world.at()
    fleet.go(is_up=False)
    clock.now = 10.0

    assert world.at() == 10.0
    assert world.cache.stats().stale == 0


def test_fail_open_with_stale_for_serves_values_from_before_an_outage(
    fleet: Fleet, clock: FakeTime
) -> None:
    world = World(fleet, clock, stale_for=300)
    world.at()
    fleet.go(is_up=False)
    clock.now = 10.0

    held = world.loaded_at.peek()
    assert held is not None
    assert (held.is_stale, held.tier) == (True, "memory")
    assert world.at() == 0.0
    assert world.cache.stats().stale == 1


def test_the_first_call_in_an_outage_is_answered(fleet: Fleet, clock: FakeTime) -> None:
    world = World(fleet, clock)
    fleet.server.is_away = True  # before the outage is noticed

    assert world.at() == 0.0
    assert world.at() == 0.0
    assert world.cache.stats().loads == 1


def test_stale_only_serves_values_in_memory_and_never_loads(fleet: Fleet, clock: FakeTime) -> None:
    world = World(fleet, clock, on_outage="stale_only", stale_for=30)
    world.at()
    fleet.go(is_up=False)
    clock.now = 89.0

    assert world.at() == 0.0
    assert world.cache.stats().stale == 1
    clock.now = 90.0
    with pytest.raises(CacheUnavailableError, match=r"values\.1 is stale_only") as caught:
        world.at()
    with pytest.raises(CacheUnavailableError):
        world.loaded_at("never loaded")

    assert caught.value.namespace == "values.1"
    assert isinstance(caught.value, ExternalServiceError)
    assert caught.value.retryable
    assert world.cache.stats().loads == 1


def test_fail_closed_serves_no_unverified_value(fleet: Fleet, clock: FakeTime) -> None:
    world = World(fleet, clock, on_outage="fail_closed", stale_for=300)
    world.at()
    fleet.go(is_up=False)

    with pytest.raises(CacheUnavailableError, match="fail_closed"):
        world.at()

    assert world.loaded_at.peek() is None
    assert world.cache.stats().loads == 1


def test_fail_closed_raises_in_tasks(fleet: Fleet) -> None:
    cache, _ = fleet.cache()

    @cache.namespace("values", on_outage="fail_closed").cached(ttl=60)
    async def value() -> int:
        return 1

    async def calls() -> list[int | BaseException]:
        return list(await asyncio.gather(value(), value(), return_exceptions=True))

    fleet.go(is_up=False)
    first, second = asyncio.run(calls())

    assert isinstance(first, CacheUnavailableError)
    assert isinstance(second, CacheUnavailableError)
    assert first is not second


@pytest.mark.parametrize("on_outage", ["fail_open", "stale_only", "fail_closed"])
def test_after_an_outage_every_value_is_verified(
    fleet: Fleet, clock: FakeTime, on_outage: OnOutage
) -> None:
    world = World(fleet, clock, on_outage=on_outage)
    world.at()
    fleet.go(is_up=False)
    clock.now = 10.0
    fleet.go(is_up=True)

    assert world.at() == 0.0
    assert world.cache.stats().shared == 1
    assert world.cache.stats().breaker == "closed"


def test_an_invalidation_in_an_outage_holds_here_at_once_and_elsewhere_afterwards(
    fleet: Fleet, clock: FakeTime
) -> None:
    here, there = World(fleet, clock), World(fleet, clock)
    here.at()
    there.at()
    fleet.go(is_up=False)
    clock.now = 10.0
    here.loaded_at.invalidate()

    assert here.at() == 10.0
    fleet.go(is_up=True)
    clock.now = 20.0

    assert there.at() == here.at() == 20.0


def test_a_value_loaded_in_an_outage_is_not_shared(fleet: Fleet, clock: FakeTime) -> None:
    here, there = World(fleet, clock), World(fleet, clock)
    fleet.go(is_up=False)
    here.at()
    clock.now = 10.0
    fleet.go(is_up=True)

    assert there.at() == here.at() == 10.0


def test_a_value_is_kept_when_the_tier_goes_away_during_its_load(
    fleet: Fleet, clock: FakeTime
) -> None:
    cache, _ = fleet.cache()

    @cache.cached(ttl=60)
    def value() -> float:
        fleet.server.is_away = True
        return clock.now

    assert value() == value() == 0.0
    assert cache.stats().loads == 1


def test_an_outage_is_logged_counted_and_reported_to_the_hook(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[bool, str]] = []

    class Hook:
        def loaded(self, *_: object, **__: object) -> None: ...
        def served_stale(self, *_: object, **__: object) -> None: ...
        def on_tier_change(self, *, is_up: bool, reason: str) -> None:
            told.append((is_up, reason))

    cache, _ = fleet.cache(hook=Hook())
    caplog.set_level(logging.INFO)

    fleet.go(is_up=False)
    assert cache.stats().breaker == "open"
    fleet.go(is_up=True)

    assert cache.stats().breaker == "closed"
    assert Cache().stats().breaker == "none"
    assert told == [(False, "planted outage"), (True, "planted outage")]
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("WARNING", "shared cache is away"),
        ("INFO", "shared cache is back"),
    ]


def test_an_error_of_the_hook_is_only_logged(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    class Hook:
        def loaded(self, *_: object, **__: object) -> None:
            raise ZeroDivisionError

        def served_stale(self, *_: object, **__: object) -> None: ...
        def on_tier_change(self, **_: object) -> None: ...

    cache, _ = fleet.cache(hook=Hook())

    @cache.cached(ttl=60)
    def value() -> int:
        return 1

    assert value() == 1
    assert [one.getMessage() for one in caplog.records] == ["a cache hook failed"]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("", {}),
        ("mar.kets", {}),
        ("mar:kets", {}),
        ("{markets}", {}),
        ("mar kets", {}),
        ("märkte", {}),
        ("-markets", {}),
        ("m" * 65, {}),
        ("markets", {"version": -1}),
        ("markets", {"version": True}),
        ("markets", {"version": "2"}),
        ("markets", {"on_outage": "fail"}),
    ],
    ids=str,
)
def test_an_invalid_namespace_is_rejected(name: str, rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"namespace .* is not usable: expected"):
        Cache().namespace(name, **rules)


def test_a_namespace_with_other_rules_is_rejected() -> None:
    cache = Cache()
    first = cache.namespace("markets", on_outage="fail_closed")

    assert cache.namespace("markets", on_outage="fail_closed") is first
    assert cache.namespace("markets", version=2) is not first
    with pytest.raises(ValidationError, match="has other rules"):
        cache.namespace("markets")


@pytest.mark.parametrize("bound", ["max_entries", "max_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_an_invalid_bound_is_rejected(bound: str, value: int) -> None:
    with pytest.raises(ValidationError, match=bound):
        Cache("memory:", **{bound: value})  # type: ignore[arg-type]  # the tested error


def test_closing_twice_has_no_effect(fleet: Fleet) -> None:
    cache, node = fleet.cache()

    cache.close()
    cache.close()
    Cache().close()

    assert node.is_closed
