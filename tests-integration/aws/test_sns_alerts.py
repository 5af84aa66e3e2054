"""Alerts through topics of SNS, read from a queue that is subscribed to them."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from servers.aws import REGION, settings_at

from tradai.aws import Arn, AwsSettings, SnsChannel, client_for
from tradai.core import backend_for
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.live import Alert, AlertChannel
from tradai.core.testing import AlertChannelContract

ALERT = Alert(
    kind="halt",
    sentence="the drawdown is 12 %",
    facts={"halt": 3},
    at=datetime(2025, 1, 1, tzinfo=UTC),
)


class Topic:
    """A topic and a queue that gets its messages."""

    def __init__(self, settings: AwsSettings) -> None:
        name = f"alerts-{uuid.uuid4().hex[:12]}"
        sns = client_for("sns", settings)
        self.sqs = client_for("sqs", settings)
        self.arn = sns.create_topic(Name=name)["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        names = ["QueueArn"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)
        queue_arn = found["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue_arn)

    def received(self, number: int) -> list[dict[str, Any]]:
        """Wait for so many messages, and return their envelopes in the order of sending."""
        envelopes: list[dict[str, Any]] = []
        while len(envelopes) < number:
            answer = self.sqs.receive_message(
                QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for message in answer.get("Messages", ()):
                envelopes.append(json.loads(message["Body"]))
                receipt = message["ReceiptHandle"]
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=receipt)
        return envelopes


@pytest.fixture(params=["ministack", "moto"])
def settings(request: pytest.FixtureRequest) -> AwsSettings:
    return settings_at(request.getfixturevalue(request.param))


@pytest.fixture
def topic(settings: AwsSettings) -> Topic:
    return Topic(settings)


class TestSnsAlerts(AlertChannelContract):
    @pytest.fixture
    def channel(self, topic: Topic, settings: AwsSettings) -> AlertChannel:
        return SnsChannel(Arn.parse(topic.arn), settings)

    @pytest.fixture
    def received(self, topic: Topic) -> Callable[[int], list[str]]:
        return lambda number: [envelope["Message"] for envelope in topic.received(number)]


def test_a_message_has_a_subject_for_mails(
    topic: Topic, settings: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.endpoint_url is not None
    monkeypatch.setenv("AWS_ENDPOINT_URL", settings.endpoint_url)

    # The region is that of the topic, whatever the environment says.
    backend_for("tradai.alerts", f"sns:{topic.arn}").send(ALERT)

    (envelope,) = topic.received(1)
    assert envelope["Subject"] == "tradai halt"
    assert envelope["Message"].splitlines() == [
        "halt: the drawdown is 12 %",
        "at: 2025-01-01T00:00:00+00:00",
        "halt: 3",
    ]


def test_a_missing_topic_is_an_error(settings: AwsSettings) -> None:
    arn = Arn.parse(f"arn:aws:sns:{REGION}:123456789012:no-such-topic")

    with pytest.raises(NotFoundError, match="no-such-topic"):
        SnsChannel(arn, settings).send(ALERT)


@pytest.mark.parametrize(
    "uri",
    [
        "sns:alerts",
        f"sns:arn:aws:sqs:{REGION}:123456789012:alerts",
        "sns:arn:aws:sns::123456789012:alerts",
        f"sns:arn:aws:sns:{REGION}:123456789012:alerts.fifo",
        f"sns:arn:aws:sns:{REGION}:123456789012:alerts:11111111-2222",
    ],
)
def test_an_address_that_is_not_a_standard_topic_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError):
        backend_for("tradai.alerts", uri)
