"""Alerts as messages of a topic of Amazon SNS."""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeAlias, final

from tradai.aws._client.arn import Arn
from tradai.aws._client.client import client_for
from tradai.aws._client.errors import translated
from tradai.aws._client.settings import AwsSettings, impatient
from tradai.core.exceptions import ValidationError
from tradai.core.live import Alert

# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any

_EXPECTED: Final = "sns: and the ARN of a standard topic, sns:arn:aws:sns:REGION:ACCOUNT:TOPIC"
# SNS takes 256 KiB.
_LARGEST_BYTES: Final = 250_000


class SnsClient(Protocol):
    """Method of boto3's client that is called."""

    def publish(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Send a message to a topic."""
        ...


@final
class SnsChannel:
    """Alerts to a topic, whose subscribers are people: mail, telephone, or a chat."""

    def __init__(self, topic: Arn, settings: AwsSettings | None = None) -> None:
        """Use `topic`, with `settings`, by default those of the environment now.

        The region is that of `topic`. Timeouts and attempts are those of `settings`, but at most 2
        seconds and 2 attempts.
        """
        changes = {"region": topic.region}
        self._settings = impatient((settings or AwsSettings()).model_copy(update=changes))
        self._topic = str(topic)

    @classmethod
    def for_uri(cls, uri: str) -> "SnsChannel":
        """Return the channel for ``sns:`` and the ARN of a topic.

        Raises:
            ValidationError: `uri` does not name a standard topic.
        """
        topic = Arn.parse(uri.partition(":")[2])
        if topic.service != "sns" or not topic.region or not _is_standard(topic.resource):
            message = f"{uri} does not name a topic of alerts: expected {_EXPECTED}"
            raise ValidationError(message, field="uri", expected=_EXPECTED)
        return cls(topic)

    def send(self, alert: Alert) -> None:
        """Publish `alert`.

        Raises:
            NotFoundError: There is no such topic.
            AwsError: SNS refused or did not answer.
        """
        client: SnsClient = client_for("sns", self._settings)
        with translated("sns", "publish", self._topic):
            client.publish(
                TopicArn=self._topic, Subject=f"tradai {alert.kind}"[:100], Message=_message(alert)
            )


def _is_standard(name: str) -> bool:
    # A topic with subscribers in order takes an id for each message.
    return ":" not in name and not name.endswith(".fifo")


def _message(alert: Alert) -> str:
    lines = [alert.text, f"at: {alert.at.isoformat()}"]
    lines += [f"{name}: {_fact_text(fact)}" for name, fact in alert.facts.items()]
    return "\n".join(lines).encode()[:_LARGEST_BYTES].decode(errors="ignore")


def _fact_text(fact: object) -> str:
    return fact if isinstance(fact, str) else json.dumps(fact, default=str)
