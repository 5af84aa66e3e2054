"""SecretsManager and SecretsEditor on each stand-in for AWS Secrets Manager."""

import asyncio
import json
import uuid

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic_settings import SettingsConfigDict
from servers.aws import settings_at

from tradai.aws import AwsSettings, SecretsEditor, SecretsManager, client_for
from tradai.aws.testing import VirtualClock
from tradai.core import (
    BaseSettings,
    Secret,
    SecretReference,
    SecretSource,
    redact,
    resolve_secret,
)
from tradai.core.exceptions import (
    ConfigurationError,
    NotFoundError,
    TradAIError,
    ValidationError,
)
from tradai.core.testing import SecretSourceContract

KEYS = json.dumps({"key": "fake-key-1", "secret": "fake-secret-1", "api": {"zone": "eu"}})


class ExchangeKeys(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: SecretStr
    secret: SecretStr


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def secrets(settings: AwsSettings, clock: VirtualClock) -> SecretsManager:
    return SecretsManager(settings, clock=clock)


@pytest.fixture
def editor(settings: AwsSettings) -> SecretsEditor:
    return SecretsEditor(settings)


@pytest.fixture
def name() -> str:
    """A new, unused name."""
    return f"desk/{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize(
    "value", ["fake-value", KEYS, 'fake "quotes" \\ and\n\ttabs', "fake-ünï-日本-🔑", "  fake  "]
)
def test_a_secret_comes_back_as_it_was_written(
    value: str, secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    version_id = editor.create(name, Secret(value))

    secret = secrets.get(name)

    assert secret.reveal() == value
    assert (secret.version_id, secret.stage) == (version_id, "AWSCURRENT")


def test_a_secret_of_64_kib_is_the_largest(
    secrets: SecretsManager, editor: SecretsEditor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # If it were masked for the rest of the session, other tests would take seconds longer.
    monkeypatch.setattr("tradai.core._secrets.secret.register_secret", lambda _: None)
    largest = "fäke" * 13_107 + "."

    editor.create(name, Secret(largest))

    assert len(largest.encode()) == 65_536
    assert secrets.get(name).reveal() == largest
    with pytest.raises(ValidationError, match="at most 65536 bytes"):
        editor.put(name, Secret(f"{largest}."))


def test_a_part_and_a_model_are_read_from_one_secret(
    secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    editor.create(name, Secret(KEYS))

    keys = secrets.get(name, as_=ExchangeKeys).reveal()

    assert keys.secret.get_secret_value() == "fake-secret-1"
    assert secrets.get(f"{name}#api.zone").reveal() == "eu"
    with pytest.raises(NotFoundError, match=r"no key api\.area"):
        secrets.get(f"{name}#api.area")


def test_a_secret_is_found_by_its_arn(
    secrets: SecretsManager, editor: SecretsEditor, settings: AwsSettings, name: str
) -> None:
    editor.create(name, Secret("fake-value"))
    client = client_for("secretsmanager", settings)
    arn = client.describe_secret(SecretId=name)["ARN"]

    assert secrets.get(arn).reveal() == "fake-value"
    assert secrets.prefetch([arn]) == {}


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf", "set AWS_REGION"),
        ("arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a-AbCdEf", "partition aws-cn"),
    ],
)
def test_an_arn_of_another_region_or_partition_is_refused(
    arn: str, reason: str, secrets: SecretsManager
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        secrets.get(arn)


def test_stages_name_versions_until_they_are_moved(
    secrets: SecretsManager, editor: SecretsEditor, settings: AwsSettings, name: str
) -> None:
    old = editor.create(name, Secret("fake-old"))
    new = editor.put(name, Secret("fake-new"), stage="AWSPENDING")
    assert secrets.get(name).version_id == old
    assert secrets.get(f"{name}@AWSPENDING").reveal() == "fake-new"

    editor.move_stage(name, new)

    later = SecretsManager(settings)
    assert later.get(name).reveal() == "fake-new"
    assert later.get(f"{name}@AWSPREVIOUS").reveal() == "fake-old"


def test_a_replaced_value_is_restored_by_moving_the_stage(
    editor: SecretsEditor, settings: AwsSettings, name: str
) -> None:
    old = editor.create(name, Secret("fake-old"))
    editor.put(name, Secret("fake-wrong"))

    editor.move_stage(name, old)

    later = SecretsManager(settings)
    assert later.get(name).reveal() == "fake-old"
    assert later.get(f"{name}@AWSPREVIOUS").reveal() == "fake-wrong"


def test_a_rotation_is_seen_without_a_restart(
    secrets: SecretsManager, editor: SecretsEditor, clock: VirtualClock, name: str
) -> None:
    old = editor.create(name, Secret("fake-old"))
    held = secrets.get(name)
    new = editor.put(name, Secret("fake-new"))

    assert secrets.get(name) is held
    clock.advance(900)

    assert secrets.get(name).version_id == new != old
    assert held.reveal() == "fake-old"


def test_a_refused_login_is_tried_again_with_the_rotated_secret(
    secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    editor.create(name, Secret("fake-old"))
    secrets.get(name)
    editor.put(name, Secret("fake-new"))
    tried: list[str] = []

    def login(secret: Secret) -> str:
        tried.append(secret.reveal())
        if secret.reveal() == "fake-old":
            raise PermissionError
        return "session"

    assert secrets.connect(name, login, refused=PermissionError) == "session"
    assert tried == ["fake-old", "fake-new"]
    assert secrets.get(name).reveal() == "fake-new"


def test_many_tasks_of_one_loop_wait_for_one_secret(
    secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    editor.create(name, Secret("fake-value"))

    async def ask() -> list[str]:
        answers = await asyncio.gather(*(secrets.get_async(name) for _ in range(8)))
        return [secret.reveal() for secret in answers]

    assert asyncio.run(ask()) == ["fake-value"] * 8


def test_a_prefetch_reads_many_secrets_and_names_each_failure(
    secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    names = [f"{name}/{number:02}" for number in range(22)]
    for secret_name in names:
        editor.create(secret_name, Secret(f"fake-{secret_name}"))
    # It is not requested, but a filter by the name of the first one would find it, too.
    editor.create(f"{name}/00-longer", Secret("fake-neighbour"))
    editor.delete(names[5])

    failed = secrets.prefetch([*names, f"{name}/none"])

    assert set(failed) == {f"{name}/none", names[5]}
    assert isinstance(failed[f"{name}/none"], NotFoundError)
    held = {state.reference for state in secrets.states() if state.version_id}
    assert held == {f"aws-sm:{secret_name}" for secret_name in names if secret_name != names[5]}
    revealed = [secrets.get(secret_name).reveal() for secret_name in names[:5]]
    assert revealed == [f"fake-{secret_name}" for secret_name in names[:5]]


def test_a_prefetch_reads_each_stage(
    secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    editor.create(name, Secret("fake-old"))
    editor.put(name, Secret("fake-new"))

    failed = secrets.prefetch([name, f"{name}@AWSPREVIOUS", f"{name}@AWSPENDING"])

    assert {reference: type(error) for reference, error in failed.items()} == {
        f"{name}@AWSPENDING": NotFoundError
    }
    assert secrets.get(name).reveal() == "fake-new"
    assert secrets.get(f"{name}@AWSPREVIOUS").reveal() == "fake-old"


def test_a_missing_secret_or_stage_is_not_found(
    secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    with pytest.raises(NotFoundError, match=name):
        secrets.get(name)
    with pytest.raises(NotFoundError, match=name):
        editor.put(name, Secret("fake-value"))
    with pytest.raises(NotFoundError, match=name):
        editor.delete(name)

    editor.create(name, Secret("fake-value"))

    with pytest.raises(NotFoundError, match=f"{name}@AWSPENDING"):
        secrets.get(f"{name}@AWSPENDING")


def test_an_existing_secret_is_not_created_again(editor: SecretsEditor, name: str) -> None:
    editor.create(name, Secret("fake-value"))

    with pytest.raises(TradAIError) as caught:
        editor.create(name, Secret("fake-other"))

    assert name in str(caught.value)
    assert "fake-other" not in f"{caught.value!r} {vars(caught.value)}"


def test_a_binary_secret_is_refused(
    secrets: SecretsManager, settings: AwsSettings, name: str
) -> None:
    client_for("secretsmanager", settings).create_secret(Name=name, SecretBinary=b"\x00\xff")

    with pytest.raises(ConfigurationError, match="is binary"):
        secrets.get(name)
    assert "is binary" in str(secrets.prefetch([name])[name])


@pytest.mark.parametrize("value", ["fake-text", "[1]", '{"key": 5, "secret": "x"}', '{"key": "x"}'])
def test_a_value_that_does_not_fit_the_model_is_refused_and_not_shown(
    value: str, secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    editor.create(name, Secret(f"  {value}"))

    with pytest.raises(ConfigurationError, match=name) as caught:
        secrets.get(name, as_=ExchangeKeys)

    assert value not in f"{caught.value!r} {vars(caught.value)}"


def test_a_deleted_secret_is_refused_at_once_and_can_be_restored(
    secrets: SecretsManager,
    editor: SecretsEditor,
    settings: AwsSettings,
    clock: VirtualClock,
    name: str,
) -> None:
    editor.create(name, Secret("fake-value"))
    secrets.get(name)

    gone_at = editor.delete(name, recovery_days=7)

    clock.advance(900)
    with pytest.raises(TradAIError, match="restore it"):
        secrets.get(name)
    assert gone_at.utcoffset() is not None
    client_for("secretsmanager", settings).restore_secret(SecretId=name)
    clock.advance(900)
    assert secrets.get(name).reveal() == "fake-value"


@pytest.mark.parametrize("days", [0, 6, 31])
def test_a_deletion_without_a_recovery_period_is_refused(
    days: int, secrets: SecretsManager, editor: SecretsEditor, name: str
) -> None:
    editor.create(name, Secret("fake-value"))

    with pytest.raises(ValidationError, match="7 to 30 days"):
        editor.delete(name, recovery_days=days)

    assert secrets.get(name).reveal() == "fake-value"


class DeskSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ACME_DESK_")

    keys: SecretReference
    token: SecretReference
    pin: SecretReference | None = None


def test_every_reference_of_a_process_is_checked_before_it_begins(
    secrets: SecretsManager,
    editor: SecretsEditor,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_PIN", "fake-pin-1234")
    editor.create(name, Secret(KEYS))
    environ = {
        "ACME_DESK_KEYS": f"aws-sm:{name}",
        "ACME_DESK_TOKEN": f"aws-sm:{name}#api.zone",
        "ACME_DESK_PIN": "env:ACME_PIN",
    }

    assert secrets.check(DeskSettings, environ).pin == "env:ACME_PIN"
    environ |= {"ACME_DESK_KEYS": f"aws-sm:{name}/none", "ACME_DESK_TOKEN": f"aws-sm:{name}#no"}
    with pytest.raises(ConfigurationError) as caught:
        secrets.check(DeskSettings, environ)

    assert "ACME_DESK_KEYS" in str(caught.value)
    assert "ACME_DESK_TOKEN" in str(caught.value)
    assert "ACME_DESK_PIN" not in str(caught.value)
    assert "fake-secret-1" not in str(caught.value)


def test_a_reference_is_resolved_by_its_scheme(
    editor: SecretsEditor, settings: AwsSettings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", str(settings.region))
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(settings.endpoint_url))
    editor.create(name, Secret(KEYS))

    secret = resolve_secret(SecretReference(f"aws-sm:{name}#key"))

    assert secret.reveal() == "fake-key-1"
    assert redact("sent fake-key-1") == "sent ***"


class OnServer(SecretSourceContract):
    server: str

    @pytest.fixture
    def settings(self, request: pytest.FixtureRequest) -> AwsSettings:
        return settings_at(request.getfixturevalue(self.server))

    @pytest.fixture
    def source(self, settings: AwsSettings) -> SecretSource:
        return SecretsManager(settings)

    @pytest.fixture
    def known(self, editor: SecretsEditor, name: str) -> tuple[str, str]:
        value = f"fake-{uuid.uuid4().hex}"
        editor.create(name, Secret(value))
        return f"aws-sm:{name}", value

    @pytest.fixture
    def missing(self) -> str:
        return "aws-sm:desk/nowhere"

    @pytest.fixture
    def empty(self, settings: AwsSettings, name: str) -> str:
        client_for("secretsmanager", settings).create_secret(Name=name, SecretString=" ")
        return f"aws-sm:{name}"


class TestOnLocalStack(OnServer):
    server = "localstack"


class TestOnMinistack(OnServer):
    server = "ministack"


class TestOnMoto(OnServer):
    server = "moto"
