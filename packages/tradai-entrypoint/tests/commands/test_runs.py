"""Commands about runs, of a folder and of a store alike."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from tradai.core import FileJournal, FileStore, TradingMode
from tradai.entrypoint import Interrupts, RunManifest, StrategyEntrypoint
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._history.unfinished import drop_progress, note_progress
from tradai.entrypoint._store import run_store

Call = Callable[..., tuple[int, str, str]]
START = datetime(2026, 1, 1, tzinfo=UTC)


class Works:
    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.context = entrypoint.context

    def run(self) -> int:
        self.context.folder.write("a file%20.txt", "1")
        return 0


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command with folder and store; return exit code, output and errors."""

    def run(*words: str, runs: str = "runs", store: str = "store") -> tuple[int, str, str]:
        places = ("--runs", str(tmp_path / runs), "--store", str(tmp_path / store))
        code = run_command([*words, *places], interrupts=Interrupts())
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def stored(
    tmp_path: Path, config_file: Path, call: Call, registered: type[StrategyEntrypoint]
) -> Path:
    """A store that holds the runs a-1 and a-2, and `runs`, the folder they were made in."""
    registered.register_handler(TradingMode.BACKTEST)(Works)
    for run_id in ("a-1", "a-2"):
        words = ("run", str(config_file), "--mode", "backtest", "--run-id", run_id)
        assert call(*words)[0] == 0
    return tmp_path / "store"


def keep(root: Path, run_id: str, **facts: object) -> Path:
    """Write the manifest of a backtest that ended, or has other facts; return its folder."""
    ended = {"mode": TradingMode.BACKTEST, "state": "ended", "started_at": START}
    manifest = {"run_id": run_id, "trace_id": run_id, **ended, **facts}
    folder = root / "runs" / run_id
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(RunManifest.model_validate(manifest).as_json())
    return folder


def listed(call: Call, **places: str) -> list[dict[str, Any]]:
    code, out, _ = call("runs", "list", "--json", **places)
    assert code == 0
    runs: list[dict[str, Any]] = json.loads(out)
    return runs


@pytest.mark.usefixtures("stored")
def test_the_runs_of_a_store_are_listed_as_those_of_the_folder_and_each_once(call: Call) -> None:
    there = listed(call, runs="nothing")

    assert [run["run_id"] for run in there] == ["a-2", "a-1"]
    assert there == listed(call) == listed(call, store="nothing")


@pytest.mark.parametrize("name", ["a-2", "URI", "FOLDER"])
def test_a_run_is_shown_by_id_uri_or_folder(
    name: str, call: Call, stored: Path, tmp_path: Path
) -> None:
    names = {"URI": f"{stored.as_uri()}/a-2", "FOLDER": str(tmp_path / "runs/a-2")}
    local = json.loads(call("runs", "show", "a-2", "--json", store="nothing")[1])

    code, out, _ = call("runs", "show", names.get(name, name), "--json", runs="elsewhere")

    assert code == 0
    assert json.loads(out) == local


def test_a_folder_with_a_colon_is_a_path(
    call: Call, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(stored.parent / "runs/a-1", tmp_path / "data:2025")
    monkeypatch.chdir(tmp_path)

    code, out, _ = call("runs", "show", "data:2025", "--json")

    assert (code, json.loads(out)["run_id"]) == (0, "a-1")


@pytest.mark.usefixtures("stored")
def test_a_prefix_that_several_runs_of_the_store_have_is_refused(
    call: Call,
) -> None:
    code, _, err = call("runs", "show", "a-", runs="elsewhere")

    assert code == 65
    assert "a-1, a-2" in err
    assert call("runs", "show", "b-", runs="elsewhere")[0] == 65


@pytest.mark.usefixtures("stored")
def test_runs_of_folder_and_store_are_compared(call: Call, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "runs/a-2")

    code, out, _ = call("runs", "diff", "a-1", "a-2")

    assert code == 0
    assert "no difference" in out


@pytest.mark.usefixtures("stored")
def test_a_pulled_run_is_the_folder_it_was_made_in(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("runs", "pull", "a-1", runs="elsewhere")

    assert code == 0
    pulled, made = Path(out.strip()), tmp_path / "runs/a-1"
    files = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    assert {path.relative_to(pulled) for path in pulled.rglob("*") if path.is_file()} == files
    for name in files - {Path("started.json")}:
        assert (pulled / name).read_bytes() == (made / name).read_bytes()


def test_a_run_that_is_pulled_many_times_at_once_is_there_for_each(
    stored: Path, tmp_path: Path
) -> None:
    for attempt in range(10):
        source = RunSource.of(str(tmp_path / f"pulled-{attempt}"), stored.as_uri(), {})
        barrier = Barrier(8)

        def pull(_: int, source: RunSource = source, barrier: Barrier = barrier) -> list[str]:
            barrier.wait()
            return sorted(path.name for path in source.folder("a-1").iterdir())

        with ThreadPoolExecutor(8) as pool:
            names = list(pool.map(pull, range(8)))

        assert names == [names[0]] * 8
        assert "manifest.json" in names[0]
        assert list(source.root.iterdir()) == [source.root / "a-1"]


def test_the_report_of_a_run_in_the_store_is_brought_here_once(call: Call, stored: Path) -> None:
    code, out, _ = call("report", f"{stored.as_uri()}/a-1", runs="elsewhere")

    assert code == 0
    assert "a-1" in Path(out.strip()).read_text()
    shutil.rmtree(stored / "a-1/journal")
    assert call("report", f"{stored.as_uri()}/a-1", runs="elsewhere")[:2] == (0, out)


@pytest.mark.usefixtures("stored")
def test_a_deleted_report_is_made_again(call: Call, tmp_path: Path) -> None:
    report = tmp_path / "runs/a-1/report.html"
    before = report.read_text()
    report.unlink()

    assert call("report", "a-1")[:2] == (0, f"{report}\n")

    assert report.read_text() == before


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("words", ["a-1 a-2 --json --comparisons", "a-1 --json a-2 --comparisons"])
def test_several_runs_are_compared_in_a_page(words: str, call: Call, tmp_path: Path) -> None:
    folder = str(tmp_path / "comparisons")

    code, out, _ = call("report", *words.split(), folder)

    assert code == 0
    said = json.loads(out)
    assert [run["run_id"] for run in said["runs"]] == ["a-1", "a-2"]
    page = (Path(said["folder"]) / "report.html").read_text()
    assert "a-1" in page
    assert "a-2" in page


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("names", [("a-2", "latest"), ("a-2", "a-1", "a-2")])
def test_a_run_is_not_compared_with_itself(names: tuple[str, ...], call: Call) -> None:
    code, out, err = call("report", *names)

    assert (code, out) == (78, "")
    assert f"'a-2' and {names[-1]!r} are both run a-2: name each run once" in err


def test_latest_is_the_newest_run_that_was_here_before(
    call: Call, stored: Path, tmp_path: Path
) -> None:
    assert call("runs", "pull", "a-1", runs="elsewhere")[0] == 0
    words = ("report", f"{stored.as_uri()}/a-2", "latest", "--json")

    code, out, _ = call(*words, "--comparisons", str(tmp_path / "pages"), runs="elsewhere")

    assert code == 0
    assert [run["run_id"] for run in json.loads(out)["runs"]] == ["a-2", "a-1"]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("names", "reason"), [(("a-1", "a-2"), "several runs are named"), (("a-1",), "run a-1 is none")]
)
def test_candles_are_for_the_report_of_one_dry_run(
    names: tuple[str, ...], reason: str, call: Call
) -> None:
    code, _, err = call("report", *names, "--data", "candles")

    assert code == 78
    assert f"--data shows the slippage of one dry-run, and {reason}: leave it out" in err


def test_another_run_of_the_same_id_is_never_taken_for_it(
    call: Call, stored: Path, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "runs/a-2", tmp_path / "elsewhere/a-1")

    code, _, err = call("runs", "pull", f"{stored.as_uri()}/a-1", runs="elsewhere")

    assert code == 74
    assert "is another run" in err


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/outside"])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    name: str, call: Call, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = run_store.RunStore(FileStore(), str(stored))
    sizes = store.sizes("a-1") | {name: 1}
    monkeypatch.setattr(run_store.RunStore, "sizes", lambda *_: sizes)

    code, _, err = call("runs", "pull", "a-1", runs="elsewhere")

    assert code == 74
    assert "outside of its folder" in err
    assert not (tmp_path / "elsewhere/a-1").exists()


@pytest.mark.usefixtures("stored")
def test_a_run_that_did_not_end_is_not_pushed(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "runs/a-1/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"state": "running"}))

    code, _, err = call("runs", "push", "a-1", store="other")

    assert code == 65
    assert "has not ended" in err
    assert call("runs", "push", "--all", store="other")[:2] == (
        0,
        f"{(tmp_path / 'other').as_uri()}/a-2/\n",
    )
    assert not (tmp_path / "other/a-1").exists()


@pytest.mark.usefixtures("stored")
def test_a_run_made_without_a_store_is_pushed_with_a_claim_of_its_own(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "runs/a-1/started.json").unlink()

    assert call("runs", "push", "a-1", store="other")[0] == 0
    assert call("runs", "push", "a-1", store="other")[0] == 0
    # The store of the process that made it has another claim.
    code, _, err = call("runs", "push", "a-1")

    assert code == 74
    assert "the run of another process" in err


@pytest.mark.usefixtures("stored")
def test_a_push_without_a_store_says_what_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["runs", "push", "a-1", "--runs", str(tmp_path / "runs")]

    assert run_command(words, interrupts=Interrupts()) == 78
    assert "TRADAI_RUN_STORE" in capsys.readouterr().err


@pytest.fixture
def silent_store(stored: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store that reads and writes nothing, and has a tenth of a second for each call."""
    silence = Event()
    for name in ("read", "write"):
        monkeypatch.setattr(FileStore, name, lambda *_, **__: silence.wait())
    monkeypatch.setenv("TRADAI_RUN_STORE_TIMEOUT_S", "0.1")
    yield stored
    silence.set()


@pytest.mark.parametrize(
    ("words", "runs", "expected"),
    [
        (("runs", "list"), "nothing", 0),
        (("runs", "show", "a-1"), "nothing", 69),
        (("runs", "show", "URI"), "nothing", 69),
        (("runs", "pull", "URI"), "nothing", 69),
        (("runs", "push", "a-1"), "runs", 69),
    ],
)
def test_every_command_waits_for_the_store_as_long_as_the_variable_says(
    words: tuple[str, ...], runs: str, expected: int, silent_store: Path, call: Call
) -> None:
    names = {"URI": f"{silent_store.as_uri()}/a-1"}

    code, out, err = call(*(names.get(word, word) for word in words), runs=runs)

    assert code == expected
    assert "the run store did not answer within 0.1" in out + err


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("text", ["soon", "0", "-1", "3601", "nan", "inf"])
def test_a_timeout_that_is_not_usable_is_refused_by_name(
    text: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_RUN_STORE_TIMEOUT_S", text)

    assert call("runs", "show", "a-1")[0] == 0
    for words in (("list",), ("push", "a-1")):
        code, _, err = call("runs", *words)
        assert code == 78
        assert "TRADAI_RUN_STORE_TIMEOUT_S is not usable" in err


@pytest.mark.usefixtures("stored")
def test_a_store_that_cannot_be_read_is_an_error_after_the_local_runs(call: Call) -> None:
    code, out, err = call("runs", "list", store="no\0folder")

    assert code == 65
    assert "are not listed" in err
    assert "a-1" in out


@pytest.mark.usefixtures("stored")
def test_a_manifest_of_a_later_version_is_read_kept_and_named(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "runs/a-1/manifest.json"
    later = {"schema_version": 2, "weather": {"sky": "blue"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | later))

    manifest = RunManifest.read(path.parent)

    assert json.loads(manifest.as_json())["weather"] == {"sky": "blue"}
    assert json.loads(call("runs", "show", "a-1", "--json")[1])["weather"] == {"sky": "blue"}
    for words in (("runs", "list"), ("runs", "show", "a-1")):
        assert "written by a newer tradai-entrypoint (manifest schema 2)" in call(*words)[1]


def test_a_manifest_that_cannot_be_read_is_listed_with_the_reason(
    call: Call, stored: Path, tmp_path: Path
) -> None:
    path = tmp_path / "runs/a-1/manifest.json"
    later = {"schema_version": 2, "exit_code": "fine"}
    path.write_text(json.dumps(json.loads(path.read_text()) | later))
    shutil.rmtree(tmp_path / "runs/a-2")
    (stored / "a-2/manifest.json").write_text("{")

    out = call("runs", "list")[1]

    assert "its exit_code cannot be read; written by a newer tradai-entrypoint" in out
    assert "cannot be read: it is damaged" in out
    reasons = {run["run_id"]: run.get("unreadable", "") for run in listed(call)}
    assert "exit_code" in reasons["a-1"]
    assert reasons["a-2"] == "it is damaged"


def test_a_check_says_whether_the_store_answers(
    call: Call, stored: Path, config_file: Path
) -> None:
    words = ("check", str(config_file), "--mode", "backtest")

    _, out, _ = call(*words)
    assert f"a run can be sent to {stored.as_uri()}/" in out


def test_a_verified_run_has_its_verdict_in_the_store(
    call: Call,
    config_file: Path,
    tmp_path: Path,
    registered: type[StrategyEntrypoint],
) -> None:
    class Trades(Works):
        def run(self) -> int:
            self.context.record_digest("trades", "t" * 64)
            return 0

    registered.register_handler(TradingMode.BACKTEST)(Trades)
    words = ("run", str(config_file), "--mode", "backtest", "--run-id", "v-1", "--verify", "2")

    code, _, _ = call(*words)

    manifest = RunManifest.read(tmp_path / "store/v-1")
    assert code == 0
    assert manifest.results["deterministic"] is True
    assert manifest == RunManifest.read(tmp_path / "runs/v-1")


def test_facts_within_facts_are_shown_one_a_line(stored: Path, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "runs/a-1/manifest.json"
    steps = [{"step": "reconcile", "seconds": 0.1}]
    live = {"approval": {"approver": "Ada", "models": None}, "drain": {"lost": [], "steps": steps}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"live": live}))

    code, out, _ = call("runs", "show", "a-1")

    lines = out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("live "))
    shown = [line[lines[first].index("approval") :] for line in lines[first : first + 5]]
    assert code == 0
    assert stored.exists()
    assert shown == [
        "approval:",
        "  approver: Ada",
        "drain:",
        "  steps:",
        "    step reconcile, seconds 0.1",
    ]


def test_a_time_range_in_epoch_seconds_is_shown_in_instants(call: Call, tmp_path: Path) -> None:
    keep(tmp_path, "epochs", data={"timerange": "1515620100-1517288100"})

    _, out, _ = call("runs", "show", "epochs")

    assert "timerange: 2018-01-10 21:35 to 2018-01-30 04:55 UTC" in out


def test_a_notice_of_one_run_alone_is_a_narrow_row_of_its_own(call: Call, tmp_path: Path) -> None:
    shared, long = "the same in both", " ".join(["a sentence that is long"] * 9)
    keep(tmp_path, "one", notices=[shared, long])
    keep(tmp_path, "two", notices=[shared, "short"])

    _, out, _ = call("runs", "diff", "one", "two")
    rows = json.loads(call("runs", "diff", "one", "two", "--json")[1])

    assert max(map(len, out.splitlines())) <= 100
    assert rows == [
        {"name": "notice", "run": long, "other": "-"},
        {"name": "notice", "run": "-", "other": "short"},
    ]


def test_a_run_is_listed_with_strategy_start_and_trades_and_an_analysis_as_one(
    call: Call, tmp_path: Path
) -> None:
    for run_id, more in (("mine", {"trades": 7}), ("checked", {"bias": "clean"})):
        results = {"profit_percent": 3.0, "max_drawdown_percent": 8.9677, **more}
        keep(tmp_path, run_id, config={"name": "trend"}, results=results)

    rows = {line.split()[0]: line for line in call("runs", "list")[1].splitlines()}

    start = "2026-01-01 00:00"
    assert all(text in rows["mine"] for text in ("trend", "backtest", start, " 7 "))
    assert "+3.00 %  \N{MINUS SIGN}8.97 %" in rows["mine"]
    assert "bias check" in rows["checked"]
    assert "backtest" not in rows["checked"]
    for mode, run_id in (("bias check", "checked"), ("backtest", "mine")):
        assert [run["run_id"] for run in listed_with(call, "--mode", mode)] == [run_id]


def test_a_run_of_a_source_that_was_found_biased_is_listed_as_such(
    call: Call, tmp_path: Path
) -> None:
    checks = {
        "1-bias-a": ("s", "found", "v1-a"),
        "2-bias-b": ("s", "no trades", "v1-a"),
        "3-bias-c": ("t", "clean", "v1-a"),
        "4-bias-d": ("cleared", "found", "v1-a"),
        "5-bias-e": ("cleared", "clean", "v1-a"),
        "6-bias-f": ("twice", "found", "v1-a"),
        "7-bias-g": ("twice", "found", "v1-b"),
    }
    sources = {"biased": "s", "clean": "t", "mended": "cleared", "worse": "twice", "refused": None}
    runs = {**checks, **{run_id: (source, None, None) for run_id, source in sources.items()}}
    for run_id, (source, bias, config_id) in runs.items():
        digests = {"source": source} if source else {}
        results = {"bias": bias} if bias else {}
        facts = {"config_id": config_id, "digests": digests, "results": results}
        keep(tmp_path, run_id, verdict="well done", **facts)

    lines = call("runs", "list", "--mode", "backtest")[1].splitlines()

    said = "bias was found in its source by "
    marked = {line.split()[0]: line.partition(said)[2] for line in lines if said in line}
    # The newest analysis that found bias is named.
    assert marked == {"biased": "1-bias-a; well done", "worse": "7-bias-g; well done"}
    assert said not in call("runs", "list", "--mode", "bias check")[1]


def test_a_list_has_the_drawdown_with_open_positions_and_marks_one_of_closed_trades(
    call: Call, tmp_path: Path
) -> None:
    closed = {"max_drawdown_percent": 8.9677}
    keep(tmp_path, "spot", results={**closed, "equity_drawdown_percent": 9.5812})
    keep(tmp_path, "futures", results=closed)

    rows = {line.split()[0]: line for line in call("runs", "list")[1].splitlines()}
    table = list(csv.DictReader(call("runs", "list", "--csv")[1].splitlines()))

    assert "\N{MINUS SIGN}9.58 % " in rows["spot"]
    assert "closed" not in rows["spot"]
    assert "\N{MINUS SIGN}8.97 % closed" in rows["futures"]
    assert list(table[0])[-1] == "equity_drawdown_percent"
    found = {
        row["run_id"]: (row["max_drawdown_percent"], row["equity_drawdown_percent"])
        for row in table
    }
    assert found == {"spot": ("8.9677", "9.5812"), "futures": ("8.9677", "")}


@pytest.fixture
def with_parts(tmp_path: Path) -> None:
    """A run of its own, two of a sweep, one of a comparison and a repetition."""
    parts = {
        "mine": None,
        "s-1": "sweep",
        "s-2": "sweep",
        "c-1": "comparison",
        "v-1": "verification",
    }
    for run_id, part_of in parts.items():
        trace_id = "trend-573cef2e" if part_of == "sweep" else run_id
        keep(tmp_path, run_id, trace_id=trace_id, mode=None, part_of=part_of)


HIDDEN = "4 runs of sweeps, comparisons, analyses and verifications are hidden: --all shows them\n"


@pytest.mark.usefixtures("with_parts")
def test_runs_that_a_sweep_or_a_comparison_made_are_listed_on_request_alone(call: Call) -> None:
    _, own, _ = call("runs", "list")
    _, every, _ = call("runs", "list", "--all")

    assert own.splitlines()[1].split()[0] == "mine"
    assert own.endswith(HIDDEN)
    assert len(own.splitlines()) == 3
    assert "part of" not in own
    rows = {line.split()[0]: line for line in every.splitlines()}
    assert rows.keys() == {"run", "mine", "s-1", "s-2", "c-1", "v-1"}
    assert "sweep trend-573cef2e" in rows["s-1"]
    assert rows["c-1"].split()[1] == "comparison"


@pytest.mark.usefixtures("with_parts")
@pytest.mark.parametrize("place", ["sweeps", ".tradai/sweeps", "analyses", "comparisons"])
def test_runs_of_an_unfinished_sweep_say_how_many_there_are_of_how_many(
    place: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep, damaged = tmp_path / place / "trend-573cef2e", tmp_path / place / "other"
    damaged.mkdir(parents=True)
    (damaged / "unfinished.json").write_text("[")
    note_progress(sweep, "2 of 9 runs")

    unfinished = call("runs", "list", "--all")[1]
    table = csv.DictReader(call("runs", "list", "--all", "--csv")[1].splitlines())
    drop_progress(sweep)
    whole = call("runs", "list", "--all")[1]

    marked = "sweep trend-573cef2e (unfinished: 2 of 9 runs)"
    assert unfinished.count(marked) == 2
    parts = {row["part_of"] for row in table}
    assert parts == {"", "sweep trend-573cef2e", "comparison", "verification"}
    assert "unfinished" not in whole
    assert "sweep trend-573cef2e" in whole


@pytest.mark.usefixtures("with_parts")
def test_json_and_csv_have_the_runs_of_the_table(call: Call) -> None:
    for flags, ids in (((), ["mine"]), (("--all",), ["c-1", "mine", "s-1", "s-2", "v-1"])):
        _, out, err = call("runs", "list", "--json", *flags)
        _, table, said = call("runs", "list", "--csv", *flags)

        rows = list(csv.DictReader(table.splitlines()))
        assert sorted(run["run_id"] for run in json.loads(out)) == ids
        assert sorted(row["run_id"] for row in rows) == ids
        assert err == said == ("" if flags else HIDDEN)
        parts = [row["part_of"] for row in rows if row["run_id"] == "s-2"]
        assert parts == (["sweep trend-573cef2e"] if flags else [])


@pytest.mark.usefixtures("with_parts")
def test_a_folder_of_hidden_runs_alone_is_not_said_to_be_empty(call: Call, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "runs/mine")

    assert call("runs", "list")[1] == HIDDEN
    assert json.loads(call("runs", "list", "--json")[1]) == []
    assert call("runs", "list", "--mode", "train")[1].startswith("no such runs")


@pytest.fixture
def of_each_state(tmp_path: Path, without_end: None) -> None:
    """Runs that ended in each way, beside those without an end."""
    del without_end
    ends: dict[str, tuple[int, dict[str, Any]]] = {
        "good": (0, {}),
        "stopped": (143, {}),
        "misread": (78, {}),
        "forbidden": (77, {"mode": TradingMode.LIVE}),
        "unfit": (65, {"digests": {"run": "r" * 64}}),
        "kept": (65, {"artifacts": ["trades.parquet"]}),
        "part": (78, {"part_of": "sweep"}),
    }
    for run_id, (code, more) in ends.items():
        keep(tmp_path, run_id, exit_code=code, **more)


@pytest.mark.usefixtures("of_each_state")
@pytest.mark.parametrize(
    ("state", "runs"),
    [
        ("done", {"good"}),
        ("failed", {"stopped", "unfit", "kept"}),
        ("refused", {"misread", "forbidden"}),
        ("killed", {"dead", "alive"}),
        ("running", {"bare"}),
    ],
)
def test_runs_are_listed_by_their_state(state: str, runs: set[str], call: Call) -> None:
    _, out, _ = call("runs", "list", "--state", state)
    table = csv.DictReader(call("runs", "list", "--state", state, "--csv")[1].splitlines())

    assert {run["run_id"] for run in listed_with(call, "--state", state)} == runs
    assert {run["run_id"]: run["state"] for run in table} == dict.fromkeys(runs, state)
    assert "refused run" not in out


def listed_with(call: Call, *flags: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads(call("runs", "list", "--json", *flags)[1])
    return runs


@pytest.mark.usefixtures("of_each_state")
def test_runs_that_were_refused_are_counted_and_listed_on_request_but_those_of_live_always(
    call: Call,
) -> None:
    own, every = ({run["run_id"] for run in listed_with(call, *each)} for each in ((), ("--all",)))

    assert every - own == {"misread", "part"}
    assert "forbidden" in own
    note = "1 run of sweeps, comparisons, analyses and verifications and 1 refused run are hidden"
    assert call("runs", "list")[1].endswith(f"{note}: --all shows them\n")
    assert call("runs", "list", "--json")[2].startswith(note)


def test_a_folder_with_one_refused_run_is_not_said_to_be_empty(
    call: Call, config_file: Path
) -> None:
    assert call("run", str(config_file), "--mode", "backtest", "timeframe=soon")[0] == 78

    assert call("runs", "list")[1] == "1 refused run is hidden: --all shows it\n"
    assert call("runs", "list", "--state", "done")[1].startswith("no such runs")


@pytest.fixture
def without_end(tmp_path: Path) -> None:
    """Runs without a verdict: two with a journal, which a test may open, and one without."""
    for run_id in ("alive", "dead", "bare"):
        folder = keep(tmp_path, run_id, mode=None, state="running")
        if run_id != "bare":
            (folder / "journal.jsonl").touch()


@pytest.mark.usefixtures("without_end")
def test_a_run_without_a_verdict_is_said_to_run_or_to_have_been_killed(
    call: Call, tmp_path: Path
) -> None:
    with closing(FileJournal(tmp_path / "runs/alive/journal.jsonl")) as journal:
        journal.append("run started")
        rows = {line.split()[0]: line for line in call("runs", "list")[1].splitlines()}
        table = csv.DictReader(call("runs", "list", "--csv")[1].splitlines())
        states = {run["run_id"]: run["state"] for run in listed(call)}

    assert states == {"alive": "running", "bare": "running", "dead": "killed"}
    assert {row["run_id"]: row["state"] for row in table} == states
    assert rows["alive"].endswith("  running")
    assert rows["dead"].endswith("  killed: its process is gone, and left no verdict")
    assert rows["bare"].endswith("  running")


@pytest.mark.usefixtures("without_end")
def test_a_run_is_shown_with_the_state_that_the_list_gives_it(call: Call, tmp_path: Path) -> None:
    with closing(FileJournal(tmp_path / "runs/alive/journal.jsonl")) as journal:
        journal.append("run started")
        states = {run["run_id"]: run["state"] for run in listed(call)}
        shown = {each: call("runs", "show", each)[1] for each in states}
        whole = {each: json.loads(call("runs", "show", each, "--json")[1]) for each in states}

    assert {run_id: facts["state"] for run_id, facts in whole.items()} == states
    assert "killed" in states.values()
    for run_id, state in states.items():
        rows = dict(line.split(maxsplit=1) for line in shown[run_id].splitlines() if " " in line)
        assert rows["state"] == state
    assert "killed: its process is gone, and left no verdict" in shown["dead"]


@pytest.mark.usefixtures("without_end")
def test_a_run_that_was_killed_is_said_to_have_no_report_because_of_that(call: Call) -> None:
    _, _, killed = call("report", "dead")
    _, _, unknown = call("report", "bare")

    assert "run 'dead' has no report: its process was killed" in killed
    assert "run 'bare' has no report: it has not ended" in unknown


def test_a_run_in_a_store_that_did_not_end_is_shown_as_it_is_listed(
    call: Call, stored: Path
) -> None:
    (stored / "a-1/manifest.json").unlink()

    _, out, _ = call("runs", "show", "a-1", runs="elsewhere")

    sentence = "did not end: it goes on, or its supervisor died"
    assert sentence in out
    assert sentence in call("runs", "list", runs="elsewhere")[1]


def test_the_page_of_an_analysis_for_bias_does_not_call_it_a_backtest(
    call: Call, tmp_path: Path
) -> None:
    ended = {"ended_at": START, "exit_code": 0, "verdict": "no bias found"}
    keep(tmp_path, "b", results={"bias": "clean"}, **ended)

    page = Path(call("report", "b")[1].strip()).read_text()

    assert "bias check ended with exit code 0" in page
    assert '<p class="mode">bias check</p>' in page
    assert "backtest" not in page


def test_a_link_that_leads_to_itself_is_no_empty_folder_of_runs(tmp_path: Path, call: Call) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")

    code, _, said = call("runs", "list", runs="loop")

    assert code == 74
    assert f"the folder of runs {loop} cannot be listed: Too many" in said
