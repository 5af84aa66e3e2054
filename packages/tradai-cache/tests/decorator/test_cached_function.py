"""Cached functions in the memory of one process, through the public names."""

import asyncio
import inspect
import pickle
import sys
import threading
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from types import MethodType
from typing import Any, ClassVar

import pytest
from cache_fleet import FakeTime

from tradai.cache import Cache, PeekResult
from tradai.core.exceptions import ValidationError


def test_a_value_is_loaded_once_and_then_served() -> None:
    loads: list[str] = []

    @Cache().cached(ttl=60)
    def markets(exchange: str) -> str:
        loads.append(exchange)
        return exchange.upper()

    assert [markets("binance"), markets("binance"), markets("kraken")] == [
        "BINANCE",
        "BINANCE",
        "KRAKEN",
    ]
    assert loads == ["binance", "kraken"]


def test_none_is_cached_like_any_other_value() -> None:
    loads: list[int] = []

    @Cache().cached(ttl=60)
    def nothing() -> None:
        loads.append(1)

    nothing()
    nothing()

    assert len(loads) == 1
    held = nothing.peek()
    assert held is not None
    assert held.value is None


def test_positional_keyword_and_default_arguments_have_one_key() -> None:
    loads: list[tuple[int, int]] = []

    @Cache().cached(ttl=60)
    def added(first: int, second: int = 2) -> int:
        loads.append((first, second))
        return first + second

    answers = [added(1), added(1, 2), added(first=1), added(second=2, first=1)]

    assert answers == [3, 3, 3, 3]
    assert loads == [(1, 2)]


@pytest.mark.parametrize("one", [1, 1.0, True, "1", b"1"], ids=repr)
@pytest.mark.parametrize("other", [1, 1.0, True, "1", b"1"], ids=repr)
def test_equal_values_of_different_types_are_different_calls(one: object, other: object) -> None:
    @Cache().cached(ttl=60)
    def kind(value: object) -> str:
        return type(value).__name__

    assert [kind(one), kind(other), kind(one)] == [
        type(one).__name__,
        type(other).__name__,
        type(one).__name__,
    ]


def test_every_kind_of_parameter_is_part_of_the_key() -> None:
    @Cache().cached(ttl=60)
    def shown(type: int, /, _: int, *rest: int, entry: int = 4, **more: int) -> str:  # noqa: A002
        return f"{type} {_} {rest} {entry} {sorted(more.items())}"

    def plain(type: int, /, _: int, *rest: int, entry: int = 4, **more: int) -> str:  # noqa: A002
        return f"{type} {_} {rest} {entry} {sorted(more.items())}"

    for args, kwargs in (
        ((1, 2), {}),
        ((1, 2, 3), {}),
        ((1, 2), {"entry": 3}),
        ((1, 2), {"b": 1, "a": 2}),
        ((1, 2), {"a": 1, "b": 2}),
        ((1,), {"_": 2}),
    ):
        assert shown(*args, **kwargs) == shown(*args, **kwargs) == plain(*args, **kwargs)


def test_keyword_only_and_positional_only_parameters_keep_their_places() -> None:
    @Cache().cached(ttl=60)
    def priced(pair: str, /, *, side: str, limit: int = 5) -> str:
        return f"{pair} {side} {limit}"

    assert priced("BTC/USDT", side="buy") == "BTC/USDT buy 5"
    assert priced("BTC/USDT", side="buy", limit=6) == "BTC/USDT buy 6"
    with pytest.raises(TypeError, match=r"priced\(\): missing a required .*'side'"):
        priced("BTC/USDT")  # type: ignore[call-arg]  # the tested error
    with pytest.raises(TypeError, match=r"positional.only"):
        priced(pair="BTC/USDT", side="buy")  # type: ignore[call-arg]  # the tested error


def test_a_value_larger_than_the_memory_is_handed_out_and_kept_nowhere() -> None:
    cache, loads = Cache(max_bytes=1_000), list[int]()

    @cache.cached(ttl=60)
    def block(number: int) -> bytes:
        loads.append(number)
        return bytes(2_000)

    assert len(block(1)) == len(block(1)) == 2_000
    assert loads == [1, 1]
    assert block.peek(1) is None
    assert cache.stats().entries == 0


def test_a_value_that_was_evicted_is_not_served() -> None:
    loads: list[int] = []

    @Cache(max_entries=1).cached(ttl=60)
    def doubled(number: int) -> int:
        loads.append(number)
        return 2 * number

    assert [doubled(1), doubled(2), doubled(1), doubled(number=1)] == [2, 4, 2, 2]
    assert loads == [1, 2, 1]


def test_an_invalidated_value_is_loaded_again() -> None:
    loads: list[str] = []

    @Cache().cached(ttl=60)
    def markets(exchange: str) -> int:
        loads.append(exchange)
        return len(loads)

    first = markets("binance")
    markets.invalidate(exchange="binance")

    assert (first, markets("binance"), markets("binance")) == (1, 2, 2)


def test_invalidating_one_call_leaves_the_others() -> None:
    @Cache().cached(ttl=60)
    def double(number: int) -> int:
        return 2 * number

    double(1)
    double(2)
    double.invalidate(1)

    assert double.peek(1) is None
    assert double.peek(2) is not None


def test_a_cleared_namespace_forgets_and_leaves_the_others() -> None:
    cache = Cache()
    markets, tickers = cache.namespace("markets"), cache.namespace("tickers")

    @markets.cached(ttl=60)
    def market(number: int) -> int:
        return number

    @tickers.cached(ttl=60)
    def ticker(number: int) -> int:
        return number

    market(1)
    ticker(1)
    markets.clear()

    assert market.peek(1) is None
    assert ticker.peek(1) is not None


def test_peek_returns_the_cached_value_and_loads_nothing() -> None:
    cache = Cache()

    @cache.cached(ttl=60)
    def double(number: int) -> int:
        return 2 * number

    assert double.peek(4) is None
    double(4)
    held = double.peek(number=4)

    assert isinstance(held, PeekResult)
    assert (held.value, held.is_stale, held.tier) == (8, False, "memory")
    assert 0 <= held.age_s < 60
    assert cache.stats().loads == 1


def test_coroutine_functions_are_cached_the_same_way() -> None:
    loads: list[str] = []

    @Cache().cached(ttl=60)
    async def markets(exchange: str) -> list[str]:
        await asyncio.sleep(0)
        loads.append(exchange)
        return [exchange]

    async def story() -> None:
        assert await markets("binance") == await markets(exchange="binance") == ["binance"]
        held = await markets.peek("binance")
        assert held is not None
        assert held.value == ["binance"]
        await markets.invalidate("binance")
        assert await markets.peek("binance") is None
        assert await markets("binance") == ["binance"]

    asyncio.run(story())

    assert loads == ["binance", "binance"]
    assert inspect.iscoroutinefunction(markets)
    assert asyncio.iscoroutinefunction(markets)


def test_a_change_by_one_caller_is_not_seen_by_others() -> None:
    source = {"pairs": ["BTC/USDT"]}

    @Cache().cached(ttl=60)
    def config() -> dict[str, list[str]]:
        return source

    config()["pairs"].append("changed by the first caller")
    source["pairs"].append("changed at the source")
    config()["pairs"].append("changed by the second caller")

    assert config() == {"pairs": ["BTC/USDT"]}


@dataclass
class Exchange:
    name: str
    is_sandbox: bool = False

    CACHE = Cache()

    @CACHE.cached(ttl=60)
    def shown(self, number: int) -> str:
        return f"{self.name} {self.is_sandbox} {number}"

    @CACHE.cached(ttl=60)
    @classmethod
    def kind(cls, number: int) -> str:
        return f"{cls.__name__} {number}"

    @classmethod
    @CACHE.cached(ttl=60)
    def other_kind(cls, number: int) -> str:
        return f"{cls.__name__} {number}"

    @CACHE.cached(ttl=60)
    @staticmethod
    def doubled(number: int) -> int:
        return 2 * number

    @staticmethod
    @CACHE.cached(ttl=60)
    def tripled(number: int) -> int:
        return 3 * number


class Spot(Exchange):
    pass


def test_two_instances_never_share_an_answer() -> None:
    live, sandbox = Exchange("binance"), Exchange("binance", is_sandbox=True)

    assert live.shown(1) == "binance False 1"
    assert sandbox.shown(1) == "binance True 1"
    assert Exchange("binance").shown(1) == "binance False 1"
    assert Exchange.shown(live, 1) == "binance False 1"

    live.shown.invalidate(1)

    assert live.shown.peek(1) is None
    held = sandbox.shown.peek(1)
    assert held is not None
    assert held.value == "binance True 1"


def test_a_subclass_never_shares_an_answer() -> None:
    assert [Exchange.kind(1), Spot.kind(1), Spot("x").kind(1)] == [
        "Exchange 1",
        "Spot 1",
        "Spot 1",
    ]
    assert [Exchange.other_kind(1), Spot.other_kind(1)] == ["Exchange 1", "Spot 1"]

    Exchange.kind.invalidate(1)
    Spot("x").kind.invalidate(1)

    assert Exchange.kind.peek(1) is None
    assert Spot.kind.peek(1) is None
    if sys.version_info < (3, 13):
        assert Exchange.other_kind.peek(1) is not None
    else:
        with pytest.raises(TypeError, match="write @classmethod below"):
            Exchange.other_kind.peek(1)


def test_a_classmethod_above_the_decorator_is_rejected_where_python_does_not_bind_it() -> None:
    below = vars(Exchange)["other_kind"].__func__
    bound_as_from_python_3_13_on = MethodType(below, Exchange)

    assert bound_as_from_python_3_13_on(5) == "Exchange 5"
    with pytest.raises(TypeError, match="write @classmethod below"):
        below.invalidate("x", 5)


def test_static_methods_have_no_first_argument() -> None:
    assert [Exchange.doubled(2), Exchange.tripled(2)] == [4, 6]
    assert getattr(Exchange("x"), "doubled")(2) == 4  # noqa: B009 - mypy would bind it
    assert Exchange.doubled.peek(2) is not None


def test_an_instance_that_cannot_be_keyed_is_rejected() -> None:
    class Client:
        @Cache().cached(ttl=60)
        def load(self, number: int) -> int:
            return number

    with pytest.raises(TypeError, match=r"argument 'self' of .*Client\.load"):
        Client().load(1)


def test_a_cached_function_looks_like_the_function() -> None:
    @Cache().cached(ttl=60)
    def markets(exchange: str, *, limit: int = 5) -> int:
        """Count markets."""
        return limit * len(exchange)

    assert markets.__name__ == "markets"  # type: ignore[attr-defined]  # functions have it
    assert markets.__doc__ == "Count markets."
    assert str(inspect.signature(markets)) == "(exchange: str, *, limit: int = 5) -> int"
    assert repr(markets).startswith("<cached ")


def test_a_cached_function_is_pickled_by_its_name() -> None:
    exchange = Exchange("binance")

    method = pickle.loads(pickle.dumps(exchange.shown))  # noqa: S301 - our own bytes

    assert method(3) == "binance False 3"


@pytest.mark.parametrize("holder", [Cache(), Cache().namespace("held")])
def test_a_cache_is_not_pickled_and_says_what_to_do(holder: object) -> None:
    for copied in (pickle.dumps, deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied: it belongs"):
            copied(holder)


@dataclass(frozen=True)
class Limits:
    smallest: int

    CACHE: ClassVar[Cache] = Cache()

    @CACHE.cached(ttl=60)
    @classmethod
    def made(cls, smallest: int) -> "Limits":
        return cls(smallest)


def test_a_method_may_return_the_class_that_it_is_in() -> None:
    assert Limits.made(1) == Limits.made(1) == Limits(1)
    assert Limits.CACHE.stats().loads == 1


def test_an_unresolvable_return_annotation_is_rejected_when_called() -> None:
    @Cache().cached(ttl=60)
    def load() -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821 - what is tested
        return 1

    with pytest.raises(TypeError, match="Nowhere"):
        load()  # type: ignore[unused-coroutine]  # mypy does not see that it raises


@pytest.mark.parametrize("uri", ["", "memory", "redis:/x", "redis-cluster://h", "http://h"])
def test_an_invalid_address_is_rejected_at_once(uri: str) -> None:
    with pytest.raises(ValidationError, match="address"):
        Cache(uri)


def test_an_address_with_a_password_is_rejected_and_not_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        Cache("redis://me:not-a-real-password@127.0.0.1")

    assert "not-a-real-password" not in str(caught.value)


def test_functions_of_one_name_that_close_over_different_values_are_rejected() -> None:
    cache = Cache()

    def times(factor: int) -> None:
        @cache.cached(ttl=60)
        def product(number: int) -> int:
            return factor * number

        product(2)

    times(3)
    times(3)
    with pytest.raises(ValidationError, match="closes over other values"):
        times(4)


def test_parameters_may_be_called_anything() -> None:
    @Cache().cached(ttl=60)
    def named(DEFAULT: int, VALUES: int = 2, *, AWAIT: int = 3, ALIAS: int = 4) -> list[int]:  # noqa: N803
        return [DEFAULT, VALUES, AWAIT, ALIAS]

    assert named(1) == [1, 2, 3, 4]
    assert named(DEFAULT=1, AWAIT=5) == [1, 2, 5, 4]


def test_a_parameter_called_self_can_be_given_by_name_everywhere() -> None:
    @Cache().cached(ttl=60)
    def named(self: int) -> int:
        return self

    assert named(self=1) == 1
    assert named.peek(self=1) is not None
    named.invalidate(self=1)
    assert named.peek(self=1) is None


def test_lambdas_do_not_answer_for_each_other() -> None:
    cache = Cache()
    assert cache.cached(ttl=60)(lambda number: number + 1)(1) == 2

    with pytest.raises(ValidationError, match="other code"):
        cache.cached(ttl=60)(lambda number: number * 10)


def _defined(cache: Cache, body: str) -> Any:  # noqa: ANN401 - a function from text has no type
    scope: dict[str, Any] = {"cache": cache, "__name__": "notebook"}
    # The text is written in this file.
    exec(f"@cache.cached(ttl=60)\ndef fee(pair: str) -> float:\n    {body}\n", scope)  # noqa: S102
    return scope["fee"]


def test_a_function_that_is_defined_again_is_not_served_what_its_old_code_returned() -> None:
    cache = Cache()

    bodies = ["return 0.001", "return 0.002", "return 0.001"]

    assert [_defined(cache, body)("BTC/USDT") for body in bodies] == [0.001, 0.002, 0.001]


def test_a_function_that_is_defined_again_with_the_same_code_keeps_its_values() -> None:
    cache = Cache()

    for _ in range(3):
        _defined(cache, "return 0.001")("BTC/USDT")

    assert cache.stats().loads == 1


def test_functions_inside_a_function_do_not_answer_for_each_other() -> None:
    cache = Cache()

    def chosen(*, is_sum: bool) -> None:
        if is_sum:

            @cache.cached(ttl=60)
            def result(number: int) -> int:
                return number + 1
        else:

            @cache.cached(ttl=60)
            def result(number: int) -> int:
                return number * 10

        result(1)

    chosen(is_sum=True)
    chosen(is_sum=True)
    with pytest.raises(ValidationError, match="other code"):
        chosen(is_sum=False)


def test_methods_of_two_instances_do_not_answer_for_each_other() -> None:
    class Client:
        def __init__(self, name: str) -> None:
            self.name = name

        def asked(self, pair: str) -> str:
            return self.name + pair

    cache, binance = Cache(), Client("binance")
    assert cache.cached(ttl=60)(binance.asked)("BTC") == "binanceBTC"
    assert cache.cached(ttl=60)(binance.asked)("BTC") == "binanceBTC"

    with pytest.raises(ValidationError, match="closes over other values"):
        cache.cached(ttl=60)(Client("kraken").asked)


def test_a_refresh_uses_the_arguments_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeTime(monkeypatch)
    may_load, has_refreshed, loads = threading.Event(), threading.Event(), list[int]()
    may_load.set()

    @Cache().cached(ttl=1, stale_for=60)
    def total(numbers: list[int]) -> int:
        may_load.wait(60)
        loads.append(sum(numbers))
        if len(loads) > 1:
            has_refreshed.set()
        return loads[-1]

    numbers = [1, 2]
    total(numbers)
    may_load.clear()
    clock.now += 2
    total(numbers)
    numbers.append(100)
    may_load.set()

    assert has_refreshed.wait(60)
    assert loads == [3, 3]


@pytest.mark.parametrize(
    "thing", [partial(max, 1), property(id), 3], ids=lambda it: type(it).__name__
)
def test_a_callable_without_a_name_is_rejected(thing: Any) -> None:  # noqa: ANN401
    with pytest.raises(TypeError, match=f"a {type(thing).__name__} cannot be cached"):
        Cache().cached(ttl=60)(thing)
