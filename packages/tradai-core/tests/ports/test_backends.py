import sys
from contextlib import closing
from importlib.metadata import EntryPoint, EntryPoints, PackageNotFoundError
from pathlib import Path

import pytest

from tradai.core import (
    EnvironmentSecrets,
    FileJournal,
    FileSecrets,
    FileStore,
    MemoryStore,
    ObjectLeaseStore,
    backend_for,
)
from tradai.core._ports import backends
from tradai.core.exceptions import ConfigurationError
from tradai.core.frames import FlatDataRepository, ParquetDataRepository
from tradai.core.live import ObjectApprovalStore


@pytest.mark.parametrize(
    ("group", "uri", "kind"),
    [
        ("tradai.stores", "file:///runs/1", FileStore),
        ("tradai.stores", "runs/1", FileStore),
        ("tradai.stores", "memory:runs", MemoryStore),
        ("tradai.secrets", "env:NAME", EnvironmentSecrets),
        ("tradai.secrets", "file:/run/secret", FileSecrets),
        ("tradai.journals", "file:journal.jsonl", FileJournal),
        ("tradai.leases", "file:leases/1", ObjectLeaseStore),
        ("tradai.leases", "leases/1", ObjectLeaseStore),
        ("tradai.approvals", "file:approvals", ObjectApprovalStore),
        ("tradai.approvals", "approvals", ObjectApprovalStore),
        ("tradai.data", "file:data", FlatDataRepository),
        ("tradai.data", "parquet:data", ParquetDataRepository),
    ],
)
def test_the_scheme_names_the_backend(group: str, uri: str, kind: type) -> None:
    assert isinstance(backend_for(group, uri), kind)


def test_a_backend_is_made_for_its_uri(tmp_path: Path) -> None:
    with closing(backend_for("tradai.journals", (tmp_path / "a journal").as_uri())) as journal:
        journal.append("run started")

    assert (tmp_path / "a journal").exists()


def test_a_scheme_of_ours_names_the_distribution_to_install() -> None:
    with pytest.raises(ConfigurationError, match="no s3: backend; install tradai-aws"):
        backend_for("tradai.journals", "s3://bucket/key")


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="no gopher: backend; use one of file:, memory:"):
        backend_for("tradai.stores", "gopher://old/hole")


@pytest.mark.parametrize("value", ["fakesecret:one", "fake-secret", "env"])
def test_a_value_in_place_of_its_reference_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        backend_for("tradai.secrets", value).resolve(value)

    assert value not in f"{caught.value!r} {vars(caught.value)}"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("file", "tradai.core.no_such_module:Repository [frames]", "tradai.data")
    monkeypatch.setattr(backends, "entry_points", lambda **_: EntryPoints([point]))

    with pytest.raises(ConfigurationError, match=r"install .*\[frames\]"):
        backend_for("tradai.data", "file:data")


def test_a_scheme_served_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("file", "tradai.core._local.file_store:FileStore", "tradai.stores")
    monkeypatch.setattr(backends, "entry_points", lambda **_: EntryPoints([point, point]))

    with pytest.raises(ConfigurationError, match="uninstall all but one"):
        backend_for("tradai.stores", "file:x")


@pytest.mark.parametrize(
    ("group", "uri", "name"),
    [
        ("tradai.secrets", "env:NAME", "tradai-core"),
        ("tradai.stores", "s3://b/k", "tradai-aws"),
        ("tradai.data", "arctic:x", "tradai-core"),
    ],
)
def test_a_build_without_metadata_is_named_with_what_to_add(
    group: str, uri: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_distribution(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(backends, "entry_points", lambda **_: EntryPoints())
    monkeypatch.setattr(backends, "distribution", no_distribution)

    with pytest.raises(ConfigurationError, match=f"--copy-metadata {name} --hidden-import tradai."):
        backend_for(group, uri)


def test_a_frozen_build_without_a_distribution_says_how_to_add_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    with pytest.raises(ConfigurationError, match="add tradai-aws to this build, with its metadata"):
        backend_for("tradai.journals", "s3://bucket/key")
    with pytest.raises(ConfigurationError, match="use one of file:"):
        backend_for("tradai.stores", "gopher://old/hole")


def test_a_frozen_build_without_a_module_says_how_to_add_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = EntryPoint("file", "tradai.core.no_such_module:Repository [frames]", "tradai.data")
    monkeypatch.setattr(backends, "entry_points", lambda **_: EntryPoints([point]))
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    with pytest.raises(ConfigurationError, match="--hidden-import tradai"):
        backend_for("tradai.data", "file:data")
