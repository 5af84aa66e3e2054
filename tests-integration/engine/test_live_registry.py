"""LIVE by an approval in MLflow's registry, with the real engine on the loopback exchange."""

import re
import signal
from pathlib import Path

import pytest
from engine.live_desk import NOT_PERMITTED, Desk
from engine.venue.control import Venue
from servers.mlflow import MLflowServer, Release

from tradai.mlflow import MLflowClient


@pytest.fixture
def server(mlflow_servers: dict[Release, MLflowServer]) -> MLflowServer:
    """A server of the newer release."""
    return mlflow_servers["3.17"]


@pytest.fixture
def desk(
    tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path, server: MLflowServer
) -> Desk:
    """A desk whose approvals are in the registry; nothing is approved yet."""
    desk = Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")
    desk.environ |= {
        "TRADAI_LIVE_APPROVALS": "mlflow:approvals-of-trips",
        "MLFLOW_TRACKING_URI": server.url,
        # A server on a busy machine is slow, and not gone.
        "TRADAI_MLFLOW_DEADLINE_S": "120",
    }
    return desk


@pytest.mark.deep
def test_an_approval_in_the_registry_opens_a_session_until_it_is_revoked(
    desk: Desk, venue: Venue, server: MLflowServer
) -> None:
    desk.approve()
    listed = desk.operate("approvals", "list", "trips")
    venue.reset()

    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 1)
    session.send_signal(signal.SIGTERM)
    session.wait(300)

    assert desk.manifest()["live"]["approval"]["approver"] == "Ada Example"
    assert listed.stdout.splitlines()[1].split()[-1] == "yes", listed.stdout
    approval_id = listed.stdout.splitlines()[1].split()[0]
    shown = desk.operate("approvals", "show", "trips", approval_id)
    assert re.search(r"^approver\s+Ada Example$", shown.stdout, re.MULTILINE)
    with MLflowClient(uri=server.url) as client:
        (kept,) = client.search_model_versions(filter="name = 'approvals-of-trips'")
    assert kept.tags["tradai.approval.id"].startswith(approval_id)

    words = ("revoke", "trips", approval_id, "--reason", "a test", "--by", "Bob Example")
    revoked = desk.operate("approvals", *words)
    venue.reset()
    refused = desk.run("run")

    assert revoked.returncode == 0, revoked.stderr
    assert (refused.returncode, venue.signed()) == (NOT_PERMITTED, {}), refused.stderr
    assert "was revoked" in refused.stderr
