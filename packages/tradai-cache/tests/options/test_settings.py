from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tradai.cache import CacheSettings
from tradai.core import SecretReference
from tradai.core.exceptions import ConfigurationError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRADAI_CACHE_URL", raising=False)


def test_the_url_is_unset_by_default() -> None:
    assert CacheSettings().url is None


@pytest.mark.parametrize(
    "url",
    [
        "memory:",
        "redis://127.0.0.1",
        "redis://cache.internal:6379",
        "redis://cache.internal:6379/15",
        "rediss://cache.internal/0",
        "redis://[::1]:6379/0",
    ],
)
def test_valid_addresses_are_accepted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_CACHE_URL", url)

    assert CacheSettings().url == url


@pytest.mark.parametrize(
    "url",
    [
        "redis",
        "redis:///0",
        "http://cache.internal",
        "memory://",
        "MEMORY:",
        "redis://:not-a-real-password@cache.internal",
        "redis://cache.internal:port",
        "redis://cache.internal/0?decode=1",
        "redis://cache.internal:",
        "redis://cache.internal:\u0666\u0663",
        "redis://cache.internal:0",
        "redis://cache.internal:65536",
        "redis://cache.internal/first",
    ],
)
def test_any_other_address_is_rejected_and_not_quoted(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_CACHE_URL", url)

    with pytest.raises(ConfigurationError, match="TRADAI_CACHE_URL") as caught:
        CacheSettings()

    assert "must be memory: or redis[s]://HOST" in str(caught.value)
    assert "not-a-real-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://cache:not-a-real-password@cache.internal/0", "TRADAI_CACHE_PASSWORD"),
        ("redis://cache@cache.internal", "TRADAI_CACHE_USERNAME"),
        ("redis+cluster://cache.internal", "Redis Cluster is not supported yet"),
        ("rediss-cluster://cache.internal", "Redis Cluster is not supported yet"),
        ("redis://one.internal:6379,two.internal:6379", "Redis Cluster is not supported yet"),
        ("redis+sentinel://cache.internal/main", "Redis Sentinel is not supported yet"),
        ("sentinel://cache.internal", "Redis Sentinel is not supported yet"),
        ("unix:///run/redis.sock", "Unix sockets are not supported"),
        ("redis+socket:///run/redis.sock", "Unix sockets are not supported"),
        ("redis://cache.internal/0?protocol=3", "an address takes no options"),
        ("redis://cache.internal:65536", "a port is 1 to 65535"),
    ],
)
def test_an_unsupported_address_is_rejected_by_name(
    url: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_CACHE_URL", url)

    with pytest.raises(ConfigurationError, match="TRADAI_CACHE_URL") as caught:
        CacheSettings()

    assert why in str(caught.value)
    assert "not-a-real-password" not in str(caught.value)


def test_user_certificates_and_references_to_secrets_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRADAI_CACHE_URL", "rediss://cache.internal")
    monkeypatch.setenv("TRADAI_CACHE_USERNAME", "cache")
    monkeypatch.setenv("TRADAI_CACHE_PASSWORD", "env:REDIS_PASSWORD")
    monkeypatch.setenv("TRADAI_CACHE_CA_FILE", "/etc/redis/ca.pem")
    monkeypatch.setenv("TRADAI_CACHE_KEY", "aws-sm:cache#key")

    settings = CacheSettings()

    assert settings.username == "cache"
    assert settings.password == SecretReference("env:REDIS_PASSWORD")
    assert settings.ca_file == Path("/etc/redis/ca.pem")
    assert settings.key == SecretReference("aws-sm:cache#key")


@pytest.mark.parametrize("name", ["TRADAI_CACHE_PASSWORD", "TRADAI_CACHE_KEY"])
def test_a_secret_in_place_of_its_reference_is_rejected_and_not_quoted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "not-a-real-password")

    with pytest.raises(ConfigurationError, match=name) as caught:
        CacheSettings()

    assert "not-a-real-password" not in str(caught.value)


def test_an_empty_variable_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_CACHE_URL", "")

    with pytest.raises(ConfigurationError, match="TRADAI_CACHE_URL"):
        CacheSettings()


def test_an_installed_slice_announces_its_settings() -> None:
    (announced,) = entry_points(group="tradai.settings", name="cache")

    assert announced.load() is CacheSettings
