"""LIVE with the real engine in containers of Docker, on the loopback exchange."""

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pytest
from engine.elsewhere.live_container import GRACE_S, ContainerDesk, log_of
from engine.live_desk import Desk
from engine.venue.control import Venue

if TYPE_CHECKING:
    from docker import DockerClient

MISMATCH: Final = 76
NOT_PERMITTED: Final = 77


@pytest.fixture
def desk(unapproved: Desk, approve: Callable[[Desk], None], venue: Venue) -> ContainerDesk:
    """A desk whose plan is approved."""
    approve(unapproved)
    return ContainerDesk(unapproved, venue)


def test_a_session_in_a_container_is_refused_without_a_declared_volume(
    desk: ContainerDesk, venue: Venue, docker: "DockerClient", live_image: str
) -> None:
    variables = dict(desk.variables)
    del variables["TRADAI_LIVE_DURABLE_VOLUME"]

    container = desk.run(docker, live_image, variables)

    code = container.wait()["StatusCode"]
    assert code == NOT_PERMITTED, log_of(container)
    assert "is on the disk of a container, which ends with it" in log_of(container)
    assert venue.orders() == []


def test_a_session_that_docker_stops_leaves_no_unknown_order(
    desk: ContainerDesk, venue: Venue, docker: "DockerClient", live_image: str
) -> None:
    container = desk.run(docker, live_image)
    desk.wait_for(lambda: len(venue.orders()) >= 2, container)
    processes: Any = container.top(ps_args="-eo pid,ppid,stat,args")
    described = str(container.attrs)
    container.stop(timeout=GRACE_S)

    code = container.wait()["StatusCode"]
    assert code == 0, log_of(container)
    (manifest,) = desk.manifests()
    desk.assert_clean(manifest)
    assert desk.open_orders() == []
    assert [row for row in processes["Processes"] if row[2].startswith("Z")] == []
    assert "NotASecret" not in described


@pytest.mark.deep
def test_a_session_that_docker_kills_goes_on_or_is_refused_and_doubles_no_order(
    desk: ContainerDesk, venue: Venue, docker: "DockerClient", live_image: str
) -> None:
    # Its leases outlive it for four minutes.
    container = desk.run(docker, live_image, desk.variables | {"TRADAI_RUN_STOP_GRACE_S": "60"})
    desk.wait_for(lambda: bool(desk.open_orders()), container)
    container.kill()
    killed = container.wait()["StatusCode"]
    placed = len(venue.orders())

    container.start()
    desk.poll(lambda: len(venue.orders()) > placed or desk.has_ended(container))
    container.stop(timeout=GRACE_S)

    assert killed == 128 + signal.SIGKILL
    _, manifest = desk.manifests()
    if manifest["exit_code"] == MISMATCH:
        # The engine was killed between an order and its record.
        assert len(venue.orders()) == placed
    else:
        desk.assert_clean(manifest)
        assert desk.open_orders() == []
