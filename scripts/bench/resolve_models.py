"""Cost of resolving a model in a new process, against MLflow's own client.

Each side is a new process that finds the version of an alias, reads its configuration from 20 tags,
and has its 3 files of 20 KB on this disk with checked digests. Ours validates the configuration as
well. The sides alternate; figures are medians of CPU seconds, as other programs run on the machine,
and the number of requests that the proxy before the server saw.

``uv run --frozen python scripts/bench/resolve_models.py --server URL --skinny PY --full PY``

Each ``PY`` is a Python that has that distribution of MLflow.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests-integration"))

from models.proven_run import proven_run  # noqa: E402 - found by the line above
from servers.fault_proxy import FaultProxy  # noqa: E402 - as above

from tradai.mlflow import MLflowClient, ModelRegistry, PromotionPolicy  # noqa: E402 - as above

OURS: Final = """
import sys
from tradai.mlflow import ModelRegistry
resolved = ModelRegistry().resolve(sys.argv[1], alias="champion")
assert len(resolved.record.files) == 3 and resolved.folder.is_dir()
"""
THEIRS: Final = """
import hashlib, json, sys
from pathlib import Path
import mlflow
from mlflow import MlflowClient
version = MlflowClient().get_model_version_by_alias(sys.argv[1], "champion")
def text(name):
    count = int(version.tags[f"{name}.chunks"])
    return "".join(version.tags[f"{name}.{index:03}"] for index in range(count))
config = text("tradai.config")
assert hashlib.sha256(config.encode()).hexdigest() == version.tags["tradai.config.sha256"]
json.loads(config)
source = f"models:/{sys.argv[1]}@champion"
folder = mlflow.artifacts.download_artifacts(source, dst_path=sys.argv[2])
files = json.loads(text("tradai.record"))["files"]
assert len(files) == 3
for file in files:
    data = Path(folder, file["path"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == file["sha256"]
"""


def main() -> None:
    """Print a row for each side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--skinny", required=True)
    parser.add_argument("--full", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    sides = {"tradai": sys.executable, "skinny": arguments.skinny, "full": arguments.full}
    with FaultProxy(arguments.server) as proxy, tempfile.TemporaryDirectory() as folder:
        name = _register(proxy.url, Path(folder, "run"))
        figures = _measure(proxy, name, sides, rounds=arguments.rounds)
    ours = statistics.median(seconds for seconds, _ in figures["tradai"])
    for side, rows in figures.items():
        seconds = statistics.median(each for each, _ in rows)
        ratios = [
            theirs / mine for (theirs, _), (mine, _) in zip(rows, figures["tradai"], strict=True)
        ]
        print(
            f"{side:7} {seconds:6.3f} s  {seconds / ours:5.1f}x "
            f"({min(ratios):.1f} to {max(ratios):.1f})  {rows[0][1]} requests"
        )


def _register(uri: str, folder: Path) -> str:
    name = f"bench-{uuid.uuid4().hex[:8]}"
    # With the record, 20 tags.
    parameters = {f"key_{index}": "x" * 80 for index in range(830)}
    files = {
        "strategy/trend.py": b"#" * 20_000,
        "strategy/indicators/ema.py": b"#" * 20_001,
        "strategy/levels.csv": b"1" * 20_002,
    }
    run = proven_run(folder, config={"parameters": parameters}, files=files)
    registry = ModelRegistry(MLflowClient(uri=uri))
    registry.register(name, run)
    registry.promote(name, 1, policy=PromotionPolicy())
    return name


def _measure(
    proxy: FaultProxy, name: str, sides: Mapping[str, str], *, rounds: int
) -> dict[str, list[tuple[float, int]]]:
    figures: dict[str, list[tuple[float, int]]] = {side: [] for side in sides}
    for side in _turns(sides, rounds):
        with tempfile.TemporaryDirectory() as folder:
            proxy.plan()
            program = OURS if side == "tradai" else THEIRS
            start_s = _children_s()
            subprocess.run(
                [sides[side], "-c", program, name, folder],
                check=True,
                capture_output=True,
                env=_environ(proxy.url, folder),
            )
            figures[side].append((_children_s() - start_s, len(proxy.seen)))
    return figures


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _turns(sides: Mapping[str, str], rounds: int) -> Iterator[str]:
    for _ in range(rounds):
        yield from sides


def _environ(uri: str, folder: str) -> dict[str, str]:
    own = {
        "MLFLOW_TRACKING_URI": uri,
        "TRADAI_MODEL_CACHE": folder,
        "TRADAI_MODEL_DEADLINE_S": "60",
    }
    return {**os.environ, **own, "MLFLOW_DISABLE_TELEMETRY": "true"}


if __name__ == "__main__":
    main()
