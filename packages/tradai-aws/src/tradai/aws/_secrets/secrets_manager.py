"""Secrets from AWS Secrets Manager, held in memory and refreshed in the background."""

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
from tradai.aws._secrets.held_secret import (
    HeldSecret,
    SecretVersion,
    held_secret,
    require_immutable,
)
from tradai.aws._secrets.identity import SCHEME, SecretIdentity, parse_name
from tradai.aws._secrets.policy import SecretsPolicy
from tradai.aws._secrets.requests import SecretRequests
from tradai.aws._secrets.secret_table import CachedSecret, SecretTable
from tradai.aws._secrets.slot import SecretSlot
from tradai.core import BaseSettings, Secret
from tradai.core.exceptions import ConfigurationError, TradAIError

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S", bound=BaseSettings)

_REFERENCE_EXPECTED: Final = "aws-sm:name, with #key for a part of JSON and @stage for a version"


@final
class SecretsManager:
    """Secrets of one account, region and endpoint, each read once and then held for a while.

    A name is ``name#json.key@stage``, where an ARN may replace the name; without a stage it means
    the current version. A held secret is served without a lock. Once it is no longer fresh it is
    still served at once, while one thread refreshes it in the background. When AWS does not answer,
    it is served up to the limit of the policy, and its age shows it. When AWS refuses (access
    denied, not found, not decrypted), nothing is served.

    Any number of threads and tasks may share it, and it works after a fork. Pickling it keeps the
    settings and the policy, and no secret.
    """

    def __init__(
        self,
        settings: AwsSettings | None = None,
        *,
        policy: SecretsPolicy | None = None,
        client: SecretsClient | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Hold nothing yet; AWS is asked for a secret at its first use.

        Args:
            settings: Region, profile and endpoint; by default those of the environment now.
            policy: Time limits for serving a secret from memory.
            client: Client to use instead of boto3's for `settings`.
            clock: Monotonic seconds; by default `time.monotonic`.
        """
        self._settings = settings or AwsSettings()
        self._policy = policy or SecretsPolicy()
        self._custom_client = client
        self._clock = clock or time.monotonic
        self._requests = SecretRequests(
            self._client, clock=self._clock, account=self._settings.account
        )
        self._table = SecretTable(self._new_slot, self._policy.most)
        # Saves one attribute look-up on the most frequent path.
        self._cached = self._table.cached

    @classmethod
    def shared(cls, settings: AwsSettings | None = None) -> "SecretsManager":
        """Return the process's shared manager for `settings`, by default the environment's."""
        key = settings or AwsSettings()
        return _SHARED.get(key) or _SHARED.setdefault(key, cls(key))

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
        """Return the secret `name`, or the part of it that the key in the name selects.

        Args:
            name: ``name#json.key@stage``, with or without ``aws-sm:`` before it.
            as_: Text by default; or a frozen pydantic model, read from JSON, strictly.

        Raises:
            NotFoundError: The secret, the version or the key in it does not exist.
            ConfigurationError: Its value does not have the form of `as_`; it is in another account,
                partition or region; or region or credentials are missing. No value is quoted.
            AwsError: AWS refused; or it does not answer, and no held value may be served.
            ValidationError: `name` is not valid, or values of `as_` can be changed.
        """
        secret = self._fresh(name, as_)
        if secret is not None:
            return secret
        slot = self._slot(name, as_)
        return self._secret(name, as_, slot, slot.serve_now() or slot.wait_for_refresh())

    @overload
    async def get_async(self, name: str) -> HeldSecret[str]: ...
    @overload
    async def get_async(self, name: str, *, as_: type[T]) -> HeldSecret[T]: ...
    async def get_async(self, name: str, *, as_: type[Any] = str) -> HeldSecret[Any]:
        """Return the same as `get`, without blocking the event loop."""
        secret = self._fresh(name, as_)
        if secret is not None:
            return secret
        slot = self._slot(name, as_)
        return self._secret(name, as_, slot, slot.serve_now() or await _wait_for_refresh(slot))

    def resolve(self, reference: str) -> Secret:
        """Return the secret that `reference` names; see `SecretSource`."""
        if not reference.startswith(SCHEME):
            # It may be the secret itself, and a traceback may show local variables.
            del reference
            message = f"a secret reference is not usable: expected {_REFERENCE_EXPECTED}"
            raise ConfigurationError(message)
        return self.get(reference)

    def report_auth_failure(self, version_id: str) -> None:
        """Refresh a secret whose version was rejected at a login, and wait for the refresh.

        AWS is asked once for each version, however often it is reported; then `get` returns the
        current version. An error of the refresh is not raised here.

        Args:
            version_id: `HeldSecret.version_id` of the rejected secret.
        """
        for slot in list(self._table.slots.values()):
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
        """Return the result of `login` with the secret; retry once if the secret was rotated.

        Args:
            name: Name of the secret, see `get`.
            login: Function that uses the secret.
            refused: Exceptions of `login` that mean that the secret was rejected.
            as_: Type of the secret, see `get`.

        Raises:
            Exception: The exception of `login`; without a newer version there is one attempt only.
        """
        secret = self.get(name, as_=as_)
        try:
            return login(secret)
        except refused as exc:
            rejection = exc
        # Outside of the except block: our errors must not chain one of `login`, which may quote
        # the secret.
        self.report_auth_failure(secret.version_id)
        newer = self.get(name, as_=as_)
        if newer.version_id == secret.version_id:
            raise rejection
        return login(newer)

    def prefetch(self, names: Iterable[str]) -> dict[str, TradAIError]:
        """Read and hold many secrets with few requests; return the errors by name.

        Current versions are requested twenty at a time; other stages, and all when the permission
        for batches is missing, one by one. Secrets that are still fresh are not requested.
        """
        slots = {name: self._slot(name, str) for name in names}
        due = {slot.identity: slot for slot in slots.values() if not slot.is_fresh()}
        outcomes = read_many(self._requests, list(due)) if due else {}
        for identity, outcome in outcomes.items():
            due[identity].store(outcome)
        failures = {name: slot.failure for name, slot in slots.items()}
        return {name: failure.copy_error() for name, failure in failures.items() if failure}

    def check(self, settings_class: type[S], environ: Mapping[str, str] | None = None) -> S:
        """Return the settings once every reference to a secret in them can be resolved.

        Args:
            settings_class: Settings with fields that are `SecretReference`.
            environ: Variables to read, by default the environment of the process.

        Raises:
            ConfigurationError: Settings are not valid or secrets cannot be read; every problem is
                listed by its variable, and no value is quoted.
        """
        variables = os.environ if environ is None else environ
        references = [reference for _, reference in settings_class.references(variables)]
        # The check reports every error with its variable.
        with suppress(TradAIError):
            self.prefetch(name for name in references if name.startswith(SCHEME))
        return load_checked(settings_class, variables, source=self)

    def states(self) -> tuple[SecretState, ...]:
        """Return version, age and failure of every secret held, for people and metrics."""
        return tuple(slot.state() for slot in list(self._table.slots.values()))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle settings, policy, client and clock, and no secret."""
        new = partial(
            SecretsManager, policy=self._policy, client=self._custom_client, clock=self._clock
        )
        return new, (self._settings,)

    def _fresh(self, name: str, as_: type[Any]) -> HeldSecret[Any] | None:
        """Return the cached secret if its version is still held and fresh; the frequent path."""
        cached = self._cached.get((name, as_))
        if cached is None or cached.slot.held is not cached.version:
            return None
        return cached.secret if self._clock() < cached.fresh_until_s else None

    def _client(self) -> SecretsClient:
        return self._custom_client or boto3_client(self._settings)

    def _new_slot(self, identity: SecretIdentity) -> SecretSlot:
        return SecretSlot(identity, self._requests.read, policy=self._policy, clock=self._clock)

    def _slot(self, name: str, as_: type[Any]) -> SecretSlot:
        require_immutable(as_)
        return self._table.slot(SecretIdentity.of(parse_name(name)))

    def _secret(
        self, name: str, as_: type[Any], slot: SecretSlot, version: SecretVersion
    ) -> HeldSecret[Any]:
        key = (name, as_)
        cached = self._cached.get(key)
        if cached is not None and cached.version is version:
            return cached.secret
        secret = held_secret(version, parse_name(name), as_, self._clock)
        fresh_until_s = version.read_s + self._policy.fresh_s
        self._table.cache(key, CachedSecret(slot, version, fresh_until_s, secret))
        return secret


async def _wait_for_refresh(slot: SecretSlot) -> SecretVersion:
    # Costs nothing here: a caller that awaits has imported it.
    import asyncio

    refresh = slot.refresh()
    waiter = asyncio.wrap_future(refresh)
    done, _ = await asyncio.wait([waiter], timeout=slot.wait_limit_s())
    return slot.serve(waiter.result()) if done else slot.serve_held(refresh)


# Equal settings mean the same account, region and endpoint. `setdefault` is one step for threads.
_SHARED: Final[dict[AwsSettings, SecretsManager]] = {}


def drop_shared_managers() -> None:
    """Drop the shared managers and the secrets they hold; the next use makes new ones."""
    _SHARED.clear()
