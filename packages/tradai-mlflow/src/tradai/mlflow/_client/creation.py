"""Create things once, also when others create them or answers are lost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.errors import AlreadyExistsError, MLflowError, MLflowNotFoundError

T = TypeVar("T")


def get_or_create(get: Callable[[], T], create: Callable[[], object], deadline: Deadline) -> T:
    """Return what `get` finds, and create it first where nothing is; others may do so as well."""
    rounds = 0
    while True:
        rounds += 1
        try:
            return get()
        except MLflowNotFoundError:
            pass
        try:
            create()
        except MLflowError as exc:
            # Another caller was first, or our own request arrived and its answer did not.
            is_there = isinstance(exc, AlreadyExistsError) or exc.may_have_run
            if not is_there or not deadline.back_off(rounds):
                raise


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Creation(Generic[T]):
    """One thing to create, which carries an operation id.

    Attributes:
        create: Sends the request once.
        find: Returns all things with the operation id, the one to keep first.
        discard: Removes a thing.
        is_ordered: Whether the one to keep is the one that was made first, so that of two calls
            that continue one operation at once, each keeps the same.
    """

    create: Callable[[], T]
    find: Callable[[], Sequence[T]]
    discard: Callable[[T], None]
    is_ordered: bool = False


def create_once(creation: Creation[T], deadline: Deadline, *, look_first: bool) -> T:
    """Return the thing, created by this call or, with `look_first`, by an earlier one.

    A request whose answer is lost is not sent again before a search: it may have been carried out.
    It may even be carried out after the search, by a server that is slow; so a thing that was
    requested twice is looked for once more, and what is there twice is removed. Only a request that
    is carried out after that last search remains unseen.

    Raises:
        MLflowError: As the server said. With ``may_have_run``, the thing may exist.
    """
    there = creation.find() if look_first else ()
    has_rivals = look_first and creation.is_ordered
    requests = 0
    while not there:
        requests += 1
        try:
            made = creation.create()
        except MLflowError as exc:
            if not exc.may_have_run or not deadline.back_off(requests):
                raise
            there = _search(creation)
        else:
            is_alone = requests == 1 and not has_rivals
            there = [made] if is_alone else _search(creation) or [made]
    kept, *surplus = there
    for thing in surplus:
        creation.discard(thing)
    return kept


def _search(creation: Creation[T]) -> Sequence[T]:
    """Look for what an unanswered request may have made."""
    try:
        return creation.find()
    except MLflowError as exc:
        exc.may_have_run = True
        raise
