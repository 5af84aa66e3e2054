"""Stand-ins for AWS, each configured to listen on loopback only."""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from servers.process import Server, answers, executable, free_port, is_free

from tradai.aws import AwsSettings, client_for

REGION: Final = "eu-central-1"
# Credentials that the only server that checks them (SeaweedFS) accepts.
ACCESS_KEY: Final = "fake-access-key"
SECRET_KEY: Final = "fake-" + ACCESS_KEY


@dataclass(frozen=True, kw_only=True)
class Standin:
    """A server that stands in for AWS, and its address."""

    server: Server
    url: str


def localstack(folder: Path) -> Standin:
    """Return LocalStack, the reference: S3, Secrets Manager, STS, logs and more."""
    url = f"http://127.0.0.1:{free_port()}"
    environ = {
        # The default server listens on every address.
        "GATEWAY_SERVER": "hypercorn",
        "GATEWAY_LISTEN": url.removeprefix("http://"),
        "FILESYSTEM_ROOT": str(folder / "volume"),
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
    }
    python = executable("localstack", "python")
    return Standin(
        server=Server(
            name="localstack",
            command=[python, "-m", "localstack.runtime.main"],
            is_ready=lambda: answers(f"{url}/_localstack/health"),
            folder=folder,
            environ=environ,
        ),
        url=url,
    )


def ministack(
    folder: Path, *, docker_host: str = "unix:///nowhere.sock", beside: str = ""
) -> Standin:
    """Return ministack, a second implementation of the same services.

    Args:
        folder: Folder for its state.
        docker_host: Daemon that runs the tasks of ECS; by default none, so that tasks run forever
            and a developer's own Docker is left alone.
        beside: Container whose network the tasks of ECS get.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "PERSIST_STATE": "0",
        "DOCKER_HOST": docker_host,
        # It kills a container that takes longer to stop; its own limit is too short for a drain.
        "MINISTACK_DOCKER_TIMEOUT": "150",
        # It takes that container for its own.
        "HOSTNAME": beside,
    }
    return Standin(
        server=Server(
            name="ministack",
            command=[executable("ministack", "ministack")],
            is_ready=lambda: answers(f"{url}/_ministack/health"),
            folder=folder,
            environ=environ,
        ),
        url=url,
    )


def moto(folder: Path) -> Standin:
    """Return moto's server, a third implementation and the least exact."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    return Standin(
        server=Server(
            name="moto",
            command=[executable("moto", "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
            is_ready=lambda: answers(f"{url}/moto-api/"),
            folder=folder,
        ),
        url=url,
    )


def seaweedfs(folder: Path) -> Standin:
    """Return SeaweedFS: only S3, but a real store that checks every signature."""
    port = _block_of_ports()
    url = f"http://127.0.0.1:{port}"
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir()
    identities = folder / "identities.json"
    identities.write_text(
        json.dumps(
            {"identities": [{"name": "test", "credentials": credentials, "actions": actions}]}
        )
    )
    options = {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "dir": folder / "data",
        "metricsPort": port + 4,
        "master.port": port + 1,
        "master.volumeSizeLimitMB": 64,
        "master.telemetry": "false",
        "volume.port": port + 2,
        # Each bucket takes seven; without a free one, a write is an internal error.
        "volume.max": 1_500,
        "filer.port": port + 3,
        "s3.port": port,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": identities,
    }
    return Standin(
        server=Server(
            name="seaweedfs",
            command=[
                executable("seaweedfs", "weed"),
                *("server", "-filer", "-s3"),
                *(f"-{name}={text}" for name, text in options.items()),
            ],
            is_ready=lambda: answers(url),
            folder=folder,
        ),
        url=url,
    )


def _block_of_ports() -> int:
    """Return the first of five free ports whose twins 10,000 higher are free as well.

    All are lower than the ports that the system uses for outgoing connections.
    """
    # A start of its own for each process, so that two sessions seldom try the same ports.
    start = os.getpid() * 5 % 5_000
    for offset in range(start, start + 5_000, 5):
        first = 15_000 + offset % 5_000
        if all(is_free(base + port) for base in (first, first + 10_000) for port in range(5)):
            return first
    pytest.fail("no five free ports in a row; stop what listens between 15000 and 30000")


STANDINS: dict[str, Callable[[Path], Standin]] = {
    "localstack": localstack,
    "ministack": ministack,
    "moto": moto,
    "seaweedfs": seaweedfs,
}


def settings_at(url: str, **changes: Any) -> AwsSettings:
    """Return settings for the server at `url`, patient with a slow machine unless changed."""
    patience: dict[str, Any] = {"connect_timeout_s": 60, "read_timeout_s": 120}
    return AwsSettings(**{"region": REGION, "endpoint_url": url, **patience, **changes})


def new_bucket(settings: AwsSettings, *, is_versioned: bool = False) -> str:
    """Make a bucket with a new name."""
    name = f"lake-{uuid.uuid4().hex[:12]}"
    client = client_for("s3", settings)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if is_versioned:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def new_ecs(settings: AwsSettings) -> dict[str, str]:
    """Make a cluster, a log group and a bucket with one new name; return the variables for them."""
    name = new_bucket(settings)
    client_for("ecs", settings).create_cluster(clusterName=name)
    client_for("logs", settings).create_log_group(logGroupName=f"/tradai/{name}")
    role = "arn:aws:iam::000000000000:role/tradai"
    return {
        "ECS_CLUSTER": name,
        "ECS_SUBNETS": "subnet-0123456789abcdef0",
        "ECS_SECURITY_GROUPS": "sg-0123456789abcdef0",
        "ECS_TASK_ROLE_ARN": role,
        "ECS_EXECUTION_ROLE_ARN": role,
        "ECS_LOG_GROUP": f"/tradai/{name}",
        "ECS_LAUNCH_TYPE": "FARGATE",
        "TRADAI_JOB_STORE": f"s3://{name}/jobs/",
    }
