"""Another process does its whole work between any two requests of an operation."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import pytest
from servers.aws import new_bucket, settings_at
from servers.fault_proxy import Fault, FaultProxy
from session_race import session_record

from tradai.aws import (
    AwsSettings,
    S3LeaseStore,
    S3SessionStore,
    S3Store,
    SecretsEditor,
    SecretsManager,
    client_for,
)
from tradai.core import Lease, Secret
from tradai.core.exceptions import ConflictError, NotFoundError

# A client of boto3 of any service.
Client: TypeAlias = Any


@dataclass
class Rival:
    """Does its work before request number `at`, counted from 0."""

    work: Callable[[], object]
    at: int
    has_come: bool = False
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __call__(self, **_: object) -> None:
        if next(self.numbers) == self.at:
            self.has_come = True
            self.work()


@contextmanager
def rival_of(client: Client, work: Callable[[], object], *, at: int) -> Iterator[Rival]:
    """Let a rival do its work between the requests of `client`, which is not the rival's own."""
    rival = Rival(work, at)
    client.meta.events.register("before-send", rival)
    try:
        yield rival
    finally:
        client.meta.events.unregister("before-send", rival)


@pytest.fixture
def ours(localstack: str) -> AwsSettings:
    """Settings of the operation."""
    return settings_at(localstack, max_attempts=2)


@pytest.fixture
def theirs(localstack: str) -> AwsSettings:
    """Settings of the rival."""
    return settings_at(localstack)


@pytest.fixture
def base(theirs: AwsSettings) -> str:
    return f"s3://{new_bucket(theirs)}"


def test_an_object_that_is_overwritten_while_it_is_copied_is_copied_whole(
    ours: AwsSettings, theirs: AwsSettings, base: str
) -> None:
    store, other = S3Store(ours), S3Store(theirs)
    for at in itertools.count():
        other.write(f"{base}/source", b"old")
        work = partial(other.write, f"{base}/source", b"new")
        with rival_of(client_for("s3", ours), work, at=at) as rival:
            etag = store.copy(f"{base}/source", f"{base}/target")

        copied = other.read(f"{base}/target")
        assert (copied.data, copied.etag) == (b"new" if rival.has_come else b"old", etag)
        if not rival.has_come:
            break
    assert at == 2


def test_an_object_that_is_deleted_while_it_is_copied_is_the_one_that_is_not_found(
    ours: AwsSettings, theirs: AwsSettings, base: str
) -> None:
    store, other = S3Store(ours), S3Store(theirs)
    for at in range(2):
        other.write(f"{base}/source", b"old")
        with (
            rival_of(client_for("s3", ours), partial(other.delete, f"{base}/source"), at=at),
            pytest.raises(NotFoundError, match=f"{base}/source: it does not exist") as caught,
        ):
            store.copy(f"{base}/source", f"{base}/target")

        assert caught.value.key == f"{base}/source"
        assert [*other.list(f"{base}/")] == []


def test_a_read_that_is_cut_and_overwritten_begins_again(
    proxy: FaultProxy, theirs: AwsSettings, base: str
) -> None:
    ours, other, uri = settings_at(proxy.url), S3Store(theirs), f"{base}/key"
    other.write(uri, b"old" * 1_000)
    store, client = S3Store(ours), client_for("s3", ours)
    for read in (store.read, partial(store.fetch_if_changed, etag='"other"')):
        new = uuid.uuid4().bytes * 1_000
        proxy.plan(Fault(match="GET", action="cut", keep=100))

        # The first request is answered in part, and the second is for the rest.
        with rival_of(client, partial(other.write, uri, new), at=1):
            found = read(uri)

        assert found is not None
        assert found.data == new


def test_a_deletion_is_not_taken_for_a_server_that_ignores_conditions(
    ours: AwsSettings, theirs: AwsSettings, base: str
) -> None:
    # Sessions and leases limit the time of a request to this.
    brief = ours.model_copy(update={"connect_timeout_s": 2, "read_timeout_s": 2})
    other, client = S3Store(theirs), client_for("s3", brief)
    for at in range(4):
        session, lease = f"{base}/{at}/sessions", f"{base}/{at}/lease"

        with rival_of(client, partial(other.delete, f"{session}/trend.json"), at=at):
            S3SessionStore(session, ours).write(session_record())
        with rival_of(client, partial(other.delete, lease), at=at):
            assert Lease(S3LeaseStore(lease, ours), name="binance-1").acquire()


def test_a_stage_that_a_rival_moves_to_the_same_version_is_moved(
    ours: AwsSettings, theirs: AwsSettings
) -> None:
    other = SecretsEditor(theirs)
    for at in range(2):
        name = f"rivals/{uuid.uuid4().hex}"
        first = other.create(name, Secret("fake-value-1"))
        second = other.put(name, Secret("fake-value-2"))

        work = partial(other.move_stage, name, first)
        with rival_of(client_for("secretsmanager", ours), work, at=at):
            SecretsEditor(ours).move_stage(name, first)

        held = SecretsManager(theirs)
        assert held.get(name).version_id == first
        # The version before is still there to go back to.
        assert held.get(f"{name}@AWSPREVIOUS").version_id == second


def test_a_stage_that_a_rival_moves_elsewhere_is_a_conflict(
    ours: AwsSettings, theirs: AwsSettings
) -> None:
    other, name = SecretsEditor(theirs), f"rivals/{uuid.uuid4().hex}"
    first = other.create(name, Secret("fake-value-1"))
    other.put(name, Secret("fake-value-2"))

    work = partial(other.put, name, Secret("fake-value-3"))
    with (
        rival_of(client_for("secretsmanager", ours), work, at=1),
        pytest.raises(ConflictError, match=f"the stage AWSCURRENT of aws-sm:{name} was moved to"),
    ):
        SecretsEditor(ours).move_stage(name, first)

    assert SecretsManager(theirs).get(name).reveal() == "fake-value-3"
