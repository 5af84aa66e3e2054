"""One process of `test_races`: threads that all want the same things at once.

``python race_member.py URL NAME``; it prints ``ready``, waits for a line, and prints what each of
its threads got.
"""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tradai.mlflow import MLflowClient

THREADS: Final = 8
# Long, so that a slow machine does not look like an outage.
PATIENCE_S: Final = 240.0


def main() -> None:
    url, name = sys.argv[1:]
    together = threading.Barrier(THREADS)

    def take_part(number: int) -> dict[str, str | int]:
        together.wait()
        experiment = client.experiment(name).experiment_id
        model = client.registered_model(name).name
        run = client.create_run(experiment, name=f"{name}-{number}")
        version = client.create_model_version(name, source=run.artifact_uri, run_id=run.run_id)
        return {
            "experiment": experiment,
            "model": model,
            "run": run.run_id,
            "version": version.version,
        }

    with (
        MLflowClient(uri=url, deadline_s=PATIENCE_S) as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(list(pool.map(take_part, range(THREADS)))), flush=True)


if __name__ == "__main__":
    main()
