"""A second fetch of an unchanged prefix of 1,000 objects, against a bare listing with boto3.

Both talk to the same canned server in a process of its own, alternating in one process, after a
first round that does not count; figures are medians. The fetch is measured as a run makes it (the
candles of five series are needed) and with every object needed. Each fetch must make one request.

``uv run --frozen python scripts/bench/inputs.py [--rounds 21]``
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _canned_s3 import INPUTS
from s3 import ENVIRON, REGION, boto3_client, server

from tradai.aws import AwsSettings, S3Store, client_for
from tradai.entrypoint import InputSettings
from tradai.entrypoint._inputs.fetch import Fetcher

URI = "s3://lake/inputs/"
SERIES = [f"P{number:03}_USDT-5m.feather" for number in range(5)]
BOUND = 0.3


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(ENVIRON)
    with server(0) as url, tempfile.TemporaryDirectory() as folder:
        compare(url, Path(folder), rounds)


def compare(url: str, folder: Path, rounds: int) -> None:
    """Print the CPU of a listing and of the fetches."""
    settings = AwsSettings(region=REGION, endpoint_url=url)
    client, requests = boto3_client(url), count_requests(settings)
    fetcher = Fetcher(InputSettings(cache=folder / "cache"), store=S3Store(settings))

    def paginate() -> int:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix="inputs/")
        return sum(1 for page in pages for _ in page["Contents"])

    def fetch(names: list[str] | None) -> int:
        return fetcher.fetch_folder(URI, folder / "target", names=names).objects

    fetch(None)
    print("| second fetch of 1,000 objects | CPU ms | requests | x boto3's listing | bound |")
    print("|---|---:|---:|---:|---:|")
    rows = {"of 5 needed": (SERIES, f"{BOUND}"), "of all": (None, "")}
    for title, (names, bound) in rows.items():
        pairs = []
        for _ in range(rounds + 1):
            shutil.rmtree(folder / "target", ignore_errors=True)
            requests.clear()
            listed = cpu_s(paginate, INPUTS)
            fetched = cpu_s(partial(fetch, names), len(names or range(INPUTS)))
            pairs.append((listed, fetched))
        ratio = statistics.median(mine / theirs for theirs, mine in pairs[1:])
        mine_ms = 1_000 * statistics.median(mine for _, mine in pairs[1:])
        made = ", ".join(requests)
        print(f"| {title} | {mine_ms:.1f} | {made} | {ratio:.2f} | {bound} |")


def count_requests(settings: AwsSettings) -> list[str]:
    """Return a list that is to hold the operations of our client."""
    sent: list[str] = []

    def record(event_name: str, **_: object) -> None:
        sent.append(event_name.rpartition(".")[2])

    client_for("s3", settings).meta.events.register("before-send.s3", record)
    return sent


def cpu_s(work: Callable[[], int], expected: int) -> float:
    """Return the CPU seconds of `work`, which must see every object."""
    before = time.process_time()
    if work() != expected:
        raise SystemExit("the work was not whole")
    return time.process_time() - before


if __name__ == "__main__":
    main()
