"""`runs prune`: old runs go only when nothing needs them."""

import json
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from threading import Barrier
from typing import Any

import pytest

from tradai.core import Delivery, FileJournal, TradingMode, utc_now
from tradai.core.exceptions import ExternalServiceError, NotFoundError, StorageError, TradAIError
from tradai.entrypoint import Interrupts, RunManifest
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.report import make_report
from tradai.entrypoint._history.prune import remove_run
from tradai.entrypoint._history.prune_choice import old_runs
from tradai.entrypoint._history.run_listing import RunListing
from tradai.entrypoint._history.summaries import local_runs
from tradai.entrypoint._store.names import new_bias_id

Call = Callable[..., tuple[int, str, str]]


def record(root: Path, run_id: str, *, days: float, **facts: object) -> None:
    manifest = RunManifest.model_validate(
        {
            "run_id": run_id,
            "trace_id": run_id,
            "mode": TradingMode.BACKTEST,
            "state": "ended",
            "exit_code": 0,
            "started_at": utc_now() - timedelta(days=days),
            **facts,
        }
    )
    (root / run_id).mkdir(parents=True)
    (root / run_id / "manifest.json").write_text(manifest.model_dump_json())
    (root / run_id / "trades.parquet").write_bytes(b"PAR1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for days in range(1, 5):
        record(folder, f"run-{days}", days=days - 0.5)
    return folder


@pytest.fixture
def prune(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run the command on the folder of runs; return exit code, output and errors."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        code = run_command(["runs", "prune", *words, "--runs", str(root)], interrupts=Interrupts())
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_parts_of_sweeps_are_not_counted_and_go_with_the_runs_of_their_time(
    prune: Call, root: Path
) -> None:
    for number in range(3):
        record(root, f"part-{number}", days=1.0 + number, trace_id="s", part_of="sweep")

    assert prune("--keep", "2", "--yes")[0] == 0

    assert names(root) == ["part-0", "run-1", "run-2"]
    record(root, "part-9", days=9.0, trace_id="s", part_of="sweep")
    assert prune("--keep", "3", "--yes")[0] == 0
    assert names(root) == ["part-0", "part-9", "run-1", "run-2"]
    assert prune("--keep", "2", "--yes")[0] == 0
    assert names(root) == ["part-0", "run-1", "run-2"]


def test_refused_runs_and_analyses_for_bias_are_not_counted_and_go_with_the_runs_of_their_time(
    prune: Call, root: Path
) -> None:
    for number in range(3):
        record(root, f"refused-{number}", days=1.0 + number, exit_code=78, verdict="a typo")
        record(root, f"check-{number}", days=1.1 + number, results={"bias": "clean"})

    assert prune("--keep", "2", "--yes")[0] == 0

    assert names(root) == ["check-0", "refused-0", "run-1", "run-2"]


def test_an_analysis_for_bias_without_an_end_is_listed_as_one_and_not_counted(
    prune: Call, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = new_bias_id(utc_now())
    record(root, run_id, days=0, state="running", exit_code=None)

    run_command(["runs", "list", "--runs", str(root)], interrupts=Interrupts())
    rows = capsys.readouterr().out.splitlines()
    assert prune("--keep", "4", "--yes")[0] == 0

    assert [run_id in row for row in rows if "bias check" in row] == [True]
    assert names(root) == [run_id, "run-1", "run-2", "run-3", "run-4"]


def test_analyses_for_bias_are_counted_where_they_alone_are_chosen(prune: Call, root: Path) -> None:
    for number in range(3):
        record(root, f"check-{number}", days=1.0 + number, results={"bias": "clean"})

    assert prune("--keep", "2", "--mode", "bias check", "--yes")[0] == 0

    assert names(root) == ["check-0", "check-1", "run-1", "run-2", "run-3", "run-4"]


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--keep", "3"], ["run-1", "run-2", "run-3"]),
        (["--keep", "0"], []),
        (["--older-than", "2"], ["run-1", "run-2"]),
        (["--older-than", "1", "--keep", "2"], ["run-1", "run-2"]),
        (["--older-than", "3", "--keep", "1"], ["run-1", "run-2", "run-3"]),
        (["--keep", "0", "--mode", "hyperopt"], ["run-1", "run-2", "run-3", "run-4"]),
    ],
)
def test_runs_that_are_old_by_each_given_rule_are_removed(
    words: list[str], expected: list[str], prune: Call, root: Path
) -> None:
    assert prune(*words, "--yes")[0] == 0

    assert names(root) == expected


def test_nothing_is_removed_without_yes(prune: Call, root: Path) -> None:
    code, out, _ = prune("--keep", "2")

    assert code == 0
    assert "would remove run-4\nwould remove run-3\n2 runs would be removed; add --yes" in out
    assert len(names(root)) == 4


@pytest.mark.parametrize(("mode", "run_id"), [("bias check", "check"), ("backtest", "old")])
def test_an_analysis_for_bias_is_no_backtest_in_a_choice_by_mode(
    mode: str, run_id: str, prune: Call, root: Path
) -> None:
    record(root, "old", days=9)
    record(root, "check", days=9, results={"bias": "clean"})

    _, said, _ = prune("--older-than", "8", "--mode", mode)

    assert f"would remove {run_id}\n" in said
    assert "1 run would be removed" in said


def test_a_copy_is_named_with_its_folder(
    prune: Call, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(root / "run-4", root / "kept")

    _, said, _ = prune("--keep", "3")
    run_command(["runs", "list", "--runs", str(root)], interrupts=Interrupts())

    assert "would remove run-4 in kept\n" in said
    assert "would remove run-4\n" in said
    assert "run-4 in kept" in capsys.readouterr().out


def test_a_command_without_a_rule_is_refused(prune: Call, root: Path) -> None:
    code, _, err = prune("--yes")

    assert code == 78
    assert "--keep N, --older-than DAYS" in err
    assert len(names(root)) == 4


def test_runs_that_did_not_end_or_traded_live_stay_and_are_named(prune: Call, root: Path) -> None:
    record(root, "going", days=9, state="running", exit_code=None)
    record(root, "real", days=9, mode=TradingMode.LIVE)

    code, out, _ = prune("--keep", "0", "--yes", "--json")

    facts: dict[str, Any] = json.loads(out)
    assert code == 0
    assert facts["removed"] == ["run-4", "run-3", "run-2", "run-1"]
    assert "did not end" in facts["kept"]["going"]
    assert "live" in facts["kept"]["real"]
    assert names(root) == ["going", "real"]


def test_copies_of_a_run_have_their_folders_in_json(prune: Call, root: Path) -> None:
    shutil.copytree(root / "run-4", root / "copy")
    record(root, "going", days=9, state="running", exit_code=None)
    shutil.copytree(root / "going", root / "gone")
    (root / "gone/journal.jsonl").touch()
    record(root, "alive", days=9, state="running", exit_code=None)

    with closing(FileJournal(root / "alive/journal.jsonl")) as journal:
        journal.append("run started")
        facts = json.loads(prune("--keep", "3", "--json")[1])

    assert facts["removable"] == ["run-4", "run-4"]
    assert sorted(facts["folders"]) == [str(root / "copy"), str(root / "run-4")]
    assert facts["kept"] == {
        "alive": "it did not end: it goes on",
        "going": "it did not end: it goes on, or its supervisor died",
        "going in gone": "it did not end: its process was killed (--also killed)",
    }


def test_killed_runs_go_on_request_unless_they_traded_live(prune: Call, root: Path) -> None:
    for run_id, mode in (("gone", TradingMode.BACKTEST), ("real", TradingMode.LIVE)):
        record(root, run_id, days=9, mode=mode, state="running", exit_code=None)
        (root / run_id / "journal.jsonl").touch()

    _, said, _ = prune("--older-than", "8", "--also", "killed", "--yes")

    assert "removed gone\nkept real: it traded live\n1 run removed" in said
    assert {"gone", "real"} & set(names(root)) == {"real"}


@pytest.fixture
def needed(root: Path) -> Path:
    """Old runs that are needed: a bot with a position, what it came from, and analyses."""
    paper = TradingMode.DRY_RUN
    record(root, "begun", days=9, mode=paper, continuation={"continued_by": "bot"})
    facts: dict[str, Any] = {"continuation": {"continues": "begun"}, "results": {"open_trades": 2}}
    record(root, "bot", days=8, mode=paper, **facts)
    for days, result in ((7, "clean"), (6, "clean"), (5, None)):
        bias = {} if result is None else {"bias": result}
        digests = {"source": "5" * 64}
        record(root, f"{9 - days}-bias-x", days=days, results=bias, digests=digests)
    return root


def test_runs_that_are_needed_stay_and_the_reason_is_said(prune: Call, needed: Path) -> None:
    code, out, _ = prune("--keep", "0", "--yes")

    assert code == 0
    assert names(needed) == ["3-bias-x", "begun", "bot"]
    assert "kept bot: it has 2 open trades (--also open-trades)" in out
    assert "kept begun: run bot goes on with it (--also references)" in out
    assert "kept 3-bias-x: it is the last analysis for bias of its source" in out
    assert "removed 2-bias-x" in out


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["bias-checks"], ["begun", "bot"]),
        # Without the bot nothing refers to the run that it came from.
        (["open-trades"], ["3-bias-x"]),
        (["references"], ["3-bias-x", "bot"]),
        (["open-trades", "bias-checks"], []),
    ],
)
def test_a_flag_removes_needed_runs_too(
    kinds: list[str], expected: list[str], prune: Call, needed: Path
) -> None:
    words = [word for kind in kinds for word in ("--also", kind)]

    assert prune("--keep", "0", "--yes", *words)[0] == 0

    assert names(needed) == expected


def test_a_run_that_stays_keeps_the_runs_that_it_refers_to(prune: Call, root: Path) -> None:
    record(root, "repeats", days=0, replay_of="run-4")

    _, out, _ = prune("--older-than", "1", "--yes")

    assert "kept run-4: run repeats repeats it (--also references)" in out
    assert names(root) == ["repeats", "run-1", "run-4"]


def test_references_from_runs_of_another_mode_count(prune: Call, needed: Path) -> None:
    record(needed, "repeats", days=0, mode=TradingMode.HYPEROPT, replay_of="run-4")

    prune("--keep", "0", "--mode", "backtest", "--yes")

    assert "run-4" in names(needed)


def test_trades_that_another_run_has_taken_over_are_open_in_that_one(
    prune: Call, root: Path
) -> None:
    paper = TradingMode.DRY_RUN
    facts: dict[str, Any] = {"continuation": {"continued_by": "bot"}, "results": {"open_trades": 1}}
    record(root, "begun", days=9, mode=paper, **facts)
    record(root, "bot", days=8, mode=paper, continuation={"continues": "begun"})

    prune("--keep", "0", "--yes")

    assert names(root) == []


@pytest.mark.parametrize(("positions", "kept"), [(0, []), (1, ["bot"]), ("2", [])])
def test_each_open_trade_keeps_its_run(
    prune: Call, root: Path, positions: object, kept: list[str]
) -> None:
    results = {"open_trades": positions}
    record(root, "bot", days=8, mode=TradingMode.DRY_RUN, results=results)

    prune("--keep", "0", "--yes")

    assert names(root) == kept


def test_a_run_that_may_wait_for_a_server_keeps_the_runs_that_it_refers_to(
    prune: Call, root: Path
) -> None:
    record(root, "repeats", days=2, replay_of="run-4")
    (root / "repeats/tracking.jsonl").write_text("")

    prune("--keep", "0", "--yes")

    assert names(root) == ["repeats", "run-4"]


def test_a_run_of_the_very_instant_is_not_old(root: Path) -> None:
    runs = RunListing.of(local_runs(root)).runs
    started_at = runs[1].started_at

    assert [run.run_id for run in old_runs(runs, keep=0, before=started_at)] == ["run-3", "run-4"]


def test_a_run_that_a_process_has_stays(prune: Call, root: Path) -> None:
    with closing(FileJournal(root / "run-4/journal.jsonl")) as journal:
        journal.append("run continued")

        _, out, _ = prune("--keep", "3", "--yes")

    assert "kept run-4: a process has it just now" in out
    assert "run-4" in names(root)


def test_a_run_whose_manifest_is_only_half_usable_stays(prune: Call, root: Path) -> None:
    path = root / "run-4/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "notices": 5}))

    _, out, _ = prune("--keep", "3", "--yes")

    assert "kept run-4: its manifest cannot be read whole" in out


def test_a_run_whose_facts_may_wait_for_a_server_stays(prune: Call, root: Path) -> None:
    (root / "run-4/tracking.jsonl").write_text("")

    _, out, _ = prune("--keep", "2", "--yes")

    assert "kept run-4: its facts may wait for a tracking server" in out
    assert names(root) == ["run-1", "run-2", "run-4"]


class Sender:
    """A tracker that delivers as its test says, and notes the folders."""

    def __init__(self, delivery: Delivery | TradAIError) -> None:
        self.delivery = delivery
        self.asked: list[str] = []

    def deliver(self, folder: Path) -> Delivery:
        self.asked.append(folder.name)
        if isinstance(self.delivery, TradAIError):
            raise self.delivery
        return self.delivery


DOWN = ExternalServiceError("it is down", service="mlflow", operation="send")


@pytest.mark.parametrize(
    ("delivery", "reason"),
    [
        (Delivery(waiting=0, sent=3), None),
        (Delivery(waiting=1), "its facts wait for the tracking server: `tradai-entrypoint sync`"),
        (Delivery(waiting=0, is_alive=True), "its facts wait for the tracking server"),
        (DOWN, "its facts could not be sent to the tracking server: it is down"),
    ],
)
def test_facts_that_wait_for_a_server_are_sent_before_their_run_is_removed(
    prune: Call,
    root: Path,
    delivery: Delivery | TradAIError,
    reason: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = Sender(delivery)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    monkeypatch.setattr("tradai.entrypoint._runs.tracking.backend_for", lambda *_: sender)
    (root / "run-4/tracking.jsonl").write_text("")

    code, out, _ = prune("--keep", "2")
    asked_without_yes = list(sender.asked)
    _, out_with_yes, _ = prune("--keep", "2", "--yes")

    assert code == 0
    assert asked_without_yes == []
    assert "would remove run-4" in out
    assert sender.asked == ["run-4"]
    assert ("run-4" in names(root)) == (reason is not None)
    assert (f"kept run-4: {reason}" if reason else "removed run-4") in out_with_yes


def test_a_run_without_a_journal_and_one_with_a_free_journal_are_removed(
    prune: Call, root: Path
) -> None:
    with closing(FileJournal(root / "run-4/journal.jsonl")) as journal:
        journal.append("run ended")

    _, out, _ = prune("--keep", "2", "--yes")

    assert names(root) == ["run-1", "run-2"]
    assert out.endswith("removed run-4\nremoved run-3\n2 runs removed\n")


def test_runs_that_cannot_be_removed_are_named_and_the_others_go(prune: Call, root: Path) -> None:
    (root / ".removed-run-4").write_text("in the way")

    code, out, err = prune("--keep", "2", "--yes")

    assert code == 74
    assert f"kept run-4: {root / 'run-4'} could not be removed: Not a directory" in out
    assert "removed run-3" in out
    assert out.endswith("1 run removed\n")
    assert "1 old run could not be removed: " in err
    assert (root / "run-4/trades.parquet").exists()


def test_a_run_that_is_a_link_stays_by_its_name(prune: Call, root: Path, tmp_path: Path) -> None:
    (root / "run-4").rename(tmp_path / "elsewhere")
    (root / "run-4").symlink_to(tmp_path / "elsewhere")

    assert "kept run-4: it is a link to another folder" in prune("--keep", "2")[1]
    code, out, _ = prune("--keep", "2", "--yes")

    assert code == 0
    assert "kept run-4: it is a link to another folder" in out
    assert names(root) == ["run-1", "run-2", "run-4"]
    assert (tmp_path / "elsewhere/manifest.json").exists()


def test_a_run_whose_files_cannot_be_removed_has_its_name_again(tmp_path: Path) -> None:
    # A link stands for a folder that the disk does not remove: root may remove all others.
    (tmp_path / "run").symlink_to(tmp_path)

    with pytest.raises(StorageError, match=r"run could not be removed whole: "):
        remove_run(tmp_path / "run")

    assert names(tmp_path) == ["run"]


def test_a_run_that_another_process_removes_first_is_removed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmtree = shutil.rmtree

    def rmtree_too_late(path: Path, *, ignore_errors: bool = False) -> None:
        rmtree(path, ignore_errors=True)
        rmtree(path, ignore_errors=ignore_errors)

    assert remove_run(root / "gone") is None
    monkeypatch.setattr(shutil, "rmtree", rmtree_too_late)
    assert remove_run(root / "run-4") is None

    assert names(root) == ["run-1", "run-2", "run-3"]


def test_two_removals_of_all_runs_at_once_both_succeed(root: Path) -> None:
    for number in range(150):
        record(root, f"more-{number}", days=9.0)
    words = ("runs", "prune", "--keep", "0", "--yes", "--runs", str(root))
    command = [sys.executable, "-m", "tradai.entrypoint", *words]

    both = [Popen(command, stdout=PIPE, stderr=STDOUT, text=True) for _ in range(2)]
    said = [each.communicate()[0] for each in both]

    assert [each.returncode for each in both] == [0, 0], said
    assert names(root) == []


def test_a_report_beside_the_removal_of_its_run_leaves_nothing_of_it(tmp_path: Path) -> None:
    for attempt in range(50):
        root, barrier = tmp_path / str(attempt), Barrier(4)
        record(root, "run", days=1, ended_at=utc_now(), verdict="done", results={"trades": 1})

        def report(_: int, run: Path = root / "run", barrier: Barrier = barrier) -> object:
            barrier.wait()
            try:
                return make_report(run)
            except NotFoundError as exc:
                return str(exc).partition(": ")[0]

        with ThreadPoolExecutor(3) as pool:
            reports = [pool.submit(report, number) for number in range(3)]
            barrier.wait()
            reason = remove_run(root / "run")

        said = {each.result() for each in reports}
        assert said <= {root / "run/report.html", f"no run at {root / 'run'}"}
        assert (reason, names(root)) == (None, [])


def test_a_removal_that_was_cut_off_is_finished_by_the_next(prune: Call, root: Path) -> None:
    (root / "run-4").rename(root / ".removed-run-4")

    assert prune("--keep", "9")[0] == 0
    assert (root / ".removed-run-4").exists()
    assert prune("--keep", "9", "--yes")[0] == 0
    assert names(root) == ["run-1", "run-2", "run-3"]


def test_runs_are_listed_as_csv(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    results = {"profit_percent": 3.5, "max_drawdown_percent": 9.25, "trades": 297}
    facts: dict[str, Any] = {"started_at": at, "results": results, "verdict": 'well, "done"'}
    record(root, "dated", days=0, config={"name": "trend"}, **facts)
    (root / "torn").mkdir()
    (root / "torn/manifest.json").write_text("{")
    words = ["runs", "list", "--csv", "--runs", str(root)]

    assert run_command(words, interrupts=Interrupts()) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("run_id,started_at,strategy,mode,state,exit_code,config_id,")
    begin = "dated,2026-01-31T12:00:00+00:00,trend,backtest,done,0,,3.5,9.25,297,"
    assert f'{begin}"well, ""done""",{root}/dated,,' in lines
    assert f"torn,,,,,,,,,,cannot be read: it is damaged,{root}/torn,," in lines


@pytest.fixture
def pages(root: Path) -> None:
    """Two pages that each link to two runs."""
    for name in ("a", "b"):
        page = root.parent / f"sweeps/{name}/sweep.json"
        page.parent.mkdir(parents=True)
        page.write_text(json.dumps({"runs": [{"run_id": "run-3"}, {"run_id": "run-4"}]}))


@pytest.mark.usefixtures("pages")
def test_the_last_page_that_links_to_a_run_is_named_and_each_page_of_removed_ones(
    prune: Call, root: Path
) -> None:
    _, kept, _ = prune("--keep", "2")
    _, removed, _ = prune("--keep", "2", "--yes", "--also", "pages")

    assert f"kept run-4: {root.parent}/sweeps/b/report.html links to it" in kept
    assert removed.count("note: ") == 2


@pytest.mark.usefixtures("pages")
def test_a_page_is_not_named_when_a_copy_goes_and_its_run_stays(prune: Call, root: Path) -> None:
    shutil.copytree(root / "run-4", root / "copy")
    with closing(FileJournal(root / "run-4/journal.jsonl")) as journal:
        journal.append("run continued")
        _, out, _ = prune("--keep", "3", "--yes", "--also", "pages")

    assert names(root) == ["run-1", "run-2", "run-3", "run-4"]
    assert "note: " not in out


@pytest.mark.parametrize(
    ("place", "document"),
    [
        ("sweeps/a/sweep.json", {"windows": [{"runs": [{"run_id": "run-4"}]}]}),
        ("comparisons/a/comparison.json", {"runs": [{"run_id": "run-4"}, {"run_id": None}]}),
        ("analyses/a/robustness.json", {"costs": {"fee doubled": {"run_id": "run-4"}}}),
        ("analyses/a/robustness.json", {"windows": [{"training_run": "run-4"}]}),
        ("analyses/a/robustness.json", {"windows": [{"training_run": None, "test_run": "run-4"}]}),
    ],
)
def test_a_run_that_a_page_links_to_stays_as_long_as_the_page(
    root: Path, prune: Call, place: str, document: dict[str, Any]
) -> None:
    page = root.parent / place
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps(document))
    (root.parent / "sweeps/torn").mkdir(parents=True)
    (root.parent / "sweeps/torn/sweep.json").write_text("{")

    _, out, _ = prune("--keep", "2", "--yes")
    kept = names(root)
    _, removed, _ = prune("--keep", "2", "--yes", "--also", "pages")

    assert f"kept run-4: {page.with_name('report.html')} links to it (--also pages)" in out
    assert f"note: {page.with_name('report.html')} has links to removed runs" in removed
    assert removed.count("note: ") == 1
    assert kept == ["run-1", "run-2", "run-4"]
    assert names(root) == ["run-1", "run-2"]
