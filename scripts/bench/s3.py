"""S3Store against boto3: a listing, and the download and upload of one large object.

Both talk to the same canned server in a process of its own, alternating in one process, after a
first round that does not count; figures are medians. boto3 does each transfer in several ways, and
the best of them counts. Memory is that of one more transfer in a fresh process: resident before,
and at its peak. Linux only.

``uv run --frozen python scripts/bench/s3.py [--rounds 7] [--latency-ms 0]``
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from _canned_s3 import KEYS, SIZE

from tradai.aws import AwsSettings, S3Store

Way: TypeAlias = Callable[[str, Path], Callable[[], object]]

HERE = Path(__file__).resolve()
REGION = "eu-central-1"
URI = "s3://lake/object"
MIB = 1024 * 1024
LIST_BOUND, TRANSFER_BOUND, MEMORY_BOUND_MIB = 0.35, 1.1, 96
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "fake",
    "AWS_SECRET_ACCESS_KEY": "fake",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def main() -> None:
    """Measure and print tables, or do one transfer in a child process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--transfer", nargs=3, metavar=("NAME", "URL", "FILE"))
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(ENVIRON)
    if arguments.transfer:
        name, url, file = arguments.transfer
        print(grown_mib(WAYS[name](url, Path(file))))
        return
    with server(arguments.latency_ms) as url:
        compare_listing(url, arguments.rounds)
        compare_transfers(url, arguments.rounds)


@contextmanager
def server(latency_ms: float) -> Iterator[str]:
    """Run the canned server."""
    command = [sys.executable, HERE.with_name("_canned_s3.py"), "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield str(process.stdout and process.stdout.readline()).strip()
        finally:
            process.kill()


# Only stubs have a type for boto3's clients.
def boto3_client(url: str) -> Any:  # noqa: ANN401
    """Return a plain client of boto3."""
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, max_pool_connections=32)
    return boto3.Session().client("s3", region_name=REGION, endpoint_url=url, config=config)


def store(url: str) -> S3Store:
    """Return a store of tradai."""
    return S3Store(AwsSettings(region=REGION, endpoint_url=url))


def compare_listing(url: str, rounds: int) -> None:
    """Compare the CPU of this process for a listing."""
    client, ours = boto3_client(url), store(url)

    def paginate() -> int:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket="lake")
        return sum(1 for page in pages for _ in page["Contents"])

    def list_all() -> int:
        return sum(1 for _ in ours.list("s3://lake"))

    pairs = [(cpu_s(paginate), cpu_s(list_all)) for _ in range(rounds + 1)][1:]
    theirs_ms, ours_ms = (1_000 * statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(mine / theirs for theirs, mine in pairs)
    print("| 10,000 keys | boto3 CPU ms | S3Store CPU ms | ratio | bound |")
    print("|---|---:|---:|---:|---:|")
    print(f"| list | {theirs_ms:.0f} | {ours_ms:.0f} | {ratio:.2f} | {LIST_BOUND} |")


def cpu_s(work: Callable[[], int]) -> float:
    """Return the CPU seconds of `work`, which must see every key."""
    before = time.process_time()
    if work() != KEYS:
        raise SystemExit("the listing was not whole")
    return time.process_time() - before


def compare_transfers(url: str, rounds: int) -> None:
    """Compare wall time and memory of transfers."""
    # In memory, because the disk is not part of the comparison.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        file = Path(folder, "file")
        print()
        print("| 256 MiB | way | s | CPU s | RSS growth MiB | x boto3's best | bound |")
        print("|---|---|---:|---:|---:|---:|---:|")
        for direction in ("down", "up"):
            ways = {name: make for name, make in WAYS.items() if name.startswith(direction)}
            compare_ways(direction, ways, url, file, rounds)


def compare_ways(
    direction: str, ways: Mapping[str, Way], url: str, file: Path, rounds: int
) -> None:
    """Print the rows of one direction."""
    transfers = {name: make(url, file) for name, make in ways.items()}
    turns = [
        {name: timed(transfer, direction, file) for name, transfer in transfers.items()}
        for _ in range(rounds + 1)
    ]
    seconds = {name: statistics.median(turn[name][0] for turn in turns[1:]) for name in ways}
    best = min(took for name, took in seconds.items() if "boto3" in name)
    for name, took in seconds.items():
        cpu_s = statistics.median(turn[name][1] for turn in turns[1:])
        growth = growth_mib(name, url, direction, file)
        bound = "" if "boto3" in name else f"{MEMORY_BOUND_MIB} MiB"
        bound = f"{TRANSFER_BOUND}, {bound}" if name.endswith("S3Store") else bound
        way = name.removeprefix(f"{direction} ")
        shown = f"| {direction} | {way} | {took:.3f} | {cpu_s:.3f} | {growth:.0f} |"
        print(f"{shown} {took / best:.2f} | {bound} |", flush=True)


@contextmanager
def prepared(direction: str, file: Path) -> Iterator[None]:
    """Create the file for an upload, or remove it for a download."""
    if direction == "up":
        with file.open("wb") as target:
            for _ in range(SIZE // MIB):
                target.write(bytes(MIB))
    yield
    if file.stat().st_size != SIZE:
        raise SystemExit("the transfer was not whole")
    file.unlink()


def timed(work: Callable[[], object], direction: str, file: Path) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of one transfer."""
    with prepared(direction, file):
        started, started_cpu = time.perf_counter(), time.process_time()
        work()
        return time.perf_counter() - started, time.process_time() - started_cpu


def growth_mib(name: str, url: str, direction: str, file: Path) -> float:
    """Return the growth of a new process during one transfer."""
    with prepared(direction, file):
        command = [sys.executable, HERE, "--transfer", name, url, file]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def grown_mib(work: Callable[[], object]) -> float:
    """Do one transfer and return the growth of this process."""
    before_mib = memory_mib("VmRSS")
    work()
    return memory_mib("VmHWM") - before_mib


def memory_mib(name: str) -> float:
    """Return a figure of this process's memory; Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def ours_down(url: str, file: Path) -> Callable[[], object]:
    """Download with S3Store."""
    source = store(url)
    source.stat(URI)
    return lambda: source.download(URI, file)


def ours_up(url: str, file: Path) -> Callable[[], object]:
    """Upload with S3Store."""
    target = store(url)
    target.stat(URI)
    return lambda: target.upload(file, URI)


def boto3_transfer(method: str, **config: int) -> Way:
    """Transfer with boto3's transfer manager."""

    def make(url: str, file: Path) -> Callable[[], object]:
        from boto3.s3.transfer import TransferConfig

        client = boto3_client(url)
        client.head_object(Bucket="lake", Key="object")
        chosen = TransferConfig(**config)
        if method == "download_file":
            return lambda: client.download_file("lake", "object", str(file), Config=chosen)
        return lambda: client.upload_file(str(file), "lake", "object", Config=chosen)

    return make


def boto3_get(url: str, file: Path) -> Callable[[], object]:
    """Download with one GetObject."""
    client = boto3_client(url)
    client.head_object(Bucket="lake", Key="object")

    def work() -> None:
        body = client.get_object(Bucket="lake", Key="object")["Body"]
        with file.open("wb") as target:
            shutil.copyfileobj(body, target, MIB)

    return work


def boto3_put(url: str, file: Path) -> Callable[[], object]:
    """Upload with one PutObject."""
    client = boto3_client(url)
    client.head_object(Bucket="lake", Key="object")

    def work() -> None:
        with file.open("rb") as source:
            client.put_object(Bucket="lake", Key="object", Body=source)

    return work


LARGE_PARTS = {"multipart_chunksize": 32 * MIB, "max_concurrency": 4, "io_chunksize": MIB}


def ours_streamed(url: str, file: Path) -> Callable[[], object]:
    """Stream with S3Store into a file."""
    source = store(url)
    source.stat(URI)

    def work() -> None:
        with file.open("wb") as target:
            for chunk in source.stream(URI):
                target.write(chunk)

    return work


WAYS: dict[str, Way] = {
    "down boto3 download_file": boto3_transfer("download_file"),
    "down boto3 download_file, large parts": boto3_transfer("download_file", **LARGE_PARTS),
    "down boto3 download_file, no threads": boto3_transfer("download_file", use_threads=False),
    "down boto3 get_object": boto3_get,
    "down S3Store": ours_down,
    "down S3Store, streamed": ours_streamed,
    "up boto3 upload_file": boto3_transfer("upload_file"),
    "up boto3 upload_file, large parts": boto3_transfer("upload_file", **LARGE_PARTS),
    "up boto3 put_object": boto3_put,
    "up S3Store": ours_up,
}


if __name__ == "__main__":
    main()
