"""The command in a task runs what the ECS runner spilled to a store."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

from servers.aws import REGION, settings_at

from tradai.aws import SecretsEditor
from tradai.aws._ecs.overrides import check_size, spill
from tradai.core import FileStore, JobSpec, Secret, SecretReference

PROGRAM = """
import os
from tradai.core import SecretReference, resolve_secret
secret = resolve_secret(SecretReference("env:API_KEY"))
print(len(os.environ["LARGE"]), "API_KEY" in os.environ, len(secret.reveal()))
"""


def test_a_spilled_command_finds_its_variables_and_its_secrets(
    localstack: str, tmp_path: Path
) -> None:
    name = f"desk/{uuid.uuid4().hex[:12]}"
    SecretsEditor(settings_at(localstack)).create(name, Secret('{"api": {"key": "fake-value"}}'))
    spec = JobSpec(
        job_id="job-1",
        command=(sys.executable, "-c", PROGRAM),
        environment={"LARGE": "x" * 20_000},
        secrets={"API_KEY": SecretReference(f"aws-sm:{name}#api.key")},
    )

    overrides = spill(spec, FileStore(), f"file:{tmp_path}/jobs/")

    check_size(overrides, spec)
    (container,) = overrides["containerOverrides"]
    _, *words = container["command"]
    done = subprocess.run(
        [sys.executable, "-m", "tradai.entrypoint", *words],
        env={**os.environ, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": localstack},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "20000 False 10\n", done.stderr
