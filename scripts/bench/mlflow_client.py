"""Cost of tradai's client of MLflow against mlflow-skinny: imports, CPU of calls, a whole run.

Imports and calls are measured in processes of their own, ours and theirs alternating; a server that
answers with canned bytes takes no part in the measured CPU. The whole run needs a real server:

``MLFLOW_TRACKING_URI=http://127.0.0.1:5000 uv run --frozen python scripts/bench/mlflow_client.py``

Without that variable, it is left out. With MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD,
both log in.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

IMPORT_BOUND, MEMORY_BOUND_MB = 0.25, 40.0
CALL_BOUND = 0.25
RUN_BOUND, RUN_BOUND_WITH_LOGIN, MOST_CALLS = 0.2, 0.1, 5

IMPORTS = {"import tradai.mlflow": IMPORT_BOUND, "from tradai.mlflow import MLflowClient": ""}
THEIRS = "import mlflow"

# Each program prints its CPU seconds, and counts the requests that it sends.
COUNTING = """
import sys, time, requests
sent = 0
adapter_send = requests.adapters.HTTPAdapter.send
def counted(self, *args, **options):
    global sent
    sent += 1
    return adapter_send(self, *args, **options)
requests.adapters.HTTPAdapter.send = counted
uri, calls = sys.argv[1], int(sys.argv[2])
"""
REPORT = """
print(time.process_time() - began, sent)
"""
OUR_SETUP = """
from tradai.core import utc_now
from tradai.mlflow import MLflowClient, RunMetric, RunStatus
client = MLflowClient(uri=uri)
at = utc_now()
"""
THEIR_SETUP = """
import os
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
import mlflow
from mlflow.entities import Metric
client = mlflow.MlflowClient(tracking_uri=uri)
at = int(time.time() * 1000)
"""
PROGRAMS = {
    "log_batch of 1,000 points": (
        """
points = [RunMetric(key="m", value=n / 7, step=n, at=at) for n in range(1000)]
client.log_batch("r1", metrics=points)
began, sent = time.process_time(), 0
for _ in range(calls):
    points = [RunMetric(key="m", value=n / 7, step=n, at=at) for n in range(1000)]
    client.log_batch("r1", metrics=points)
""",
        """
points = [Metric("m", n / 7, at, n) for n in range(1000)]
client.log_batch("r1", metrics=points)
began, sent = time.process_time(), 0
for _ in range(calls):
    points = [Metric("m", n / 7, at, n) for n in range(1000)]
    client.log_batch("r1", metrics=points)
""",
    ),
    "search of 20 runs": (
        """
list(client.search_runs(["1"], limit=20))
began, sent = time.process_time(), 0
for _ in range(calls):
    assert len(list(client.search_runs(["1"], limit=20))) == 20
""",
        """
client.search_runs(["1"], max_results=20)
began, sent = time.process_time(), 0
for _ in range(calls):
    assert len(client.search_runs(["1"], max_results=20)) == 20
""",
    ),
}
RUN = (
    """
client.experiment("bench")
began, sent = time.process_time(), 0
for _ in range(calls):
    experiment = client.experiment("bench")
    run = client.create_run(experiment.experiment_id, name="bench")
    client.log_batch(
        run.run_id,
        params={f"p{n}": str(n) for n in range(50)},
        metrics=[
            RunMetric(key=f"m{key}", value=step / 7, step=step, at=at)
            for step in range(50) for key in range(20)
        ],
    )
    client.end_run(run.run_id, RunStatus.FINISHED)
""",
    """
mlflow.set_tracking_uri(uri)
mlflow.set_experiment("bench")
began, sent = time.process_time(), 0
for _ in range(calls):
    with mlflow.start_run(run_name="bench"):
        mlflow.log_params({f"p{n}": str(n) for n in range(50)})
        for step in range(50):
            mlflow.log_metrics({f"m{key}": step / 7 for key in range(20)}, step=step)
""",
)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print("| what | ours | theirs | ours / theirs | bound |")
    print("|---|---:|---:|---:|---:|")
    compare_imports(rounds)
    with canned_server() as uri:
        for name, programs in PROGRAMS.items():
            compare_calls(name, programs, (uri, 100), rounds, CALL_BOUND)
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri:
        has_login = "MLFLOW_TRACKING_USERNAME" in os.environ
        bound = RUN_BOUND_WITH_LOGIN if has_login else RUN_BOUND
        compare_calls("run, 50 parameters, 1,000 points, finish", RUN, (uri, 3), rounds, bound)


def compare_imports(rounds: int) -> None:
    """Print CPU and memory of the imports."""
    for code in (THEIRS, *IMPORTS):
        import_cost(code)
    for code, bound in IMPORTS.items():
        pairs = [(import_cost(code), import_cost(THEIRS)) for _ in range(rounds)]
        ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
        shown = [f"{1000 * statistics.median(pair[n][0] for pair in pairs):.0f}" for n in (0, 1)]
        row(f"`{code}`, CPU ms", (shown[0], shown[1]), ratio, bound)
        memory = [statistics.median(pair[n][1] for pair in pairs) for n in (0, 1)]
        shown = [f"{one:.0f}" for one in memory]
        most = f"{MEMORY_BOUND_MB:.0f} MB" if bound else ""
        row(f"`{code}`, MB", (shown[0], shown[1]), memory[0] / memory[1], most)


def compare_calls(
    name: str, programs: tuple[str, str], target: tuple[str, int], rounds: int, bound: float
) -> None:
    """Print CPU and requests of one call."""
    uri, calls = target
    setups = (OUR_SETUP, THEIR_SETUP)
    codes = [
        COUNTING + setup + program + REPORT for setup, program in zip(setups, programs, strict=True)
    ]
    pairs = [[call_cost(code, uri, calls) for code in codes] for _ in range(rounds)]
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
    shown = [f"{1000 * statistics.median(pair[n][0] for pair in pairs):.2f}" for n in (0, 1)]
    row(f"{name}, CPU ms", (shown[0], shown[1]), ratio, bound)
    ours, theirs = (pairs[0][n][1] for n in (0, 1))
    most = f"{MOST_CALLS} requests" if ours > 1 else ""
    row(f"{name}, requests", (f"{ours:.0f}", f"{theirs:.0f}"), ours / theirs, most)


def row(name: str, shown: tuple[str, str], ratio: float, bound: object) -> None:
    """Print one row."""
    print(f"| {name} | {shown[0]} | {shown[1]} | {ratio:.2f} | {bound} |", flush=True)


def import_cost(code: str) -> tuple[float, float]:
    """Run `code` in a new Python process, and return its CPU seconds and most memory in MB."""
    environ = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen([sys.executable, "-c", code], env=environ)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{code} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def call_cost(code: str, uri: str, calls: int) -> tuple[float, float]:
    """Return the CPU seconds and the requests of one of `calls` calls."""
    command = [sys.executable, "-c", code, uri, str(calls)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    cpu_s, sent = done.stdout.split()[-2:]
    return float(cpu_s) / calls, int(sent) / calls


@contextmanager
def canned_server() -> Iterator[str]:
    """Start a server that answers any search with 20 runs and anything else with nothing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Canned)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def _run(number: int) -> dict[str, object]:
    info = {"run_id": f"{number:032x}", "experiment_id": "1", "run_name": f"run-{number}"}
    times = {"status": "FINISHED", "start_time": 1_735_689_600_000, "end_time": 1_735_689_660_000}
    places = {"artifact_uri": f"mlflow-artifacts:/1/{number}", "lifecycle_stage": "active"}
    metrics = [
        {"key": f"m{n}", "value": n / 7, "timestamp": 1_735_689_600_000, "step": n}
        for n in range(20)
    ]
    params = [{"key": f"p{n}", "value": str(n)} for n in range(50)]
    tags = [{"key": "mlflow.runName", "value": f"run-{number}"}]
    data = {"metrics": metrics, "params": params, "tags": tags}
    return {"info": {**info, **times, **places}, "data": data}


_RUNS = json.dumps({"runs": [_run(number) for number in range(20)]}).encode()


class _Canned(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = _RUNS if self.path.endswith("/search") else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    main()
