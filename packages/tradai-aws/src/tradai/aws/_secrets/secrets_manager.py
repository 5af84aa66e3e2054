"""Secrets from AWS Secrets Manager, held so that readers neither wait nor get what is too old."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar, final, overload

from tradai.aws._client.settings import AwsSettings
from tradai.aws._secrets.batches import read_many
from tradai.aws._secrets.boto_client import SecretsClient, boto3_client
from tradai.aws._secrets.checks import load_checked
from tradai.aws._secrets.failure import SecretState
from tradai.aws._secrets.held_secret import HeldSecret, Reading
from tradai.aws._secrets.held_secrets import SecretHoldings, View
from tradai.aws._secrets.identity import SCHEME, SecretIdentity, reference_to
from tradai.aws._secrets.policy import SecretsPolicy
from tradai.aws._secrets.requests import SecretRequests
from tradai.aws._secrets.slot import SecretSlot
from tradai.aws._secrets.views import made, require_kind
from tradai.core import BaseSettings, Secret
from tradai.core.exceptions import ConfigurationError, TradAIError

__all__ = ["SecretsManager"]

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S", bound=BaseSettings)

_REFERENCE_EXPECTED: Final = "aws-sm:name, with #key for a part of JSON and @stage for a version"


@final
class SecretsManager:
    """Secrets of one account, region and endpoint, each read once and then held for a while.

    A name is ``name#json.key@stage``, with an ARN in place of the name if you like; without a
    stage the present version is meant. A held secret is served without a lock. Once it is no
    longer fresh it is still served at once, while one thread refreshes it behind the readers. When
    AWS does not answer, it is served up to the bound of the policy, and tells its age. When AWS
    says no (access denied, not found, not decrypted), nothing is served.

    Any number of threads and tasks may share it, and it goes on after a fork. Pickling it takes
    along how to ask, and nothing that is held.
    """

    def __init__(
        self,
        settings: AwsSettings | None = None,
        *,
        policy: SecretsPolicy | None = None,
        client: SecretsClient | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Hold nothing yet; AWS is asked when the first secret is.

        Args:
            settings: Which AWS; by default what the environment says now.
            policy: How long a secret may be served.
            client: What to ask instead of boto3's client for `settings`.
            clock: Seconds that never jump; by default `time.monotonic`.
        """
        self._settings = settings or AwsSettings()
        self._policy = policy or SecretsPolicy()
        self._given = client
        self._clock = clock or time.monotonic
        self._requests = SecretRequests(
            self._client, clock=self._clock, account=self._settings.account
        )
        self._held = SecretHoldings(self._new_slot, self._policy.most)
        # One look-up less on the way that is taken most.
        self._views = self._held.views

    @classmethod
    def shared(cls, settings: AwsSettings | None = None) -> "SecretsManager":
        """Return the one manager for `settings` in this process; by default the environment's."""
        wanted = settings or AwsSettings()
        return _SHARED.get(wanted) or _SHARED.setdefault(wanted, cls(wanted))

    @classmethod
    def for_uri(cls, uri: str) -> "SecretsManager":
        """Return the source of every ``aws-sm:`` reference: the shared manager."""
        del uri
        return cls.shared()

    @overload
    def get(self, name: str) -> HeldSecret[str]: ...
    @overload
    def get(self, name: str, *, as_: type[T]) -> HeldSecret[T]: ...
    def get(self, name: str, *, as_: type[Any] = str) -> HeldSecret[Any]:
        """Return the secret `name`, or the part of it that the name's key names.

        Args:
            name: ``name#json.key@stage``, with or without ``aws-sm:`` before it.
            as_: Text by default; or a frozen pydantic model, read from JSON, strictly.

        Raises:
            NotFoundError: There is no such secret, no such version, or no such key in it.
            ConfigurationError: Its value is not what was asked for; it is in another account,
                partition or region; or region or credentials are missing. No value is quoted.
            AwsError: AWS refused; or it does not answer, and nothing may be served instead.
            ValidationError: `name` is no name, or `as_` could be changed by who gets it.
        """
        secret = self._fresh(name, as_)
        if secret is not None:
            return secret
        slot = self._slot(name, as_)
        return self._view(name, as_, slot, slot.ready() or slot.awaited())

    @overload
    async def get_async(self, name: str) -> HeldSecret[str]: ...
    @overload
    async def get_async(self, name: str, *, as_: type[T]) -> HeldSecret[T]: ...
    async def get_async(self, name: str, *, as_: type[Any] = str) -> HeldSecret[Any]:
        """Return what `get` does, and let the event loop go on where that would wait."""
        secret = self._fresh(name, as_)
        if secret is not None:
            return secret
        slot = self._slot(name, as_)
        return self._view(name, as_, slot, slot.ready() or await _landed(slot))

    def resolve(self, reference: str) -> Secret:
        """Return the secret that `reference` names; see `SecretSource`."""
        if not reference.startswith(SCHEME):
            # It may be the secret itself, and a traceback may show what this frame holds.
            del reference
            message = f"a secret reference is not usable: expected {_REFERENCE_EXPECTED}"
            raise ConfigurationError(message)
        return self.get(reference)

    def report_auth_failure(self, version_id: str) -> None:
        """Have a version that did not open what it should read again, and wait for that.

        AWS is asked once for each version, whoever reports it and how often; then `get` returns
        what is current. A failure to ask is not raised here.

        Args:
            version_id: `HeldSecret.version_id` of the secret that was refused.
        """
        for slot in list(self._held.slots.values()):
            slot.reject(version_id)

    @overload
    def connect(
        self,
        name: str,
        login: Callable[[HeldSecret[str]], R],
        *,
        refused: type[Exception] | tuple[type[Exception], ...],
    ) -> R: ...
    @overload
    def connect(
        self,
        name: str,
        login: Callable[[HeldSecret[T]], R],
        *,
        refused: type[Exception] | tuple[type[Exception], ...],
        as_: type[T],
    ) -> R: ...
    def connect(
        self,
        name: str,
        login: Callable[[HeldSecret[Any]], R],
        *,
        refused: type[Exception] | tuple[type[Exception], ...],
        as_: type[Any] = str,
    ) -> R:
        """Return what `login` makes of the secret; once more, if it was rotated meanwhile.

        Args:
            name: As for `get`.
            login: What needs the secret.
            refused: What `login` raises when the secret is not accepted.
            as_: As for `get`.

        Raises:
            Exception: What `login` raised; without a second try when there is no newer version.
        """
        secret = self.get(name, as_=as_)
        try:
            return login(secret)
        except refused as exc:
            refusal = exc
        # Here, so that no error of ours carries one of theirs along, which may quote the secret.
        self.report_auth_failure(secret.version_id)
        newer = self.get(name, as_=as_)
        if newer.version_id == secret.version_id:
            raise refusal
        return login(newer)

    def prefetch(self, names: Iterable[str]) -> dict[str, TradAIError]:
        """Read many secrets with as few requests as may be, and hold them; return what failed.

        Present versions are asked for twenty at a time; other stages, and all when the right to
        ask for many is missing, one by one. What is still fresh is not asked for.
        """
        wanted = {name: self._slot(name, str) for name in names}
        due = {slot.identity: slot for slot in wanted.values() if not slot.is_fresh()}
        outcomes = read_many(self._requests, list(due)) if due else {}
        for identity, outcome in outcomes.items():
            slot = due[identity]
            slot.take(outcome) if isinstance(outcome, Reading) else slot.fail(outcome)
        failures = {name: slot.failure for name, slot in wanted.items()}
        return {name: one.fresh() for name, one in failures.items() if one is not None}

    def check(self, kind: type[S], environ: Mapping[str, str] | None = None) -> S:
        """Return the settings `kind` once every reference to a secret in them can be resolved.

        Args:
            kind: Settings with fields that are `SecretReference`.
            environ: Variables to read, by default the environment of the process.

        Raises:
            ConfigurationError: Settings are not valid or secrets cannot be had; everything that
                is wrong is listed by its variable, and no value is quoted.
        """
        variables = os.environ if environ is None else environ
        references = [reference for _, reference in kind.references(variables)]
        # The check reports every error with its variable.
        with suppress(TradAIError):
            self.prefetch(name for name in references if name.startswith(SCHEME))
        return load_checked(kind, variables, source=self)

    def states(self) -> tuple[SecretState, ...]:
        """Return what is held: versions, ages and failures, for people and metrics; no value."""
        return tuple(slot.state() for slot in list(self._held.slots.values()))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from settings and policy; what is held stays here."""
        make = partial(SecretsManager, policy=self._policy, client=self._given, clock=self._clock)
        return make, (self._settings,)

    def _fresh(self, name: str, kind: type[Any]) -> HeldSecret[Any] | None:
        """Return what was made of a reading that is still held and fresh; the way taken most."""
        view = self._views.get((name, kind))
        if view is None or view.slot.held is not view.reading:
            return None
        return view.secret if self._clock() < view.fresh_until_s else None

    def _client(self) -> SecretsClient:
        return self._given or boto3_client(self._settings)

    def _new_slot(self, identity: SecretIdentity) -> SecretSlot:
        return SecretSlot(identity, self._requests.read, policy=self._policy, clock=self._clock)

    def _slot(self, name: str, kind: type[Any]) -> SecretSlot:
        require_kind(kind)
        return self._held.slot(SecretIdentity.of(reference_to(name)))

    def _view(
        self, name: str, kind: type[Any], slot: SecretSlot, reading: Reading
    ) -> HeldSecret[Any]:
        key = (name, kind)
        known = self._views.get(key)
        if known is not None and known.reading is reading:
            return known.secret
        secret = made(reading, reference_to(name), kind, self._clock)
        self._held.keep(key, View(slot, reading, reading.read_s + self._policy.fresh_s, secret))
        return secret


async def _landed(slot: SecretSlot) -> Reading:
    # Whoever awaits has imported it.
    import asyncio

    flight = slot.flight()
    landing = asyncio.wrap_future(flight)
    done, _ = await asyncio.wait([landing], timeout=slot.patience_s())
    return slot.settled(landing.result()) if done else slot.bridged(flight)


# Equal settings mean the same account, region and endpoint. `setdefault` is one step for threads.
_SHARED: Final[dict[AwsSettings, SecretsManager]] = {}
