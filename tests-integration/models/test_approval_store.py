"""Approvals in MLflow's registry, on two releases of the server."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from models.conftest import Interceptor
from models.proven_run import proven_run
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import RELEASES, MLflowServer, Release

from tradai.core import backend_for
from tradai.core.exceptions import ConflictError, ValidationError
from tradai.core.live import ApprovalEntry, ApprovalStore
from tradai.core.testing import ApprovalStoreContract
from tradai.mlflow import MLflowApprovalStore, MLflowClient, ModelRegistry, models_command

PATIENCE_S = 120.0
ENTRY = ApprovalEntry(
    strategy="momentum", approval_id="0f" * 32, kind="approval", data=b'{"a": "b%20c \xc3\xab"}'
)
REVOCATION = replace(ENTRY, kind="revocation", data=b"{}")


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Release:
    name: Release = request.param
    return name


@pytest.fixture
def client(server: MLflowServer) -> MLflowClient:
    return MLflowClient(uri=server.url, deadline_s=PATIENCE_S)


@pytest.fixture
def store(client: MLflowClient, unique: str) -> MLflowApprovalStore:
    return MLflowApprovalStore(unique, client=client)


class TestApprovalsInMLflow(ApprovalStoreContract):
    @pytest.fixture
    def open_store(
        self, server: MLflowServer, unique: str, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], ApprovalStore]:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        monkeypatch.setenv("TRADAI_MLFLOW_DEADLINE_S", str(PATIENCE_S))
        return lambda: backend_for("tradai.approvals", f"mlflow:{unique}")


def test_an_approval_that_is_longer_than_a_tag_is_kept_whole(store: MLflowApprovalStore) -> None:
    entry = replace(ENTRY, data="prüfung ".encode() * 3_000)

    store.add(entry)

    assert store.entries("momentum") == (entry,)


def test_many_entries_are_all_read(store: MLflowApprovalStore) -> None:
    ids = [f"{number:064x}" for number in range(12)]
    for approval_id in ids:
        store.add(replace(ENTRY, approval_id=approval_id))

    assert [entry.approval_id for entry in store.entries("momentum")] == ids


def test_the_entry_that_comes_second_does_not_count(
    server: MLflowServer, store: MLflowApprovalStore, unique: str
) -> None:
    def add_first() -> None:
        store.add(ENTRY)

    with (
        Interceptor(server.url, "model-versions/create", add_first) as proxy,
        MLflowClient(uri=proxy.url, deadline_s=PATIENCE_S) as slow,
        pytest.raises(ConflictError, match="in version 1; read it again"),
    ):
        MLflowApprovalStore(unique, client=slow).add(replace(ENTRY, data=b"another signature"))

    assert store.entries("momentum") == (ENTRY,)


def test_one_of_two_is_added_whenever_the_other_comes_between(
    server: MLflowServer, client: MLflowClient, unique: str
) -> None:
    def outcome(skip: int) -> tuple[bool, list[str]]:
        """Add an entry whose requests another process interrupts once, after `skip` of them."""
        model, refused = f"{unique}-{skip}", []

        def add(name: str, store: MLflowApprovalStore) -> None:
            try:
                store.add(replace(ENTRY, data=name.encode()))
            except ConflictError:
                refused.append(name)

        other = MLflowApprovalStore(model, client=client)
        with (
            Interceptor(server.url, "/", lambda: add("other", other), skip=skip) as proxy,
            MLflowClient(uri=proxy.url, deadline_s=PATIENCE_S) as slow,
        ):
            add("own", MLflowApprovalStore(model, client=slow))
            kept = [entry.data.decode() for entry in other.entries("momentum")]
            assert sorted(kept + refused) == (["other", "own"] if proxy.acted else ["own"])
            return proxy.acted, kept

    outcomes = [outcome(skip) for skip in range(8)]

    # It comes first, then second, and at last there is no request left that it could interrupt.
    assert [each for each, _ in groupby(outcomes)] == [
        (True, ["other"]),
        (True, ["own"]),
        (False, ["own"]),
    ]


def test_an_entry_that_somebody_deletes_at_once_is_not_added(
    server: MLflowServer, client: MLflowClient, store: MLflowApprovalStore, unique: str
) -> None:
    store.add(REVOCATION)

    def delete() -> None:
        client.delete_model_version(unique, 2)

    with (
        Interceptor(server.url, "model-versions/search", delete, skip=1) as proxy,
        MLflowClient(uri=proxy.url, deadline_s=PATIENCE_S) as slow,
        pytest.raises(ConflictError, match="has no approval of this id any more"),
    ):
        MLflowApprovalStore(unique, client=slow).add(ENTRY)

    assert store.entries("momentum") == (REVOCATION,)


def test_an_entry_whose_answer_was_lost_is_there_once(
    client: MLflowClient, store: MLflowApprovalStore, proxy: FaultProxy, unique: str
) -> None:
    proxy.plan(Fault(match="model-versions/create", action="lose"))

    with MLflowClient(uri=proxy.url, deadline_s=PATIENCE_S) as faulty:
        MLflowApprovalStore(unique, client=faulty).add(ENTRY)

    assert store.entries("momentum") == (ENTRY,)
    assert len(list(client.search_model_versions(filter=f"name = '{unique}'"))) == 1


@pytest.mark.parametrize("tag", ["tradai.approval.000", "tradai.approval.sha256"])
def test_an_entry_whose_tags_were_changed_stays_and_has_other_content(
    tag: str, client: MLflowClient, store: MLflowApprovalStore, unique: str
) -> None:
    for entry in (ENTRY, REVOCATION):
        store.add(entry)
    for version in (1, 2):
        client.set_model_version_tag(unique, version, tag, "something else")

    kept = store.entries("momentum")

    assert [(entry.kind, entry.data) for entry in kept] == [("approval", b""), ("revocation", b"")]


def test_the_number_of_a_deleted_version_is_not_used_again(
    client: MLflowClient, store: MLflowApprovalStore, unique: str
) -> None:
    store.add(ENTRY)
    store.add(REVOCATION)
    client.delete_model_version(unique, 2)

    store.add(REVOCATION)

    versions = client.search_model_versions(filter=f"name = '{unique}'")
    assert sorted(version.version for version in versions) == [1, 3]


@pytest.fixture
def approved(
    registry: ModelRegistry, store: MLflowApprovalStore, run: Path, tmp_path: Path, unique: str
) -> str:
    """A model of two versions; the first was approved, and the approval revoked."""
    name, manifest = f"{unique}-strategy", json.loads((run / "manifest.json").read_text())
    config = hashlib.sha256(unique.encode()).hexdigest()
    manifest["digests"]["config"] = config
    (run / "manifest.json").write_text(json.dumps(manifest))
    registry.register(name, run)
    registry.register(name, proven_run(tmp_path / "run-2"))
    record = {"approval": {"plan": {"config": config}}}
    store.add(replace(ENTRY, data=json.dumps(record).encode()))
    store.add(REVOCATION)
    return name


def test_entries_name_the_run_of_the_version_that_they_are_about(
    client: MLflowClient, approved: str, unique: str
) -> None:
    entries = list(client.search_model_versions(filter=f"name = '{unique}'"))

    run_id = client.get_model_version(approved, 1).run_id
    assert run_id is not None
    assert [entry.run_id for entry in entries] == [run_id, run_id]


def test_a_version_is_shown_with_its_approvals(
    server: MLflowServer,
    approved: str,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)

    assert models_command(["show", f"{approved}@v1"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["approval", "0f0f0f0f0f0f", f"{unique}@v1"] in rows
    assert ["revocation", "0f0f0f0f0f0f", f"{unique}@v2"] in rows
    assert models_command(["show", f"{approved}@v2"]) == 0
    assert "0f0f0f0f0f0f" not in capsys.readouterr().out


def test_a_model_of_strategies_is_not_a_place_of_approvals(
    client: MLflowClient, registry: ModelRegistry, run: Path, unique: str
) -> None:
    registry.register(unique, run)

    with pytest.raises(ValidationError, match="has versions of another kind: expected mlflow:"):
        MLflowApprovalStore(unique, client=client).add(ENTRY)

    assert client.latest_model_version(unique).version == 1


@pytest.mark.parametrize("uri", ["mlflow:", "mlflow: ", "mlflow:trend@champion", "mlflow:a/b"])
def test_a_uri_that_names_no_model_is_refused(
    uri: str, server: MLflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)

    with pytest.raises(ValidationError, match="is not usable: expected"):
        backend_for("tradai.approvals", uri)
