"""PostgreSQL as a child process: a cluster of its own on a free port of loopback."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, LiteralString
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Identifier, Literal
from servers.process import Server, free_port, missing

# With the characters that a URL has to escape.
PASSWORD: Final = "not-a-real/" + "pass@word#1%"
_ADMIN: Final = "postgres"
_LISTENING: Final = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
_DEBIAN: Final = Path("/usr/lib/postgresql")


@dataclass(kw_only=True)
class PostgresServer:
    """A cluster that lasts as long as its server runs."""

    port: int = field(default_factory=free_port)
    pid: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the server in a folder of its own, which an ordinary user can reach."""
        with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            _initialise(folder)
            options = ("-D", folder / "data", "-p", str(self.port), *_LISTENING)
            server = Server(
                name="postgres",
                command=[*_as_user(), _program("postgres"), *options, "-c", "fsync=off"],
                is_ready=self._answers,
                folder=folder,
                stop_timeout_s=10,
            )
            with server.running() as self.pid:
                yield

    def make_database(self, name: str) -> str:
        """Make a database with an owner of its name, and return its URL with user and password."""
        with self.admin() as admin:
            role = SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            admin.execute(role.format(Identifier(name), Literal(PASSWORD)))
            admin.execute(SQL("CREATE DATABASE {0} OWNER {0}").format(Identifier(name)))
        return self.url(name)

    def url(self, name: str, password: str = PASSWORD, database: str | None = None) -> str:
        """Return the URL of a database with user and password."""
        escaped = quote(password, safe="")
        return f"postgresql://{name}:{escaped}@127.0.0.1:{self.port}/{database or name}"

    def admin(self, database: str = _ADMIN) -> "psycopg.Connection[tuple[Any, ...]]":
        """Return a connection of the administrator."""
        return psycopg.connect(self.url(_ADMIN, database=database), autocommit=True)

    def rows(self, database: str, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return the rows of a query of the administrator."""
        with self.admin(database) as admin:
            return admin.execute(query).fetchall()

    def stop(self) -> None:
        """Stop its process: it accepts connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue its stopped process."""
        os.kill(self.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), self.admin():
            return True
        return False


def _initialise(folder: Path) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    if os.geteuid() == 0:
        # The server does not run as root.
        shutil.chown(folder, _ADMIN)
        shutil.chown(password, _ADMIN)
    place = ("-D", folder / "data", "-U", _ADMIN, "--pwfile", password)
    options = ("-A", "scram-sha-256", "-N", "-E", "UTF8", "--locale=C")
    command: tuple[str | Path, ...] = (*_as_user(), _program("initdb"), *place, *options)
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def _as_user() -> tuple[str, ...]:
    """Return the start of a command that runs as an ordinary user."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", f"--reuid={_ADMIN}", f"--regid={_ADMIN}", "--clear-groups")


def _program(name: str) -> Path:
    """Return a program of Debian's newest PostgreSQL, else of any; without one skip, or fail."""
    found = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which(name)
    if not found and on_path is None:
        missing("postgres", f"no {name} on PATH or in {_DEBIAN}: install postgresql")
    return found[-1] if found else Path(on_path or "")
