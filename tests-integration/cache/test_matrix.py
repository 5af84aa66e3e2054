"""The shared tier with each pair of server, client, protocol, parser, calls, line and start."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, cast

import pytest
from servers.process import ROOT, missing
from servers.redis import PASSWORD, USER, Flavour, RedisServer, encrypted, rights


class Row(NamedTuple):
    server: str
    redis_py: str
    protocol: str
    parser: str
    calls: str
    line: str
    start: str


ROWS: Final = [
    Row("redis", "latest", "2", "hiredis", "sync", "plain", "fork"),
    Row("redis", "lowest", "3", "pure", "async", "tls", "spawn"),
    Row("valkey", "latest", "3", "pure", "sync", "acl", "spawn"),
    Row("valkey", "lowest", "2", "hiredis", "async", "acl", "fork"),
    Row("valkey", "lowest", "3", "hiredis", "sync", "plain", "spawn"),
    Row("redis", "latest", "3", "hiredis", "async", "tls", "fork"),
    Row("redis", "lowest", "2", "pure", "sync", "tls", "fork"),
    Row("valkey", "latest", "2", "pure", "async", "plain", "spawn"),
    Row("redis", "latest", "2", "hiredis", "async", "acl", "spawn"),
    Row("redis", "lowest", "3", "pure", "sync", "acl", "fork"),
]
# Valkey comes without TLS.
IMPOSSIBLE: Final = {"valkey", "tls"}
LOWEST: Final = ROOT / ".venv-lowest" / "bin" / "python"
PACKAGES: Final = (
    ROOT / "packages" / "tradai-cache" / "src",
    ROOT / "packages" / "tradai-core" / "src",
)


def test_the_rows_cover_every_pair() -> None:
    choices = [sorted(set(column)) for column in zip(*ROWS, strict=True)]

    for first, second in itertools.combinations(range(len(choices)), 2):
        wanted = set(itertools.product(choices[first], choices[second]))
        covered = {(row[first], row[second]) for row in ROWS}
        assert {pair for pair in wanted - covered if set(pair) != IMPOSSIBLE} == set()


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_two_processes_share_a_tier(row: Row, tmp_path: Path) -> None:
    python = _python(row)
    with _server(row, tmp_path) as server:
        program = Path(__file__).with_name("matrix_member.py")
        done = subprocess.run(
            [python, "-W", "error", program, server.url, *_options(row, server)],
            env=_environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "ok"
    assert done.stdout.split()[2:] == [row.protocol, row.parser]
    version = done.stdout.split()[1]
    assert version == "5.0.0" if row.redis_py == "lowest" else int(version.split(".")[0]) >= 8
    assert not done.stderr


def _python(row: Row) -> Path:
    if row.redis_py == "latest":
        return Path(sys.executable)
    if not LOWEST.exists():
        missing("redis", f"no environment with the oldest releases at {LOWEST}: run scripts/test")
    return LOWEST


@contextmanager
def _server(row: Row, folder: Path) -> Iterator[RedisServer]:
    flavour = cast("Flavour", row.server)
    is_encrypted = row.line == "tls"
    server = (
        encrypted(flavour, folder) if is_encrypted else RedisServer(flavour=flavour, folder=folder)
    )
    with server.running():
        if row.line == "acl":
            with server.admin() as admin:
                admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *rights())
        yield server


def _options(row: Row, server: RedisServer) -> Iterator[str]:
    yield f"--protocol={row.protocol}"
    if row.parser == "pure":
        yield "--no-hiredis"
    if row.calls == "async":
        yield "--async"
    if row.start == "spawn":
        yield "--spawn"
    if row.line == "tls":
        yield f"--ca-file={server.folder / 'ca.pem'}"
    if row.line == "acl":
        yield f"--username={USER}"


def _environ() -> dict[str, str]:
    # The packages of this tree, also in an environment that has older copies of them installed.
    sources = os.pathsep.join(map(str, PACKAGES))
    return os.environ | {"REDIS_PASSWORD": PASSWORD, "PYTHONPATH": sources}
