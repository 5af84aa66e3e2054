from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ReadonlyConfigError

from tradai.core.exceptions import (
    ConfigurationError,
    NotFoundError,
    StorageError,
    TradAIError,
)
from tradai.entrypoint import BaseService

PLANTED = "hunter2sekret"

PLAIN = """\
server: {host: localhost, port: 1}
url: http://${server.host}:${.server.port}
hosts: [a, b]
"""


def read(path: Path | None = None, *overrides: str) -> DictConfig:
    return BaseService(config=path, overrides=overrides).config


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "service.yaml"
    path.write_text(PLAIN)
    return path


def test_without_a_file_the_configuration_comes_from_the_overrides() -> None:
    assert read() == {}
    assert read(None, "server.port=8080") == {"server": {"port": 8080}}


def test_overrides_replace_values_of_the_file_and_interpolations_use_them(plain: Path) -> None:
    config = read(plain, "server.port=8080", "hosts[1]=c", "server.tls.on=true")

    assert config.server == {"host": "localhost", "port": 8080, "tls": {"on": True}}
    assert config.url == "http://localhost:8080"
    assert config.hosts == ["a", "c"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("NO", "NO"), ("12:30", "12:30"), ("1e-3", 0.001), ("null", None), ("[1, x]", [1, "x"])],
)
def test_an_override_means_what_it_means_in_a_file(text: str, value: object) -> None:
    assert read(None, f"a={text}").a == value


def test_the_tree_is_read_only_all_the_way_down(plain: Path) -> None:
    config = read(plain)

    with pytest.raises(ReadonlyConfigError):
        config.server.port = 2
    with pytest.raises(ReadonlyConfigError):
        config.hosts.append("c")


def test_a_mapping_called_defaults_is_just_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("defaults: {port: 1}")

    assert read(path).defaults.port == 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: {_target_: os.system}", r"a\._target_"),
        ("a: [{b: {_target_: os.system}}]", r"a\[0\]\.b\._target_"),
        ("a: ${oc.env:HOME}", "a: only"),
        ("a: ${b} ${oc.env:HOME}\nb: 1", "a: only"),
        ("a: ${${b}:HOME}\nb: oc.env", "a: only"),
        ("a: ${x.${oc.env:HOME}}", "a: only"),
        ("a: ${hydra:runtime.cwd}", "a: only"),
        ("a: ${oc.env:HOME", "a: only"),
        ("${b}: 1\nb: 2", "cannot be interpolated"),
    ],
)
def test_values_that_could_run_code_or_read_the_environment_are_refused_anywhere(
    tmp_path: Path, text: str, place: str
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=place):
        read(path)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("a._target_=os.system", r"a\._target_: '_target_' would run code"),
        ("a={_target_: os.system}", r"^overrides: a\._target_: '_target_' would run code"),
        ("a=${oc.env:HOME}", r"^overrides: a: only"),
    ],
)
def test_an_override_cannot_add_values_that_a_file_cannot(
    plain: Path, override: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        read(plain, override)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", ":2:1: key 'a' repeats line 1"),
        ("a: !!python/name:os.system", "tags are not supported"),
        ("a: ???", "a is marked"),
        ("a: {b: ['???']}", r"a\.b\[0\] is marked"),
        ("a: ${b}", "a refers to no value"),
        ("a: ${a}", "a refers to no value"),
        ("a: ${]}", "a: only"),
        ("- a", "the top level must be a mapping"),
    ],
)
def test_an_invalid_file_is_refused_with_the_place_of_the_problem(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=problem) as caught:
        read(path)

    assert "service.yaml" in str(caught.value)


@pytest.mark.parametrize("override", ["a", "=1", "a b=1", "a..b=1", "a[=1", "a[x]=1", ".a=1", ""])
def test_a_malformed_override_is_refused_by_its_number(override: str) -> None:
    with pytest.raises(ConfigurationError, match=r"override 2 has .*; write KEY=VALUE"):
        read(None, "fine=1", override)


@pytest.mark.parametrize("override", ["hosts.x=1", "hosts={a: 1}", "hosts[7]=1"])
def test_an_override_that_does_not_fit_is_named(plain: Path, override: str) -> None:
    with pytest.raises(ConfigurationError, match=r"override 'hosts.*' does not fit"):
        read(plain, override)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.yaml"):
        read(tmp_path / "absent.yaml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "overrides"),
    [
        (f"a: {{_target_: {PLANTED}}}", ()),
        (f"a: ${{oc.env:{PLANTED}}}", ()),
        (f"a: x${{{PLANTED}", ()),
        (f"a: ${{{PLANTED}}}", ()),
        (f"a: ${{b.{PLANTED}[}}", ()),
        (f"a: {PLANTED}\n a: 1", ()),
        (f"a: !!str {PLANTED}", ()),
        (f"- {PLANTED}", ()),
        ("a: 1", (PLANTED,)),
        ("a: 1", (f"{PLANTED} x=1",)),
        ("a: 1", (f"a=[{PLANTED}",)),
        ("a: 1", (f"a=!!str {PLANTED}",)),
        ("a: 1", (f"a=${{oc.env:{PLANTED}}}",)),
        ("a: [1]", (f"a={{b: {PLANTED}}}",)),
        ("a: [1]", (f"a[7]={PLANTED}",)),
        ("a: 1", (f"a={{_target_: {PLANTED}}}",)),
    ],
)
def test_no_error_contains_a_value(
    tmp_path: Path, said_by: Callable[[BaseException], str], text: str, overrides: tuple[str, ...]
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        read(path, *overrides)

    assert PLANTED not in said_by(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@given(
    overrides=st.lists(st.text(max_size=20) | st.from_regex(r"a(\.b|\[0\])?=.*", fullmatch=True))
)
def test_any_overrides_raise_only_our_errors(overrides: list[str]) -> None:
    try:
        config = read(None, *overrides)
    except TradAIError:
        return

    assert OmegaConf.is_readonly(config)
