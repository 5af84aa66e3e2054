"""Records of sessions on servers that speak S3 and DynamoDB: the contract, races, lost answers."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

import pytest
from servers.aws import REGION, new_bucket, settings_at
from servers.fault_proxy import Fault, FaultProxy
from session_race import race, session_record

from tradai.aws import AwsSettings, DynamoDBSessionStore, S3SessionStore, client_for
from tradai.core import backend_for
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    ExternalServiceError,
    NotFoundError,
    StorageError,
    ValidationError,
)
from tradai.core.live import SessionState, SessionStore
from tradai.core.testing import SessionStoreContract

Objects = Literal["localstack", "moto", "seaweedfs"]
Tables = Literal["ministack", "moto"]


def new_table(settings: AwsSettings) -> str:
    """Make a table of sessions and return its URI."""
    name = f"sessions-{uuid.uuid4().hex[:12]}"
    client_for("dynamodb", settings).create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "session", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "session", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return f"dynamodb://{REGION}/{name}"


class TestS3Sessions(SessionStoreContract):
    @pytest.fixture(params=get_args(Objects))
    def open_store(self, request: pytest.FixtureRequest) -> Callable[[], SessionStore]:
        settings = settings_at(request.getfixturevalue(request.param))
        uri = f"s3://{new_bucket(settings)}/sessions/"
        return lambda: S3SessionStore(uri, settings)


class TestDynamoDBSessions(SessionStoreContract):
    @pytest.fixture(params=get_args(Tables))
    def open_store(self, request: pytest.FixtureRequest) -> Callable[[], SessionStore]:
        settings = settings_at(request.getfixturevalue(request.param))
        uri = new_table(settings)
        return lambda: DynamoDBSessionStore(uri, settings)


@pytest.mark.parametrize(
    ("kind", "server", "rounds"),
    [
        ("s3", "seaweedfs", 3),
        ("dynamodb", "ministack", 3),
        *(pytest.param("s3", name, 50, marks=pytest.mark.deep) for name in get_args(Objects)),
        *(pytest.param("dynamodb", name, 50, marks=pytest.mark.deep) for name in get_args(Tables)),
    ],
)
def test_four_processes_never_overwrite_each_other(
    kind: str,
    server: str,
    rounds: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = request.getfixturevalue(server)
    settings = settings_at(url)
    uri = new_table(settings) if kind == "dynamodb" else f"s3://{new_bucket(settings)}/race"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_REGION", REGION)

    race(uri, tmp_path, rounds=rounds)


@pytest.fixture
def table_proxy(ministack: str) -> Iterator[FaultProxy]:
    """A fault proxy in front of a server that speaks DynamoDB."""
    with FaultProxy(ministack) as proxy:
        yield proxy


@pytest.mark.parametrize("action", ["lose", "drop", "cut"])
@pytest.mark.parametrize("kind", ["s3", "dynamodb"])
def test_a_lost_answer_to_any_write_costs_nothing(
    action: Literal["lose", "drop", "cut"], kind: str, table_proxy: FaultProxy, proxy: FaultProxy
) -> None:
    store: SessionStore
    if kind == "dynamodb":
        settings = settings_at(table_proxy.url)
        store = DynamoDBSessionStore(new_table(settings), settings)
        fault = Fault(match="POST", action=action)
        table_proxy.plan(fault)
    else:
        settings = settings_at(proxy.url)
        store = S3SessionStore(f"s3://{new_bucket(settings)}/sessions", settings)
        fault = Fault(match="PUT", action=action)
        proxy.plan(fault)

    for version in (1, 2):
        fault.times = 1
        store.write(session_record(version=version))

        assert fault.times == 0
        assert store.read("trend") == session_record(version=version)

    with pytest.raises(ConflictError):
        store.write(session_record(version=2, owner="another"))


def test_a_table_that_does_not_answer_is_an_error_after_two_attempts(
    table_proxy: FaultProxy,
) -> None:
    settings = settings_at(table_proxy.url)
    store = DynamoDBSessionStore(new_table(settings), settings)
    table_proxy.plan(Fault(match="POST", action="drop", times=99))
    before = table_proxy.count("POST")

    with pytest.raises(ExternalServiceError, match=r"dynamodb://.*sessions-"):
        store.write(session_record())

    assert table_proxy.count("POST") - before == 2


def test_a_server_that_ignores_conditions_is_refused(proxy: FaultProxy) -> None:
    settings = settings_at(proxy.url)
    store = S3SessionStore(f"s3://{new_bucket(settings)}/sessions", settings)
    # The proxy answers for such a server: every write succeeds.
    accepted = Fault(match="PUT", action="answer", status=200, headers={"ETag": '"1"'}, times=99)
    proxy.plan(accepted)

    with pytest.raises(ConfigurationError, match=r"session s3://.*trend.json .*ignores the cond"):
        store.write(session_record())


def test_a_table_has_the_status_of_the_platform_in_an_attribute_of_its_own(ministack: str) -> None:
    settings = settings_at(ministack)
    uri = new_table(settings)
    DynamoDBSessionStore(uri, settings).write(session_record(state=SessionState.DRAINING))

    key = {"session": {"S": "trend"}}
    table = uri.rpartition("/")[2]
    item = client_for("dynamodb", settings).get_item(TableName=table, Key=key)["Item"]

    assert (item["state"], item["status"]) == ({"S": "draining"}, {"S": "running"})


def test_sessions_beyond_one_page_are_listed(moto: str) -> None:
    settings = settings_at(moto)
    store = DynamoDBSessionStore(new_table(settings), settings)
    long = "x" * 2000
    names = [f"s-{number:03}" for number in range(600)]
    for name in names:
        store.write(session_record(session=name, reason=long))

    assert [found.session for found in store.records()] == names


def test_other_items_of_the_table_are_an_error(ministack: str) -> None:
    settings = settings_at(ministack)
    uri = new_table(settings)
    table = uri.rpartition("/")[2]
    item = {"session": {"S": "trend"}, "balance": {"N": "7"}}
    client_for("dynamodb", settings).put_item(TableName=table, Item=item)
    store = DynamoDBSessionStore(uri, settings)

    with pytest.raises(StorageError, match=r"trend in dynamodb://.* is not a session"):
        store.read("trend")
    for version in (1, 2):
        with pytest.raises(StorageError):
            store.write(session_record(version=version))


def test_a_missing_table_is_an_error(ministack: str) -> None:
    store = DynamoDBSessionStore(f"dynamodb://{REGION}/no-such-table", settings_at(ministack))

    with pytest.raises(NotFoundError, match="no-such-table"):
        store.read("trend")


@pytest.mark.parametrize(
    "uri",
    [
        "dynamodb:sessions",
        "dynamodb://sessions",
        "dynamodb://eu-central-1",
        "dynamodb://eu-central-1/a/b",
    ],
)
def test_an_address_without_a_region_or_a_table_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match="eu-central-1/sessions"):
        backend_for("tradai.sessions", uri)
