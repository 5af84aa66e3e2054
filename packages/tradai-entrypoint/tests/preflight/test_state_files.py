"""Files of a session's state, and the disks they are on."""

from pathlib import Path

import pytest

from tradai.entrypoint._preflight.state_files import (
    disk_kinds,
    is_container,
    is_sqlite,
    state_file,
    state_places,
)

MOUNTINFO = r"""22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
30 22 259:1 / /data rw,relatime - ext4 /dev/nvme1n1 rw
31 22 0:40 / /my\040share rw,relatime shared:3 master:1 - nfs4 host:/export rw
32 22 0:41 / /memory rw - tmpfs tmpfs rw
"""
MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//bot@nas/share on /Volumes/share (smbfs, nodev, nosuid, mounted by bot)
"""


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:////data/trades.sqlite", "/data/trades.sqlite"),
        ("sqlite+pysqlite:////data/a%20b.sqlite", "/data/a b.sqlite"),
        ("file:///data/lease", "/data/lease"),
        ("/data/../data/lease", "/data/lease"),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("sqlite:////data/x?mode=memory", None),
        ("s3://bucket/lease", None),
        ("redis://localhost/0", None),
        ("postgresql://db/trades", None),
        ("memory:lease", None),
    ],
)
def test_a_uri_names_a_file_or_not(uri: str, file: str | None) -> None:
    assert state_file(uri) == (None if file is None else Path(file))


def test_a_relative_path_is_below_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    assert state_file("sqlite:///trades.sqlite") == tmp_path / "trades.sqlite"
    assert state_file("state/lease") == tmp_path / "state" / "lease"


def test_sqlite_is_known_by_its_scheme_alone() -> None:
    assert [is_sqlite(uri) for uri in ("sqlite:///a", "SQLite:///a", "file:///a.sqlite")] == [
        True,
        True,
        False,
    ]


def test_mounts_of_linux_and_macos_are_read() -> None:
    assert disk_kinds(MOUNTINFO) == {
        Path("/"): "overlay",
        Path("/data"): "ext4",
        Path("/my share"): "nfs4",
        Path("/memory"): "tmpfs",
    }
    assert disk_kinds(MACOS) == {Path("/"): "apfs", Path("/Volumes/share"): "smbfs"}
    assert disk_kinds("nonsense\n - \n") == {}


@pytest.mark.parametrize(
    "name",
    ["ECS_CONTAINER_METADATA_URI_V4", "AWS_EXECUTION_ENV", "KUBERNETES_SERVICE_HOST"],
)
def test_a_variable_of_ecs_or_kubernetes_says_that_this_is_a_container(name: str) -> None:
    assert is_container({name: "anything"}, files=())
    assert not is_container({name: ""}, files=())


def test_a_file_of_docker_says_that_this_is_a_container(tmp_path: Path) -> None:
    mark = tmp_path / ".dockerenv"

    assert not is_container({}, files=[mark])
    mark.touch()
    assert is_container({}, files=[mark])


def test_the_places_of_this_machine_have_known_disks(tmp_path: Path) -> None:
    uris = {"lease": (tmp_path / "lease").as_uri(), "sessions": "s3://bucket/sessions"}

    places = state_places(uris, environ={}, durable_volume=str(tmp_path))

    assert places.durable_volume == tmp_path
    assert {*places.disks} == {tmp_path / "lease"}
    assert places.disks[tmp_path / "lease"].kind is not None


def test_an_empty_volume_is_none(tmp_path: Path) -> None:
    uris = {"lease": (tmp_path / "lease").as_uri()}

    assert state_places(uris, environ={}, durable_volume="").durable_volume is None
