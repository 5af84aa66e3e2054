"""References to secrets: a grammar, parts, and secrets that are looked up late."""

import copy
import json
import pickle
import re
import traceback
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath
from types import FrameType
from typing import Any

import pydantic
import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict, SecretStr

from tradai.core import EnvironmentSecrets, Secret, SecretReference, redact, resolve_secret
from tradai.core.exceptions import ConfigurationError, NotFoundError, ValidationError
from tradai.core.testing import ScriptedSecrets

FAKE = "planted-fake-value-7"


class Login(BaseModel):
    model_config = ConfigDict(frozen=True)

    user: str
    password: SecretStr


class Holder(BaseModel):
    reference: SecretReference | None = None
    token: Secret | None = None
    pin: Secret[int] | None = None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("env:API_KEY", ("env", "API_KEY", None, None)),
        ("env:LOGIN#password", ("env", "LOGIN", "password", None)),
        ("file:/run/secrets/key", ("file", "/run/secrets/key", None, None)),
        ("file:keys/a@b.json#a.b", ("file", "keys/a@b.json", "a.b", None)),
        ("aws-sm:trading/binance", ("aws-sm", "trading/binance", None, None)),
        ("aws-sm:a#json.key@AWSPREVIOUS", ("aws-sm", "a", "json.key", "AWSPREVIOUS")),
        ("aws-sm:a@v1.2", ("aws-sm", "a", None, "v1.2")),
        (
            "aws-sm:arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf#k",
            ("aws-sm", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf", "k", None),
        ),
    ],
)
def test_a_reference_has_parts(text: str, parts: tuple[str | None, ...]) -> None:
    reference = SecretReference(text)

    assert (reference.scheme, reference.name, reference.key, reference.stage) == parts
    assert f"{reference}" == str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        FAKE,
        f"fakescheme:{FAKE}",
        f"postgres://user:{FAKE}@host/db",
        "",
        "env:",
        "env:1A",
        "env:A-B",
        "env:A\n",
        "env:\u0661",
        "env:A@stage",
        "env:A#",
        "env:A#a..b",
        "file:",
        "file:/a b",
        "aws-sm:",
        "aws-sm:a#k#k",
        "aws-sm:a@s#k",
        "aws-sm:a@",
        "aws-sm:a b",
        "ENV:NAME",
    ],
)
def test_other_text_is_not_a_reference_and_is_not_quoted(text: str) -> None:
    with pytest.raises(ValidationError, match="expected a reference to a secret") as caught:
        SecretReference(text)

    assert FAKE not in f"{caught.value!r} {vars(caught.value)}"
    # This frame holds the text; the ones of the package must not.
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert FAKE not in str([frame.locals for frame in shown.stack[1:]])


@given(st.text(max_size=40))
def test_text_is_a_reference_or_refused_with_our_error(text: str) -> None:
    try:
        reference = SecretReference(text)
    except ValidationError:
        return

    assert SecretReference(str(reference)) == text
    assert reference.whole.key is None


def test_a_reference_is_copied_and_pickled_whole() -> None:
    reference = SecretReference("aws-sm:a#k@s")

    for twin in (copy.deepcopy(reference), pickle.loads(pickle.dumps(reference))):  # noqa: S301
        assert (type(twin), twin, twin.stage) == (SecretReference, reference, "s")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("file:keys/a#b", "file:/etc/bot/keys/a#b"),
        ("file:/keys/a", "file:/keys/a"),
        ("env:KEYS", "env:KEYS"),
        ("aws-sm:keys/a", "aws-sm:keys/a"),
    ],
)
def test_only_a_relative_file_is_taken_from_a_folder(text: str, taken: str) -> None:
    assert SecretReference(text).below(PurePath("/etc/bot")) == taken


def test_a_field_takes_a_reference_and_refuses_a_literal() -> None:
    holder = Holder.model_validate({"reference": "env:API_KEY#a"})

    assert holder.reference is not None
    assert holder.reference.key == "a"
    assert json.loads(holder.model_dump_json())["reference"] == "env:API_KEY#a"
    with pytest.raises(pydantic.ValidationError, match="expected a reference to a secret"):
        Holder.model_validate({"reference": FAKE})


def test_a_secret_is_resolved_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_FAKE_KEY", FAKE)

    secret = resolve_secret(SecretReference("env:TRADAI_FAKE_KEY"))

    assert secret.reveal() == FAKE
    assert FAKE not in f"{secret!r} {secret}"


@pytest.mark.parametrize(("key", "value"), [("a", "x-value"), ("b.c", "y-value")])
def test_a_key_reads_a_part_of_json(key: str, value: str) -> None:
    source = EnvironmentSecrets({"LOGIN": '{"a": "x-value", "b": {"c": "y-value"}}'})

    secret = resolve_secret(SecretReference(f"env:LOGIN#{key}"), source=source)

    assert secret.reveal() == value
    assert value not in redact(f"it is {value}")


def test_a_stage_is_asked_of_the_source_and_a_key_is_not() -> None:
    source = ScriptedSecrets({"aws-sm:a@v1": '{"k": "fake-value"}'})

    assert resolve_secret(SecretReference("aws-sm:a#k@v1"), source=source).reveal() == "fake-value"
    assert source.asked == ["aws-sm:a@v1"]


def test_a_whole_secret_is_read_into_a_type() -> None:
    reference = SecretReference("aws-sm:login")
    source = ScriptedSecrets({reference: json.dumps({"user": "me", "password": FAKE})})

    login = resolve_secret(reference, kind=Login, source=source)

    assert login.reveal().password.get_secret_value() == FAKE
    assert FAKE not in f"{login!r} {login}"


@pytest.mark.parametrize(
    ("text", "reference", "error", "message"),
    [
        ("{}", "aws-sm:a#k", NotFoundError, "has no key k"),
        ('{"k": 1}', "aws-sm:a#k.l", NotFoundError, "has no key k.l"),
        (FAKE, "aws-sm:a#k", ConfigurationError, "is not JSON"),
        ("[" * 3_000, "aws-sm:a#k", ConfigurationError, "is not JSON"),
        ("9" * 5_000, "aws-sm:a#k", ConfigurationError, "is not JSON"),
        (f'{{"k": "x", "k": "{FAKE}"}}', "aws-sm:a#k", ConfigurationError, "has a key twice"),
        (f'{{"l": {{"{FAKE}": 1, "{FAKE}": 2}}}}', "aws-sm:a#k", ConfigurationError, "key twice"),
        ('{"k": 5}', "aws-sm:a#k", ConfigurationError, "is not text"),
        ('{"k": " "}', "aws-sm:a#k", ConfigurationError, "is not text"),
        (f'{{"k": ["{FAKE}"]}}', "aws-sm:a#k", ConfigurationError, "is not text"),
    ],
)
def test_a_missing_part_is_refused_and_not_shown(
    text: str, reference: str, error: type[Exception], message: str
) -> None:
    asked = SecretReference(reference)

    with pytest.raises(error, match=message) as caught:
        resolve_secret(asked, source=ScriptedSecrets({asked.whole: text}))

    assert caught.value.__cause__ is caught.value.__context__ is None
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert FAKE not in str(shown.stack[-1].locals)


def test_a_value_of_another_type_is_refused_strictly() -> None:
    reference = SecretReference("aws-sm:a#pin")
    source = ScriptedSecrets({"aws-sm:a": '{"pin": "7"}'})

    with pytest.raises(ConfigurationError, match="is not int"):
        resolve_secret(reference, kind=int, source=source)


def test_a_secret_goes_in_and_out_of_pydantics_own() -> None:
    secret = Secret(SecretStr(FAKE))

    assert secret == Secret(FAKE)
    assert SecretStr(secret.reveal()).get_secret_value() == FAKE


def test_a_field_holds_a_secret_and_never_dumps_it() -> None:
    holder = Holder.model_validate({"token": SecretStr(FAKE), "pin": 1234})

    assert holder.token is not None
    assert holder.token.reveal() == FAKE
    assert holder.pin == Secret(1234)
    assert FAKE not in f"{holder!r} {holder.model_dump_json()} {holder.model_dump()}"


@pytest.mark.parametrize(
    ("value", "written", "shown"),
    [
        (918273645, "pin 918273645", "pin ***"),
        ({"pin": -918273646}, "pin -918273646", "pin ***"),
        (b"inner-fake-bytes", "sent b'inner-fake-bytes'", "sent b'***'"),
        (b"\xff\x00fake-bytes", repr(b"\xff\x00fake-bytes"), "b'***'"),
        (54321, "port 54321", "port 54321"),
        (True, "True", "True"),
        ([10**5_000], "too long to be spelled", "too long to be spelled"),
    ],
    ids=["number", "number inside", "bytes", "odd bytes", "short number", "boolean", "long number"],
)
def test_numbers_and_bytes_inside_a_secret_are_masked_in_texts(
    value: object, written: str, shown: str
) -> None:
    Secret(value)

    assert redact(written) == shown


def test_every_text_inside_a_secret_is_masked() -> None:
    Secret({"a": ["inner-fake-text-1"], "b": {"c": "inner-fake-text-2"}})
    Secret(Login(user="me", password=SecretStr("inner-fake-text-3")))

    assert redact("inner-fake-text-1 inner-fake-text-2 inner-fake-text-3") == "*** *** ***"


def test_text_that_is_not_made_a_reference_is_refused_and_not_shown() -> None:
    resolve: Any = resolve_secret

    for text in (FAKE, f"env:{FAKE}", None):
        said = re.escape('a SecretReference, such as SecretReference("env:NAME")')
        with pytest.raises(ValidationError, match=said) as caught:
            resolve(text)
        assert FAKE not in "".join(traceback.format_exception(caught.value))
        assert all(FAKE not in repr(frame.f_locals) for frame, _ in _own_frames(caught.value))


def _own_frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """Yield the frames of the project, without the one of the test."""
    return islice(traceback.walk_tb(error.__traceback__), 1, None)
