import json
import os
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradai.core import FileJournal, TradingMode
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.entrypoint import RunManifest
from tradai.entrypoint._history.local_runs import differences, find_run
from tradai.entrypoint._history.manifests import listed_manifests
from tradai.entrypoint._history.run_listing import RunListing, RunSummary
from tradai.entrypoint._history.summaries import list_runs, local_runs
from tradai.entrypoint._paper.paper_status import PaperStatus

# These functions have no public name: the commands `runs` and `run --from` are made of them.

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def run(run_id: str, *, minute: int = 0, **facts: object) -> RunManifest:
    return RunManifest.model_validate(
        {
            "run_id": run_id,
            "trace_id": run_id,
            "mode": TradingMode.BACKTEST,
            "state": "running",
            "started_at": NOON + timedelta(minutes=minute),
            **facts,
        }
    )


def keep(root: Path, manifest: RunManifest) -> Path:
    """Write the manifest into the folder of its run, and return that folder."""
    folder = root / manifest.run_id
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, run_id in enumerate(("a-1", "a-12", "b-1")):
        keep(tmp_path, run(run_id, minute=number, state="ended", exit_code=0))
    return tmp_path


def test_runs_are_listed_newest_first_without_those_that_cannot_be_read(root: Path) -> None:
    (root / "empty").mkdir()
    (root / "torn").mkdir()
    (root / "torn" / "manifest.json").write_text('{"run_id":')
    for name, text in {
        "deep": "[" * 100_000,
        "list": "[]",
        "number": "1",
        "naive": run("naive").model_dump_json().replace("12:00:00Z", "12:00:00"),
        "untimely": run("untimely").model_dump_json().replace("2026-01-31T", "soon "),
        "typed": run("typed").model_dump_json().replace('"exit_code":null', '"exit_code":"0"'),
    }.items():
        (root / name).mkdir()
        (root / name / "manifest.json").write_text(text)

    assert [manifest.run_id for manifest in list_runs(root)] == ["b-1", "a-12", "a-1"]


def test_whole_manifests_are_listed_newest_first_and_unusable_ones_with_the_reason(
    root: Path,
) -> None:
    changed = run("b-1", minute=2).model_dump_json().replace('"digests":{}', '"digests":[]')
    (root / "b-1" / "manifest.json").write_text(changed)
    (root / "torn").mkdir()
    (root / "torn" / "manifest.json").write_text('{"run_id":')

    listed = list(listed_manifests(RunListing.of(local_runs(root)), {}))

    whole = [each for each in listed if "unreadable" not in each]
    assert [manifest["run_id"] for manifest in whole] == ["a-12", "a-1"]
    unreadable = {each["run_id"]: each["unreadable"] for each in listed if each not in whole}
    assert "digests" in unreadable["b-1"]
    assert unreadable["torn"] == "it is damaged"


def test_a_folder_of_the_name_goes_before_an_id_that_begins_with_it(root: Path) -> None:
    (root / "b-1").rename(root / "a")
    (root / "b").mkdir()
    keep(root, run("b-2"))

    assert find_run(root, "a") == root / "a"
    with pytest.raises(NotFoundError, match=r"b is no run, as it has no manifest\.json"):
        find_run(root, "b")


def test_a_summary_has_what_the_manifest_says(tmp_path: Path) -> None:
    keep(tmp_path, run("a", exit_code=65, verdict="[/no] candles", config_id="v1-0aac973a"))

    (summary,) = list_runs(tmp_path)

    assert summary == RunSummary(
        folder=tmp_path / "a",
        run_id="a",
        mode="backtest",
        state="running",
        started_at=NOON,
        exit_code=65,
        verdict="[/no] candles",
        config_id="v1-0aac973a",
        strategy=None,
        figures={},
        has_result=False,
    )


def test_a_run_without_its_end_goes_on_as_long_as_a_process_has_its_journal(
    tmp_path: Path,
) -> None:
    folder = keep(tmp_path, run("a"))

    with closing(FileJournal(folder / "journal.jsonl")) as journal:
        journal.append("run started")
        (going,) = list_runs(tmp_path)
    (killed,) = list_runs(tmp_path)

    assert (going.state, killed.state) == ("running", "killed")
    assert [each["state"] for each in listed_manifests(RunListing.of([killed]), {})] == ["killed"]


def test_a_run_that_ends_while_it_is_listed_was_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, run("a"))

    def end(_: Path) -> bool:
        keep(tmp_path, run("a", state="ended", exit_code=0))
        return False

    monkeypatch.setattr("tradai.entrypoint._paper.run_process.lives", end)

    assert [(each.state, each.exit_code) for each in list_runs(tmp_path)] == [("ended", 0)]


@pytest.mark.parametrize("was_killed", [True, False])
def test_a_run_that_ends_after_it_was_listed_has_the_state_of_its_manifest(
    tmp_path: Path, *, was_killed: bool
) -> None:
    folder = keep(tmp_path, run("a"))
    if was_killed:
        (folder / "journal.jsonl").touch()
    listing = RunListing.of(local_runs(tmp_path))
    assert listing.runs[0].state == ("killed" if was_killed else "running")
    keep(tmp_path, run("a", state="ended", exit_code=0))

    (facts,) = listed_manifests(listing, {})

    assert (facts["state"], facts["exit_code"]) == ("ended", 0)


def test_the_process_of_a_run_that_ended_is_not_looked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("tradai.entrypoint._paper.run_process.lives")

    assert len(list_runs(root)) == 3


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "missing") == []


def test_an_unusable_manifest_names_the_fact_at_fault(root: Path) -> None:
    text = run("a-1").model_dump_json().replace("12:00:00Z", "12:00:00")
    (root / "a-1" / "manifest.json").write_text(text)

    with pytest.raises(StorageError, match="is not usable: started_at: must have timezone info"):
        RunManifest.read(root / "a-1")


@pytest.mark.parametrize(
    ("name", "run_id"), [("a-12", "a-12"), ("b", "b-1"), ("latest", "b-1"), ("a-1", "a-1")]
)
def test_a_run_is_found_by_id_unique_prefix_or_as_the_latest(
    root: Path, name: str, run_id: str
) -> None:
    assert find_run(root, name) == root / run_id


def test_the_latest_run_is_no_part_of_a_sweep_unless_all_are(root: Path) -> None:
    for number, run_id in enumerate(("a-1", "a-12", "b-1")):
        if run_id != "a-12":
            keep(root, run(run_id, minute=number, state="ended", exit_code=0, part_of="sweep"))

    assert find_run(root, "latest") == root / "a-12"

    shutil.rmtree(root / "a-12")
    assert find_run(root, "latest") == root / "b-1"


def test_a_run_is_found_by_its_path(root: Path, tmp_path: Path) -> None:
    assert find_run(tmp_path / "elsewhere", str(root / "a-1")) == root / "a-1"


def test_a_run_and_a_link_to_it_are_one_run(root: Path) -> None:
    (root / "link").symlink_to(root / "b-1")

    assert find_run(root, "b-1").resolve() == (root / "b-1").resolve()
    assert find_run(root, "b").resolve() == (root / "b-1").resolve()


def test_a_copy_does_not_hide_its_run_and_is_found_by_its_path(root: Path) -> None:
    shutil.copytree(root / "b-1", root / "kept")

    assert find_run(root, "b-1") == find_run(root, "b") == root / "b-1"
    assert find_run(root, "latest") == root / "b-1"
    assert find_run(root, "kept") == find_run(root, str(root / "kept")) == root / "kept"


def test_copies_whose_run_is_gone_are_named_by_their_folders(root: Path) -> None:
    shutil.copytree(root / "b-1", root / "kept")
    (root / "b-1").rename(root / "also-kept")

    with pytest.raises(
        ValidationError, match=r"for 'b-1' \(.*kept, .*kept\): give the path of one"
    ):
        find_run(root, "b-1")


def test_a_damaged_run_is_found_by_its_id_so_that_its_reader_says_what_is_wrong(
    root: Path,
) -> None:
    (root / "torn").mkdir()
    (root / "torn" / "manifest.json").write_text('{"run_id":')

    with pytest.raises(StorageError, match=r"torn/manifest\.json is not usable"):
        RunManifest.read(find_run(root, "torn"))
    with pytest.raises(NotFoundError, match="no run 'tor'"):
        find_run(root, "tor")
    with pytest.raises(NotFoundError, match="no run"):
        find_run(root / "torn", "../torn")


def test_a_prefix_of_several_ids_names_them(root: Path) -> None:
    with pytest.raises(ValidationError, match=r"'a' \(a-12, a-1\): give more"):
        find_run(root, "a")


@pytest.mark.parametrize("name", ["c", "latest"])
def test_a_run_that_does_not_exist_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match="runs list"):
        find_run(tmp_path, name)


def test_differences_name_each_fact_that_differs_except_ids_and_times() -> None:
    left = run("a", results={"trades": 3, "fee": 1}, digests={"data": "x"})
    right = run("b", minute=5, results={"trades": 4, "fee": 1}, notices=["made"])

    assert list(differences(left, right)) == [
        ("digests.data", "x", "-"),
        ("results.trades", "3", "4"),
        ("notice", "-", "made"),
    ]


@pytest.mark.parametrize(
    ("facts", "is_latest"),
    [
        ({"state": "running"}, False),
        ({"state": "running", "results": {"orders_in_journal": 1}}, False),
        ({"exit_code": 78}, False),
        ({"exit_code": 70}, False),
        ({"exit_code": 0}, True),
        ({"exit_code": 76, "results": {"trades": 3}}, True),
        ({"exit_code": 130, "artifacts": ["epochs.jsonl"]}, True),
    ],
)
def test_the_latest_run_is_the_last_one_that_has_finished(
    root: Path, facts: dict[str, object], *, is_latest: bool
) -> None:
    keep(root, run("c-1", minute=9, **({"state": "ended"} | facts)))

    assert find_run(root, "latest").name == ("c-1" if is_latest else "b-1")


def test_without_a_finished_run_there_is_no_latest(tmp_path: Path) -> None:
    keep(tmp_path, run("a-1", state="ended", exit_code=78))

    with pytest.raises(
        NotFoundError, match=r"no finished run in .*: `tradai-entrypoint runs list`"
    ):
        find_run(tmp_path, "latest")


def finished(run_id: str, *, minute: int, profit: float | None, drawdown: float) -> RunManifest:
    results = {"profit_percent": profit, "max_drawdown_percent": drawdown, "trades": minute}
    return run(
        run_id,
        minute=minute,
        state="ended",
        exit_code=0,
        config={"name": "trend" if profit else "other"},
        results=results,
    )


@pytest.fixture
def results_root(tmp_path: Path) -> Path:
    runs = (
        finished("low", minute=0, profit=-1.5, drawdown=1.0),
        finished("high", minute=1, profit=9.0, drawdown=20.0),
        finished("unknown", minute=2, profit=None, drawdown=3.0),
    )
    for each in runs:
        keep(tmp_path, each)
    return tmp_path


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, ["unknown", "high", "low"]),
        ("profit", ["high", "low", "unknown"]),
        ("drawdown", ["low", "unknown", "high"]),
        ("trades", ["unknown", "high", "low"]),
    ],
)
def test_runs_are_sorted_the_best_first_and_those_without_the_figure_last(
    order: str | None, expected: list[str], results_root: Path
) -> None:
    listing = RunListing.of(local_runs(results_root)).sorted(order)

    assert [each.run_id for each in listing.runs] == expected


def test_the_drawdown_with_open_positions_counts_where_a_run_has_it(results_root: Path) -> None:
    deep = finished("deep", minute=3, profit=1.0, drawdown=0.5)
    deep.results["equity_drawdown_percent"] = 9.58
    keep(results_root, deep)

    listing = RunListing.of(local_runs(results_root)).sorted("drawdown")

    assert [each.run_id for each in listing.runs] == ["low", "unknown", "deep", "high"]


def test_runs_of_a_strategy_or_mode_are_chosen_and_what_cannot_be_read_stays(
    results_root: Path,
) -> None:
    (results_root / "torn").mkdir()
    (results_root / "torn/manifest.json").write_text("{")
    listing = RunListing.of(local_runs(results_root))

    assert [each.run_id for each in listing.chosen(strategy="trend").runs] == ["high", "low"]
    assert listing.chosen(mode="live").runs == []
    assert [each.run_id for each in listing.chosen(mode="live").unreadable] == ["torn"]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [("trend", ["high", "low"]), ("tren", ["long", "high", "low"]), ("end", [])],
)
def test_the_beginning_of_names_chooses_runs_where_none_has_it_for_a_name(
    results_root: Path, wanted: str, chosen: list[str]
) -> None:
    long = finished("long", minute=3, profit=1.0, drawdown=0.5)
    long.config["name"] = "trendrider"
    keep(results_root, long)

    listing = RunListing.of(local_runs(results_root)).chosen(strategy=wanted)

    assert [each.run_id for each in listing.runs] == chosen


def test_a_dry_run_is_listed_with_the_profit_of_its_closed_trades_in_percent(
    tmp_path: Path,
) -> None:
    results = {
        "closed_trades": 3,
        "open_trades": 1,
        "realized_profit_USDT": 25.0,
    }
    config = {
        "name": "trend",
        "stake_currency": "USDT",
        "execution": {"starting_balance": "1000"},
    }
    for run_id, mode in (("paper", TradingMode.DRY_RUN), ("live", TradingMode.LIVE)):
        keep(tmp_path, run(run_id, config=config, results=results, mode=mode))

    figures = {each.run_id: each.figures for each in list_runs(tmp_path)}

    assert figures == {"paper": {"trades": 3, "profit_percent": 2.5}, "live": {}}


@pytest.mark.parametrize(
    ("status", "figures"),
    [
        (
            PaperStatus(at=NOON, currency="USDT", closed_profit=-5.0, closed_trades=2),
            {"trades": 2, "profit_percent": -0.5},
        ),
        (PaperStatus(at=NOON, currency="USDT"), {}),
        (None, {}),
    ],
)
def test_a_dry_run_that_goes_on_has_the_figures_of_its_last_status(
    tmp_path: Path, status: PaperStatus | None, figures: dict[str, float]
) -> None:
    config = {"stake_currency": "USDT", "execution": {"starting_balance": "1000"}}
    scratch = keep(tmp_path, run("paper", config=config, mode=TradingMode.DRY_RUN)) / "scratch"
    scratch.mkdir()
    if status is not None:
        status.write(scratch)

    assert [each.figures for each in list_runs(tmp_path)] == [figures]

    (scratch / "status.json").write_text("{")
    assert [each.figures for each in list_runs(tmp_path)] == [{}]


def test_a_status_that_is_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    config = {"stake_currency": "USDT"}
    scratch = keep(tmp_path, run("paper", config=config, mode=TradingMode.DRY_RUN)) / "scratch"
    scratch.mkdir()
    os.mkfifo(scratch / "status.json")

    assert [each.figures for each in list_runs(tmp_path)] == [{}]
    with pytest.raises(StorageError, match=r"status\.json cannot be read"):
        PaperStatus.read(scratch)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+14:00"])
def test_a_start_that_has_no_time_in_utc_cannot_be_read(root: Path, at: str) -> None:
    path = root / "b-1" / "manifest.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "started_at": at}))

    listing = RunListing.of(local_runs(root))

    assert [each.run_id for each in listing.runs] == ["a-12", "a-1"]
    (odd,) = listing.unreadable
    assert (odd.run_id, odd.reason) == ("b-1", "its started_at cannot be read")
    with pytest.raises(StorageError, match=r"started_at: .* a time whose year in UTC is one of"):
        RunManifest.read(root / "b-1")


@pytest.mark.parametrize(
    "figure", ["NaN", "Infinity", "-Infinity", "1" + 400 * "0", "true", "null"]
)
def test_a_figure_that_is_no_finite_number_is_left_out(root: Path, figure: str) -> None:
    path = root / "b-1" / "manifest.json"
    results = f'"results":{{"trades":3,"profit_percent":{figure}}}'
    path.write_text(path.read_text().replace('"results":{}', results))

    assert list_runs(root)[0].figures == {"trades": 3}


def test_a_dry_run_with_a_profit_of_hundreds_of_digits_is_damaged(root: Path) -> None:
    path = root / "b-1" / "manifest.json"
    results = {"realized_profit_USDT": 10**400}
    config = {"stake_currency": "USDT", "execution": {"starting_balance": 1000}}
    facts = json.loads(path.read_text())
    path.write_text(
        json.dumps({**facts, "mode": TradingMode.DRY_RUN, "results": results, "config": config})
    )

    (odd,) = RunListing.of(local_runs(root)).unreadable

    assert odd.reason == "it is damaged"
