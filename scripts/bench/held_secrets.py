"""Held secrets against the caches of AWS's own libraries: one process, alternating.

All use clients that return boto3's result for a response of AWS, after 30 ms where the table says
so.

``uv run --frozen --group bench python scripts/bench/held_secrets.py [--rounds 15] [--runs 20]``
"""

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import boto3
from aws_imports import BOUND as IMPORT_BOUND, THEIRS, cpu_s
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_secretsmanager_caching import SecretCache, SecretCacheConfig
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tradai.aws import AwsSettings, SecretsManager, SecretsPolicy

NAME = "trading/binance"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret"
VERSION = "11111111-1111-1111-1111-111111111111"
TEXT = '{"key": "not-a-real-key"}'
HEADERS = {
    "x-amzn-RequestId": "22222222-2222-2222-2222-222222222222",
    "Content-Type": "application/x-amz-json-1.1",
    "Content-Length": "280",
    "Date": "Fri, 28 Nov 2026 12:00:00 GMT",
    "Connection": "keep-alive",
}
READS = 20_000
READERS = 32
BACKEND_S = 0.03
EXPIRY_S = 1
SLOWEST_MS = 10
READ_NS = 600
LEAST = {"aws-lambda-powertools": 3, "aws-secretsmanager-caching": 80}
Get = Callable[[], object]
VALUE: dict[str, object] = {}
DESCRIPTION: dict[str, object] = {}


class Body:
    """The body of an answer."""

    def __init__(self, text: str) -> None:
        """Hold `text`."""
        self.text = text

    def stream(self) -> Iterator[bytes]:
        """Yield the text."""
        yield self.text.encode()


class Client:
    """A fake of boto3's client with latency."""

    def __init__(self, latency_s: float = 0.0) -> None:
        """Return each response after `latency_s`."""
        self.latency_s = latency_s
        self.calls = 0

    def get_secret_value(self, **_: object) -> dict[str, object]:
        """Return the only version of the secret."""
        self._called()
        return VALUE

    def describe_secret(self, **_: object) -> dict[str, object]:
        """Return the description of the secret."""
        self._called()
        return DESCRIPTION

    def _called(self) -> None:
        self.calls += 1
        time.sleep(self.latency_s)


def answers() -> tuple[dict[str, object], dict[str, object]]:
    """Return boto3's own results for two canned responses; nothing is sent."""
    facts = {"ARN": f"{ARN}:{NAME}-AbCdEf", "Name": NAME, "CreatedDate": 1764320400.5}
    bodies = [
        {**facts, "VersionId": VERSION, "SecretString": TEXT, "VersionStages": ["AWSCURRENT"]},
        {**facts, "VersionIdsToStages": {VERSION: ["AWSCURRENT"]}, "LastChangedDate": 1764320400.5},
    ]
    client = boto3.client(
        "secretsmanager",
        region_name="eu-central-1",
        aws_access_key_id="fake-id",
        # Nothing is sent.
        aws_secret_access_key="fake-key",  # noqa: S106
    )

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body = Body(json.dumps(bodies[request.headers["X-Amz-Target"].endswith(b"DescribeSecret")]))
        return AWSResponse(request.url, 200, HEADERS, body)

    client.meta.events.register("before-send", answer)
    return client.get_secret_value(SecretId=NAME), client.describe_secret(SecretId=NAME)


def main() -> None:
    """Measure and print three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()
    for held, answer in zip((VALUE, DESCRIPTION), answers(), strict=True):
        held.update(answer)
    print_reads(args.rounds)
    print_expiry(args.runs)
    print_import(args.rounds)


def sides(expiry_s: float, latency_s: float) -> dict[str, tuple[Get, Client]]:
    """Return for each side a function that reads a secret, and its client."""
    ours, powertools, caching = (Client(latency_s) for _ in range(3))
    policy = SecretsPolicy(fresh_s=expiry_s)
    secrets = SecretsManager(AwsSettings(), policy=policy, client=ours)
    provider = SecretsProvider(boto3_client=powertools)
    config = SecretCacheConfig(secret_refresh_interval=expiry_s)
    cache = SecretCache(config=config, client=caching)
    return {
        "tradai": (lambda: secrets.get(NAME), ours),
        "aws-lambda-powertools": (lambda: provider.get(NAME, max_age=expiry_s), powertools),
        "aws-secretsmanager-caching": (lambda: cache.get_secret_string(NAME), caching),
    }


def print_reads(rounds: int) -> None:
    """Print the cost of reading a held secret."""
    gets = {name: get for name, (get, _) in sides(300, 0).items()}
    costs: dict[str, list[float]] = {name: [] for name in gets}
    for _ in range(rounds):
        for name, get in gets.items():
            costs[name].append(read_ns(get))
    print("| reading a secret that is held | ns | x tradai | bound |")
    print("|---|---:|---:|---:|")
    for name, measured in costs.items():
        ratio = statistics.median(a / b for a, b in zip(measured, costs["tradai"], strict=True))
        bound = f"at least {LEAST[name]}" if name in LEAST else f"at most {READ_NS} ns"
        print(f"| {name} | {statistics.median(measured):,.0f} | {ratio:.1f} | {bound} |")
    print()


def read_ns(get: Get) -> float:
    """Return the CPU of one reading, in nanoseconds."""
    reads = range(READS if get() else 0)
    start = time.process_time_ns()
    for _ in reads:
        get()
    return (time.process_time_ns() - start) / READS


def print_expiry(runs: int) -> None:
    """Print the requests and waits of readers when a secret has just expired."""
    all_sides = sides(EXPIRY_S, BACKEND_S)
    calls: dict[str, list[int]] = {name: [] for name in all_sides}
    slowest_ms: dict[str, list[float]] = {name: [] for name in all_sides}
    for _ in range(runs):
        for get, _ in all_sides.values():
            get()
        time.sleep(EXPIRY_S + 2 * BACKEND_S)
        for name, (get, client) in all_sides.items():
            before = client.calls
            slowest_ms[name].append(read_at_once(get))
            time.sleep(2 * BACKEND_S)
            calls[name].append(client.calls - before)
    print(f"| {READERS} readers at expiry, {1000 * BACKEND_S:.0f} ms away | calls | slowest, ms |")
    print("|---|---:|---:|")
    for name in all_sides:
        low, high = min(calls[name]), max(calls[name])
        spread = f"{low}" if low == high else f"{low} to {high}"
        print(f"| {name} | {spread} | {statistics.median(slowest_ms[name]):.1f} |")
    print(f"\nBound: 1 call in each of {runs} runs, {SLOWEST_MS} ms for the slowest reader.\n")


def read_at_once(get: Get) -> float:
    """Return the wait of the slowest of many readers, in milliseconds."""
    barrier = threading.Barrier(READERS)
    waits: list[float] = []

    def read() -> None:
        barrier.wait()
        start = time.perf_counter()
        get()
        waits.append(time.perf_counter() - start)

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1000 * max(waits)


def print_import(rounds: int) -> None:
    """Print the cost of the import against boto3's."""
    pairs = [(cpu_s("import tradai.aws"), cpu_s(THEIRS)) for _ in range(rounds)]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    print("| `import tradai.aws` / `import boto3` | bound |")
    print("|---:|---:|")
    print(f"| {ratio:.2f} | {IMPORT_BOUND} |")


if __name__ == "__main__":
    main()
