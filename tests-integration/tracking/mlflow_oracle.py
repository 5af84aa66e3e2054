"""MLflow's own client as a child process, in the environment of its server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Self, final

from servers.mlflow import MLflowServer, mlflow_python


@final
class MLflowOracle:
    """The child, which is started at once and answers until it is left."""

    def __init__(self, server: MLflowServer) -> None:
        """Start MLflow's client of `server`, of the same release."""
        login = server.login or ("", "")
        inherited = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("AWS_", "MLFLOW_", "PYTHON"))
        }
        self._child = subprocess.Popen(
            [mlflow_python(server.release), Path(__file__).with_name("oracle.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=server.folder,
            env=inherited
            | {
                "MLFLOW_TRACKING_URI": server.url,
                "MLFLOW_TRACKING_USERNAME": login[0],
                "MLFLOW_TRACKING_PASSWORD": login[1],
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the child end."""
        self._child.communicate(timeout=300)

    def ask(self, question: str, **arguments: str) -> dict[str, Any]:
        """Return the child's answer to a question; see ``oracle.py``."""
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps({"ask": question} | arguments) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, f"MLflow's client ended with exit code {self._child.wait(60)}"
        answer: dict[str, Any] = json.loads(line)
        return answer
