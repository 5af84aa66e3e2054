"""MLflow servers of two releases: plain, with passwords below a path, or with artifacts in S3.

Each is one process, started in the way that ``mlflow server`` starts its workers: the command
itself would load MLflow twice. The private variables are those of the frozen lists' releases.
"""

import base64
import contextlib
import os
import sqlite3
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from servers.process import ENVIRONMENTS, Server, free_port, missing

Release = Literal["2.18", "3.17"]
RELEASES: Final[tuple[Release, ...]] = ("2.18", "3.17")
VERSIONS: Final[Mapping[Release, str]] = {"2.18": "2.18.0", "3.17": "3.17.2"}
# Login of the only user of a server that asks for one, and the path below which it serves.
USER: Final = "admin"
PASSWORD: Final = "not-a-real-" + "password"
PREFIX: Final = "/mlflow"
# The default number of worker processes of `mlflow server`.
_WORKERS: Final = 4


@dataclass(frozen=True, kw_only=True)
class MLflowServer:
    """A server on a port of its own, with a database of its own in `folder`.

    Attributes:
        release: The frozen list that it is made from.
        folder: Folder of its database, its log and its artifacts.
        environ: Variables that change the plain server.
        prefix: Path below which it serves everything.
        login: User and password that it asks for.
        port: Port on loopback.
    """

    release: Release
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    login: tuple[str, str] | None = None
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """The address that clients are given."""
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    @property
    def database(self) -> Path:
        """File of its database."""
        return self.folder / "mlflow.db"

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a request that it accepts."""
        if self.login is None:
            return {}
        token = base64.b64encode(":".join(self.login).encode()).decode()
        return {"Authorization": f"Basic {token}"}

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        """Run the server, and yield the process id of its group's leader."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = ENVIRONMENTS / f"mlflow-{self.release}" / "migrated.db"
        if kept.exists():
            _copy_database(kept, self.database)
        server = Server(
            name=f"mlflow-{self.release}",
            command=[mlflow_python(self.release), "-m", *self._program()],
            is_ready=self._answers,
            folder=self.folder,
            environ=self._environ() | dict(self.environ),
        )
        with server.running() as group:
            if not kept.exists():
                _copy_database(self.database, kept)
            yield group

    def copy_row(self, table: str, column: str, values: Iterable[str | int], **row: str) -> None:
        """Copy the row of its database that has the values of `row`, once for each of `values`.

        A thousand requests would take a minute.

        Args:
            table: Table of the row.
            column: Column that differs in each copy.
            values: Values of that column, one for each copy.
            row: Values of the columns that find the row.
        """
        where = " AND ".join(f"{name} = :{name}" for name in row)
        with contextlib.closing(sqlite3.connect(self.database, timeout=120)) as connection:
            connection.row_factory = sqlite3.Row
            # The names are literals of our tests.
            select = f"SELECT * FROM {table} WHERE {where}"  # noqa: S608 - see above
            found = dict(connection.execute(select, row).fetchone())
            places = ", ".join(f":{name}" for name in found)
            insert = f"INSERT INTO {table} ({', '.join(found)}) VALUES ({places})"  # noqa: S608 - see above
            connection.executemany(insert, [found | {column: value} for value in values])
            connection.commit()

    def _program(self) -> list[str]:
        if self.release == "2.18":
            workers = ("--preload", "--workers", str(_WORKERS))
            return ["gunicorn", "--bind", f"127.0.0.1:{self.port}", *workers, "mlflow.server:app"]
        app = ["mlflow.server.fastapi_app:app"]
        if self.login is not None:
            app = ["--factory", "mlflow.server.auth:create_app"]
        return ["uvicorn", "--host", "127.0.0.1", "--port", str(self.port), *app]

    def _environ(self) -> dict[str, str]:
        return {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{self.database}",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self.folder / "artifacts"),
            "_MLFLOW_SGI_NAME": "uvicorn",
        }

    def _answers(self) -> bool:
        """Return whether it answers from its database, which its first answer may create."""
        path = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"
        asked = urllib.request.Request(self.url + path, headers=self.headers)  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(asked, timeout=120):  # noqa: S310 - an address of our own
                return True
        except OSError:
            return False


def guarded(folder: Path) -> MLflowServer:
    """Return a server of 3.17 that asks for a login, and serves below `PREFIX`."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "default_permission": "READ",
        "database_uri": f"sqlite:///{folder / 'users.db'}",
        "admin_username": USER,
        "admin_password": PASSWORD,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    lines = [f"{name} = {text}" for name, text in options.items()]
    (folder / "auth.ini").write_text("\n".join(["[mlflow]", *lines]))
    environ = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "fake-key-of-sessions",
        "_MLFLOW_STATIC_PREFIX": PREFIX,
    }
    return MLflowServer(
        release="3.17", folder=folder, environ=environ, prefix=PREFIX, login=(USER, PASSWORD)
    )


def storing_in(root: str, folder: Path, environ: Mapping[str, str]) -> MLflowServer:
    """Return a server of 2.18 that leaves artifacts to its clients, below the address `root`.

    Args:
        root: Address of the artifacts, such as ``s3://bucket/runs``.
        folder: Folder of the server.
        environ: Variables by which the server itself reaches the artifacts.
    """
    own = {"_MLFLOW_SERVER_ARTIFACT_ROOT": root, "_MLFLOW_SERVER_SERVE_ARTIFACTS": ""}
    return MLflowServer(release="2.18", folder=folder, environ=own | dict(environ))


@contextlib.contextmanager
def running_releases(folder: Path) -> Iterator[dict[Release, MLflowServer]]:
    """Run a plain server of each release, all started at once."""
    servers = {name: MLflowServer(release=name, folder=folder / name) for name in RELEASES}
    for name in RELEASES:
        mlflow_python(name)
    with contextlib.ExitStack() as stack:
        with ThreadPoolExecutor() as pool:
            starting = [
                pool.submit(stack.enter_context, each.running()) for each in servers.values()
            ]
        for started in starting:
            started.result()
        yield servers


def mlflow_python(release: Release) -> Path:
    """Return the Python that has MLflow; skip, or fail where ``mlflow`` is required."""
    path = ENVIRONMENTS / f"mlflow-{release}" / "bin" / "python"
    if not path.exists():
        missing("mlflow", f"no MLflow at {path.parent}: run scripts/servers mlflow-{release}")
    return path


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database that may be in use; a reader of `target` sees all of it or nothing."""
    handle, unfinished = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    with (
        contextlib.closing(sqlite3.connect(source)) as read,
        contextlib.closing(sqlite3.connect(unfinished)) as written,
    ):
        read.backup(written)
    Path(unfinished).replace(target)
