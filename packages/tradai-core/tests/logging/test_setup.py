import asyncio
import copy
import enum
import logging
import pickle
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest
from pydantic import BaseModel

from tradai.core import LoggerMixin, configure_logging

T = TypeVar("T")


class Service(LoggerMixin):
    """A class with a logger."""


class Child(Service):
    """Has a logger of its own name."""


class Plugin(LoggerMixin, BaseModel):
    """A model with a logger."""

    size: int


class LatePlugin(BaseModel, LoggerMixin):
    """The same, the other way round."""

    size: int


@dataclass(frozen=True, slots=True)
class Value(LoggerMixin):
    """A frozen value with a logger."""

    size: int


class Engine:
    """A class whose constructor takes arguments, and knows nothing of others."""

    def __init__(self, size: int, *, name: str = "") -> None:
        self.size, self.name = size, name


class FirstEngine(LoggerMixin, Engine):
    """The mixin first."""


class LastEngine(Engine, LoggerMixin):
    """The mixin last."""


class Cooperative(LoggerMixin, Engine):
    """Passes its arguments on."""

    def __init__(self, size: int, *, extra: str) -> None:
        super().__init__(size, name="cooperative")
        self.extra = extra


class Port(ABC):
    """An abstract base."""

    @abstractmethod
    def work(self) -> str: ...


class Adapter(Port, LoggerMixin, Generic[T]):
    """One of several bases."""

    def work(self) -> str:
        return self.logger.name


class Mode(LoggerMixin, enum.Enum):
    """Values with a logger."""

    LIVE = "live"


class Registered(type):
    """A metaclass that refuses to set attributes."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError(name)


class Sealed(LoggerMixin, metaclass=Registered):
    """A class of that metaclass."""


THINGS = [
    Service(),
    Child(),
    Plugin(size=1),
    LatePlugin(size=1),
    Value(1),
    FirstEngine(1, name="a"),
    LastEngine(1, name="a"),
    Cooperative(1, extra="a"),
    Adapter[int](),
    Mode.LIVE,
    Sealed(),
]


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
def test_a_class_with_the_mixin_has_a_logger_of_its_name(thing: LoggerMixin) -> None:
    assert thing.logger.name == f"{__name__}.{type(thing).__name__}"
    assert thing.logger is thing.logger


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
def test_the_mixin_leaves_nothing_on_the_instance(thing: LoggerMixin) -> None:
    thing.logger.debug("used before")

    assert "logger" not in getattr(thing, "__dict__", {})


@pytest.mark.parametrize(
    "thing", [Plugin(size=1), LatePlugin(size=1), Value(1), Mode.LIVE], ids=repr
)
def test_a_value_with_a_logger_survives_pickling_and_copying(thing: LoggerMixin) -> None:
    thing.logger.debug("used before")

    # A pickle of our own.
    assert pickle.loads(pickle.dumps(thing)) == thing  # noqa: S301
    assert copy.deepcopy(thing) == copy.copy(thing) == thing


def test_the_arguments_of_other_bases_reach_them() -> None:
    thing = Cooperative(3, extra="x")

    assert (thing.size, thing.name, thing.extra) == (3, "cooperative", "x")


def test_a_value_keeps_its_slots() -> None:
    assert not hasattr(Value(1), "__dict__")


def test_a_parent_used_first_does_not_lend_its_logger() -> None:
    class Parent(LoggerMixin):
        pass

    class Heir(Parent):
        pass

    assert Parent().logger is not Heir().logger
    assert Heir().logger.name.endswith("Heir")


def test_a_class_that_brings_a_logger_keeps_it() -> None:
    own = logging.getLogger("tradai.test.own")

    class Own(LoggerMixin):
        logger = own

    assert Own().logger is own


def test_the_logger_is_made_when_it_is_first_asked_for() -> None:
    class Late(LoggerMixin):
        pass

    name = f"{__name__}.{Late.__qualname__}"

    assert name not in logging.root.manager.loggerDict
    assert Late().logger.name == name
    assert name in logging.root.manager.loggerDict


def test_a_class_made_before_logging_is_set_up_has_a_logger_that_renames() -> None:
    class Early(LoggerMixin):
        pass

    configure_logging()

    Early().logger.info("said", extra={"name": "n"})


def test_a_class_may_take_arguments_of_its_own_when_it_is_made() -> None:
    class Keyed:
        keys: tuple[str, ...] = ()

        def __init_subclass__(cls, *, key: str, **kwargs: object) -> None:
            super().__init_subclass__(**kwargs)
            cls.keys = (*cls.keys, key)

    class Thing(LoggerMixin, Keyed, key="k"):
        pass

    assert Thing.keys == ("k",)


def test_many_threads_find_one_logger() -> None:
    class Shared(LoggerMixin):
        pass

    async def find() -> set[logging.Logger]:
        found = await asyncio.gather(
            *(asyncio.to_thread(lambda: Shared().logger) for _ in range(16))
        )
        return set(found)

    assert len(asyncio.run(find())) == 1


def test_logging_costs_nothing_until_it_is_set_up() -> None:
    program = (
        "import sys, logging; from tradai.core import LoggerMixin, configure_logging; "
        "print({'pythonjsonlogger', 'orjson'} & set(sys.modules), logging.getLogger().handlers)"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert answer.stdout == b"set() []\n"
