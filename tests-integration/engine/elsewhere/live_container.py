"""A desk whose live sessions run in containers."""

import json
import os
import select
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.conftest import VENV
from engine.live_desk import Desk
from engine.venue.control import Venue
from servers.strategy_image import package_mounts

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

PATIENCE_S: Final = 300
# The longest that Fargate gives; a machine that is busy may need it.
GRACE_S: Final = 120
CONFIG: Final = "live.yaml"
STILL_OPEN: Final = {"NEW", "PARTIALLY_FILLED"}


class ContainerDesk:
    """A desk whose folder containers see under the same name, and its sessions.

    Attributes:
        variables: Variables of a session; secrets are references to files.
        command: The command of a session, for an image that has `tradai-entrypoint`.
        mounts: Folders of this machine, and their places in a container.
    """

    def __init__(self, desk: Desk, venue: Venue) -> None:
        """Take the desk, on which the plan is approved."""
        self.desk = desk
        self.folder = desk.folder
        self.variables = {
            name: text for name, text in desk.environ.items() if name.startswith("TRADAI_")
        } | {"TRADAI_RUN_STOP_GRACE_S": str(GRACE_S)}
        self.command = (
            *("tradai-entrypoint", "run", str(desk.folder / CONFIG)),
            *(f"run.exchange_url={venue.url}", "--mode", "live"),
        )
        self.mounts = {desk.folder: str(desk.folder), **package_mounts(VENV)}
        self._venue = venue
        self._keep("APPROVAL_KEY", desk.environ["FAKE_APPROVAL_KEY"])
        self._keep("API_KEY", desk.environ["FAKE_KEY"])
        self._keep("API_SECRET", desk.environ["FAKE_SECRET"])

    def run(
        self, client: "DockerClient", image: str, variables: Mapping[str, str] | None = None
    ) -> "Container":
        """Start a session whose program is process 1; `docker run` has the same choices."""
        container: Container = client.containers.run(
            image,
            list(self.command[1:]),
            entrypoint=[self.command[0]],
            environment=dict(self.variables if variables is None else variables),
            volumes=[f"{source}:{place}" for source, place in self.mounts.items()],
            network_mode="host",
            detach=True,
        )
        return container

    def wait_for(self, condition: Callable[[], bool], container: "Container") -> None:
        """Poll until `condition` holds; fail when the container ends or time runs out before."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert not self.has_ended(container), log_of(container)
            assert time.monotonic() < deadline, log_of(container)
            select.select([], [], [], 0.2)

    def has_ended(self, container: "Container") -> bool:
        """Return whether a container has ended."""
        container.reload()
        return bool(container.status == "exited")

    def poll(self, condition: Callable[[], bool]) -> None:
        """Poll until `condition` holds; fail with the last verdict when time runs out before."""
        deadline = time.monotonic() + 2 * PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, [each.get("verdict") for each in self.manifests()]
            select.select([], [], [], 0.2)

    def manifests(self) -> list[dict[str, Any]]:
        """Return the manifests of the sessions, oldest first."""
        if not self.desk.runs.exists():
            return []
        read = [json.loads(file.read_text()) for file in self.desk.runs.glob("*/manifest.json")]
        return sorted(read, key=lambda manifest: str(manifest["started_at"]))

    def open_orders(self) -> list[dict[str, Any]]:
        """Return the orders that are open at the exchange."""
        return [row for row in self._venue.orders() if row["status"] in STILL_OPEN]

    def assert_clean(self, manifest: Mapping[str, Any]) -> None:
        """Assert that the session stopped in good order, and that its books agree."""
        drain = manifest["live"]["drain"]
        assert (manifest["exit_code"], drain["is_reconciled"]) == (0, True), manifest["verdict"]
        assert drain["lost"] == drain["problems"] == [], drain
        booked = {str(row[0]) for row in self.desk.booked("SELECT order_id FROM orders")}
        assert {str(row["orderId"]) for row in self.open_orders()} <= booked

    def _keep(self, name: str, value: str) -> None:
        """Write a secret to a file that its owner alone can read."""
        file = self._secrets / name.lower().replace("_", "-")
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as text:
            text.write(value)
        self.variables[f"TRADAI_LIVE_{name}"] = f"file:{file}"

    @property
    def _secrets(self) -> Path:
        folder = self.folder / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def log_of(container: "Container") -> str:
    """Return both outputs of a container."""
    return str(container.logs().decode())
