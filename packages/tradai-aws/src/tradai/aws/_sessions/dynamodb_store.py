"""Records of trading sessions in a table of DynamoDB."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol, TypeAlias, final

from tradai.aws._client.client import client_for
from tradai.aws._client.errors import translated
from tradai.aws._client.settings import AwsSettings, impatient
from tradai.core.exceptions import ConflictError, StorageError, ValidationError
from tradai.core.live import SessionRecord, check_session_name

# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any
_Item: TypeAlias = Mapping[str, Mapping[str, Any]]

_URI: Final = re.compile(r"dynamodb://([a-z]{2}(?:-[a-z]+)+-[0-9])/([A-Za-z0-9_.-]{3,255})")
_EXPECTED: Final = "dynamodb://REGION/TABLE, for example dynamodb://eu-central-1/sessions"
_SERVICE: Final = "dynamodb"


class DynamoDBClient(Protocol):
    """Methods of boto3's client that are called."""

    def get_item(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Return an item."""
        ...

    def put_item(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Write an item."""
        ...

    def scan(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Return a page of items."""
        ...


@final
class DynamoDBSessionStore:
    """Records of sessions in a table whose partition key is ``session``, a string.

    Each item has the record, and in attributes of their own: version, state, the status that the
    platform stores, the run and the instant of the heartbeat. Writes are conditional and reads
    consistent. Nothing else belongs into the table.
    """

    def __init__(self, uri: str, settings: AwsSettings | None = None) -> None:
        """Use the table at `uri`, with `settings`, by default those of the environment now.

        The region is that of `uri`. Timeouts and attempts are those of `settings`, but at most 2
        seconds and 2 attempts.

        Raises:
            ValidationError: `uri` does not name a region and a table.
        """
        match = _URI.fullmatch(uri)
        if match is None:
            message = f"{uri} does not name a table of sessions: expected {_EXPECTED}"
            raise ValidationError(message, field="uri", expected=_EXPECTED)
        region, self._table = match.groups()
        changes = {"region": region}
        self._settings = impatient((settings or AwsSettings()).model_copy(update=changes))
        self._uri = uri

    @classmethod
    def for_uri(cls, uri: str) -> "DynamoDBSessionStore":
        """Return the records in the table at `uri`.

        Raises:
            ValidationError: `uri` does not name a region and a table.
        """
        return cls(uri)

    def read(self, session: str) -> SessionRecord | None:
        """Return the record of `session`; None before the first write."""
        key = {"session": {"S": check_session_name(session)}}
        with translated(_SERVICE, "get_item", self._uri):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        return self._record(item) if item else None

    def write(self, record: SessionRecord) -> None:
        """Write `record` over the one whose version is smaller by one; version 1 over none.

        Raises:
            ConflictError: The table has another version, or none.
            AwsError: DynamoDB refused or did not answer.
        """
        try:
            self._put(record)
        except ConflictError as exc:
            # An attempt whose answer was lost may have written it.
            if self.read(record.session) == record:
                return
            message = (
                f"cannot write the session {record.session} to {self._uri}: it has changed or is "
                "gone; read it again"
            )
            raise ConflictError(message, operation="put_item", service=_SERVICE) from exc

    def records(self) -> Iterator[SessionRecord]:
        """Yield the records of all sessions, sorted by name."""
        found = [self._record(item) for item in self._items()]
        yield from sorted(found, key=lambda record: record.session)

    @property
    def _client(self) -> DynamoDBClient:
        client: DynamoDBClient = client_for(_SERVICE, self._settings)
        return client

    def _put(self, record: SessionRecord) -> None:
        condition: dict[str, Parameter] = {
            "ConditionExpression": "#version = :before",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":before": {"N": str(record.version - 1)}},
        }
        if record.version == 1:
            condition = {"ConditionExpression": "attribute_not_exists(#session)"}
            condition["ExpressionAttributeNames"] = {"#session": "session"}
        with translated(_SERVICE, "put_item", self._uri):
            self._client.put_item(TableName=self._table, Item=_item(record), **condition)

    def _items(self) -> Iterator[_Item]:
        start: dict[str, Parameter] = {}
        while True:
            with translated(_SERVICE, "scan", self._uri):
                page = self._client.scan(TableName=self._table, ConsistentRead=True, **start)
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _record(self, item: _Item) -> SessionRecord:
        text = item.get("record", {}).get("S")
        place = f"{item['session']['S']} in {self._uri}"
        if not isinstance(text, str):
            message = f"the item {place} is not a session: give sessions a table of their own"
            raise StorageError(message, operation="read", service=_SERVICE)
        return SessionRecord.from_bytes(text.encode(), place=place)


def _item(record: SessionRecord) -> _Item:
    return {
        "session": {"S": record.session},
        "version": {"N": str(record.version)},
        "state": {"S": record.state.value},
        "status": {"S": record.status.value},
        "run_id": {"S": record.run_id},
        "beat_at": {"S": record.beat_at.isoformat()},
        "record": {"S": record.to_bytes().decode()},
    }
