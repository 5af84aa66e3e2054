"""Runs with a run store: the policy at the start, and the verdict at the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from textwrap import dedent
from typing import ClassVar

import pytest

from tradai.core import FileStore, ObjectInfo, StoredObject, TradingMode
from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint import (
    EntrypointSettings,
    ExitCode,
    Interrupts,
    RunManifest,
    StrategyEntrypoint,
    Verdict,
)
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._history.prune import remove_run
from tradai.entrypoint._paper.run_process import lives
from tradai.entrypoint._process.settings import PartOf
from tradai.entrypoint._runs import stored_run
from tradai.entrypoint._store import run_store
from tradai.entrypoint._store.sender import RunSender

Entry = type[StrategyEntrypoint]


class Works:
    """A handler whose work is done at once, and leaves a file."""

    calls: ClassVar[list[str]] = []

    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.context = entrypoint.context

    def run(self) -> int:
        self.calls.append(self.context.run_id)
        self.context.record_digest("config", "c" * 64)
        self.context.folder.write("result.txt", "42")
        return self.context.conclude(Verdict(exit_code=ExitCode.DONE, sentence="42 is found"))


class Switch:
    """An object store that is gone, or hangs, from one write or read on."""

    def __init__(self, gone_at: str = "", hangs_at: str = "") -> None:
        self.is_reached = threading.Event()
        self.release = threading.Event()
        self._gone_at, self._hangs_at = gone_at, hangs_at
        self._files = FileStore()

    def _pass(self, uri: str) -> None:
        if self._gone_at and self._gone_at in uri:
            raise ExternalServiceError("it is gone", service="s3", operation="any", retryable=True)
        if self._hangs_at and self._hangs_at in uri:
            self.is_reached.set()
            self.release.wait(60)

    def read(self, uri: str) -> StoredObject:
        self._pass(uri)
        return self._files.read(uri)

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        self._pass(uri)
        return self._files.write(uri, data, if_match=if_match, if_absent=if_absent)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._pass(prefix)
        return self._files.list(prefix)

    def delete(self, uri: str) -> None:
        self._files.delete(uri)

    def stat(self, uri: str) -> ObjectInfo:
        return self._files.stat(uri)

    def copy(self, source: str, target: str) -> str:
        return self._files.copy(source, target)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def run(
    tmp_path: Path,
    config_file: Path,
    store: Path,
    registered: Entry,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Verdict]:
    """Run with the store; `runs` is the machine, so to speak."""
    # A run that takes some seconds on a busy machine is sent at its end alone, too.
    monkeypatch.setattr(stored_run, "RunSender", partial(RunSender, every_s=3_600.0))
    registered.register_handler(TradingMode.BACKTEST)(Works)
    Works.calls.clear()

    def start(
        run_id: str | None = "job-1",
        *,
        runs: str = "runs",
        config: str | None = None,
        interrupts: Interrupts | None = None,
        timeout_s: float = 20.0,
        part_of: PartOf | None = None,
    ) -> Verdict:
        settings = EntrypointSettings(
            mode=TradingMode.BACKTEST,
            folder=tmp_path / runs,
            id=run_id,
            config=config or str(config_file),
            store=str(store),
            store_timeout_s=timeout_s,
            job_id="job",
            attempt=1,
            part_of=part_of,
        )
        return StrategyEntrypoint(settings, interrupts=interrupts).run_to_verdict()

    return start


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Switch], None]]:
    """Serve every URI by one store; calls that hang are released after the test."""
    used: list[Switch] = []

    def serve(switch: Switch) -> None:
        used.append(switch)
        monkeypatch.setattr(run_store, "backend_for", lambda _group, _uri: switch)

    yield serve
    for switch in used:
        switch.release.set()


def started(store: Path, run_id: str = "job-1") -> dict[str, object]:
    facts: dict[str, object] = json.loads((store / run_id / "started.json").read_text())
    return facts


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_in_the_store_with_its_claim_journal_files_and_manifest(
    run: Callable[..., Verdict], store: Path, tmp_path: Path
) -> None:
    assert run().sentence == "42 is found"

    stored, local = store / "job-1", tmp_path / "runs/job-1"
    expected = {"started.json", "manifest.json", "report.html", "result.txt"}
    assert names(stored) == expected | {"journal/000001.jsonl"}
    for name in expected - {"started.json"}:
        assert (stored / name).read_bytes() == (local / name).read_bytes()
    journal = (local / "journal.jsonl").read_bytes()
    assert (stored / "journal/000001.jsonl").read_bytes() == journal
    facts = started(store)
    assert facts["run_id"] == facts["trace_id"] == "job-1"
    assert (facts["job_id"], facts["attempt"]) == ("job", 1)
    assert str(facts["owner"]).startswith("process:")
    assert facts["host"]
    assert facts["started_at"]
    assert facts["digests"] == {"config": "c" * 64}
    assert "part_of" not in facts


def test_the_claim_of_a_part_says_so_before_the_run_has_ended(
    run: Callable[..., Verdict], store: Path
) -> None:
    run(part_of="sweep")

    assert started(store)["part_of"] == "sweep"


def test_a_run_that_ended_is_not_run_again_and_has_its_recorded_exit_code(
    run: Callable[..., Verdict], store: Path, tmp_path: Path
) -> None:
    run()
    manifest = json.loads((store / "job-1/manifest.json").read_text())
    (store / "job-1/manifest.json").write_text(json.dumps(manifest | {"exit_code": 80}))

    verdict = run(runs="other machine")

    assert verdict.exit_code == 80
    assert "42 is found" in verdict.sentence
    assert Works.calls == ["job-1"]
    assert names(tmp_path / "other machine") == set()


def test_a_run_that_another_process_owns_is_not_run(
    run: Callable[..., Verdict], store: Path, tmp_path: Path
) -> None:
    (store / "job-1").mkdir(parents=True)
    (store / "job-1/started.json").write_text('{"owner": "arn:aws:ecs:task/1", "process": "1"}')

    verdict = run()

    assert verdict.exit_code == ExitCode.OWNED
    assert int(ExitCode.OWNED) == 75
    assert "another process owns it" in verdict.sentence
    assert Works.calls == []
    assert names(tmp_path / "runs") == set()
    assert names(store) == {"job-1/started.json"}


def test_a_second_start_on_the_same_machine_ends_as_the_first_did(
    run: Callable[..., Verdict], store: Path, tmp_path: Path
) -> None:
    run(config="missing.yaml")

    assert run().exit_code == ExitCode.DATA
    (store / "job-1/manifest.json").unlink()
    assert run().exit_code == ExitCode.OWNED
    assert Works.calls == []
    # A folder of that id which is not in the store is a mistake of the operator.
    shutil.rmtree(store / "job-1")
    assert run().exit_code == ExitCode.CONFIGURATION
    assert len(list((tmp_path / "runs").iterdir())) == len(list(store.iterdir())) + 1


def test_a_refused_run_is_in_the_store(run: Callable[..., Verdict], store: Path) -> None:
    verdict = run(config="missing.yaml")

    assert verdict.exit_code == ExitCode.DATA
    assert RunManifest.read(store / "job-1").exit_code == ExitCode.DATA
    assert names(store / "job-1") >= {"started.json", "report.html", "journal/000001.jsonl"}


def test_a_run_without_a_folder_on_this_machine_is_refused_in_the_store(
    run: Callable[..., Verdict], store: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")

    verdict = run(runs="file/runs")

    assert verdict.exit_code == ExitCode.RESULT
    assert Works.calls == []
    assert RunManifest.read(store / "job-1").exit_code == ExitCode.RESULT


@pytest.mark.parametrize("switch", [Switch(gone_at="job-1"), Switch(hangs_at="job-1")])
def test_a_run_whose_id_came_from_outside_needs_its_claim(
    switch: Switch,
    run: Callable[..., Verdict],
    use: Callable[[Switch], None],
    store: Path,
    tmp_path: Path,
) -> None:
    use(switch)

    verdict = run(timeout_s=0.1)

    assert verdict.exit_code == ExitCode.UNAVAILABLE
    assert "could not be claimed" in verdict.sentence
    assert "reaches the store (TRADAI_RUN_STORE" in verdict.sentence
    assert Works.calls == []
    # The id is free for the next try, and the refusal has a record of its own.
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name != "job-1"
    assert RunManifest.read(folder).exit_code == ExitCode.UNAVAILABLE
    assert not (store / folder.name).exists()


def test_a_run_whose_id_was_drawn_here_starts_without_its_claim(
    run: Callable[..., Verdict], use: Callable[[Switch], None], store: Path, tmp_path: Path
) -> None:
    use(Switch(gone_at=str(store)))

    verdict = run(None)

    (folder,) = (tmp_path / "runs").iterdir()
    manifest = RunManifest.read(folder)
    assert verdict.exit_code == manifest.exit_code == ExitCode.DONE
    assert Works.calls == [folder.name]
    assert "started without its claim" in manifest.notices[0]
    assert f"`tradai-entrypoint runs push {folder.name}` sends it" in verdict.sentence
    assert manifest.verdict == verdict.sentence


@pytest.mark.parametrize("at", ["result.txt", "journal", "manifest.json", "report.html"])
@pytest.mark.parametrize("kind", ["gone_at", "hangs_at"])
def test_a_store_that_fails_at_the_end_changes_no_exit_code_and_a_push_sends_the_rest(
    kind: str,
    at: str,
    run: Callable[..., Verdict],
    use: Callable[[Switch], None],
    store: Path,
    tmp_path: Path,
) -> None:
    run("job-0")
    switch = Switch(**{kind: f"job-1/{at}"})
    if at == "manifest.json":
        # The claim looks for a manifest too: that must pass, so fail at its write alone.
        switch = Switch(**{kind: "nothing"})
        write = switch.write

        def fail(uri: str, data: bytes, *, if_absent: bool = False) -> str:
            switch.__dict__[f"_{kind}"] = "job-1/manifest.json"
            return write(uri, data, if_absent=if_absent)

        switch.__dict__["write"] = fail
    use(switch)

    # Long enough for the claim, whose store answers, on a machine that is busy.
    verdict = run(timeout_s=5 if kind == "hangs_at" else 20)

    local = RunManifest.read(tmp_path / "runs/job-1")
    assert verdict.exit_code == local.exit_code == ExitCode.DONE
    assert verdict.sentence.startswith("42 is found; the run is not complete in ")
    assert local.notices[-1] in verdict.sentence
    assert not (store / "job-1/manifest.json").exists()

    use(Switch())
    arguments = ["--runs", str(tmp_path / "runs"), "--store", str(store)]
    assert run_command(["runs", "push", "--all", *arguments], interrupts=Interrupts()) == 0
    assert RunManifest.read(store / "job-1") == local
    assert names(store / "job-1") == names(store / "job-0")


def test_a_signal_ends_the_upload_and_the_verdict_says_what_is_missing(
    run: Callable[..., Verdict], use: Callable[[Switch], None], store: Path
) -> None:
    switch = Switch(hangs_at="job-1/result.txt")
    use(switch)

    def interrupt() -> None:
        switch.is_reached.wait(60)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    with Interrupts() as interrupts:
        thread = threading.Thread(target=interrupt)
        thread.start()
        # Without the signal it would wait for minutes.
        verdict = run(interrupts=interrupts, timeout_s=60)
        thread.join()

    assert verdict.exit_code == ExitCode.DONE
    assert "lacks result.txt, manifest.json: a signal arrived" in verdict.sentence
    assert not (store / "job-1/manifest.json").exists()


def test_a_run_is_its_process_until_it_has_been_sent(
    run: Callable[..., Verdict], use: Callable[[Switch], None], tmp_path: Path
) -> None:
    switch = Switch(hangs_at="job-1/result.txt")
    use(switch)
    folder = tmp_path / "runs/job-1"

    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(run, timeout_s=60)
        assert switch.is_reached.wait(60)
        state, is_owned, kept = RunManifest.read(folder).state, lives(folder), remove_run(folder)
        switch.release.set()

    # Its manifest would be written again by the end of the run, after others have changed it.
    assert (state, is_owned, kept) == ("ended", True, "a process has it just now")
    assert verdict.result().exit_code == ExitCode.DONE
    assert not lives(folder)


def test_a_signal_ends_the_wait_for_the_claim(
    run: Callable[..., Verdict], use: Callable[[Switch], None]
) -> None:
    switch = Switch(hangs_at="job-1")
    use(switch)

    def interrupt() -> None:
        switch.is_reached.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)

    with Interrupts() as interrupts:
        thread = threading.Thread(target=interrupt)
        thread.start()
        verdict = run(interrupts=interrupts, timeout_s=60)
        thread.join()

    assert verdict.exit_code == ExitCode.TERMINATED
    assert Works.calls == []


KILLED = """
    import os, signal, sys, time
    from pathlib import Path
    from tradai.core import TradingMode
    from tradai.entrypoint import StrategyEntrypoint, main

    @StrategyEntrypoint.register_handler(TradingMode.BACKTEST)
    class Waits:
        def __init__(self, entrypoint):
            self.context = entrypoint.context

        def run(self):
            self.context.journal.append("half done")
            self.context.interrupts.wait(60)
            return 1

    sys.exit(main())
"""


def test_a_run_killed_outright_leaves_its_claim_and_journal_and_is_listed_as_not_ended(
    tmp_path: Path,
    config_file: Path,
    store: Path,
    eventually: Callable[[Callable[[], bool]], bool],
    run: Callable[..., Verdict],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["run", str(config_file), "--mode", "backtest", "--runs", str(tmp_path / "runs")]
    with subprocess.Popen(
        [sys.executable, "-c", dedent(KILLED), *command, "--run-id", "job-1", "--store", str(store)]
    ) as running:
        try:
            journal = store / "job-1/journal"
            assert eventually(
                lambda: any(b"half done" in each.read_bytes() for each in journal.glob("0*"))
            )
        finally:
            running.kill()

    assert names(store / "job-1") >= {"started.json", "journal/000001.jsonl"}
    assert "job-1/manifest.json" not in names(store)
    arguments = ["--runs", str(tmp_path / "elsewhere"), "--store", str(store)]
    assert run_command(["runs", "list", *arguments], interrupts=Interrupts()) == 0
    assert "did not end" in capsys.readouterr().out
    assert (
        run_command(["runs", "show", "job-1", *arguments, "--json"], interrupts=Interrupts()) == 0
    )
    assert json.loads(capsys.readouterr().out)["state"] == "running"
    assert run(runs="elsewhere").exit_code == ExitCode.OWNED


def test_the_owner_of_a_run_on_ecs_is_its_task(
    run: Callable[..., Verdict], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v4/0123/task"
            body = b'{"TaskARN": "arn:aws:ecs:eu-west-1:111122223333:task/demo/0123"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Agent) as agent:
        thread = threading.Thread(target=agent.handle_request)
        thread.start()
        address = f"http://127.0.0.1:{agent.server_address[1]}/v4/0123"
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", address)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        run()
        thread.join()

    assert started(store)["owner"] == "arn:aws:ecs:eu-west-1:111122223333:task/demo/0123"


def test_an_agent_that_does_not_answer_leaves_a_random_owner(
    run: Callable[..., Verdict], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", "http://127.0.0.1:9/v4/0123")

    run()

    assert str(started(store)["owner"]).startswith("process:")


def test_a_store_of_an_unknown_scheme_refuses_the_run(
    tmp_path: Path, config_file: Path, registered: Entry
) -> None:
    registered.register_handler(TradingMode.BACKTEST)(Works)
    settings = EntrypointSettings(
        mode=TradingMode.BACKTEST,
        folder=tmp_path / "runs",
        id="job-1",
        config=str(config_file),
        store="no-such-scheme://bucket/runs/",
    )

    verdict = StrategyEntrypoint(settings).run_to_verdict()

    assert verdict.exit_code == ExitCode.CONFIGURATION
    assert RunManifest.read(tmp_path / "runs/job-1").exit_code == ExitCode.CONFIGURATION
