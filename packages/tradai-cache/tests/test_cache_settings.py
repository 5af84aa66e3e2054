from importlib.metadata import entry_points

import pytest

from tradai.cache import CacheSettings
from tradai.core.exceptions import ConfigurationError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRADAI_CACHE_URL", raising=False)


def test_no_cache_is_assumed() -> None:
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
def test_a_cache_is_named_by_its_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
    ],
)
def test_any_other_address_is_refused_and_not_repeated(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_CACHE_URL", url)

    with pytest.raises(ConfigurationError, match="TRADAI_CACHE_URL") as caught:
        CacheSettings()

    assert "must be memory: or redis[s]://HOST" in str(caught.value)
    assert "not-a-real-password" not in str(caught.value)


def test_a_variable_that_is_set_but_empty_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_CACHE_URL", "")

    with pytest.raises(ConfigurationError, match="TRADAI_CACHE_URL"):
        CacheSettings()


def test_an_installed_slice_announces_its_settings() -> None:
    (announced,) = entry_points(group="tradai.settings", name="cache")

    assert announced.load() is CacheSettings
