from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradai.core import JobSpec, TradingMode
from tradai.entrypoint import RunManifest

# These functions have no public name: `check` and `approve` are made of them.
from tradai.entrypoint._runs._bias.bias_checks import (
    add_bias_notices,
    bias_check_of,
    bias_notices,
    bias_sentence,
    is_clean,
)
from tradai.entrypoint._store.names import new_bias_id
from tradai.entrypoint._sweep.local_runs import LocalRuns
from tradai.entrypoint._sweep.run_place import PlannedJob

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLANNED = RunManifest(
    state="ended",
    run_id="plan",
    trace_id="plan",
    mode=None,
    started_at=NOON,
    digests={"source": "5" * 64},
)


def record(
    root: Path,
    *,
    hour: int,
    bias: str | None,
    source: str = "5" * 64,
    code: int = 0,
    config: str | None = None,
    **more: int,
) -> str:
    at = NOON + timedelta(hours=hour)
    run_id = new_bias_id(at)
    manifest = RunManifest(
        state="ended",
        run_id=run_id,
        trace_id=run_id,
        mode=TradingMode.BACKTEST,
        started_at=at,
        exit_code=code,
        digests={"source": source},
        config_id=config,
        results={} if bias is None else {"bias": bias, **more},
    )
    (root / run_id).mkdir()
    (root / run_id / "manifest.json").write_text(manifest.as_json())
    return run_id


def not_started(job_id: str) -> JobSpec:
    raise AssertionError(job_id)


def test_the_last_analysis_of_the_source_with_a_result_is_found(tmp_path: Path) -> None:
    record(tmp_path, hour=0, bias="clean")
    last = record(tmp_path, hour=1, bias="found")
    record(tmp_path, hour=2, bias=None)
    record(tmp_path, hour=3, bias="clean", source="6" * 64)
    (tmp_path / "20270101T000000Z-bias-torn").mkdir()

    check = bias_check_of(tmp_path, PLANNED)

    assert check is not None
    assert check.run_id == last
    assert not is_clean(check)
    assert bias_sentence(check, PLANNED) == f"found, 2026-01-31 13:00 UTC, run {last}"


def test_a_clean_analysis_of_another_configuration_hides_no_bias(tmp_path: Path) -> None:
    found = record(tmp_path, hour=0, bias="found")
    record(tmp_path, hour=1, bias="clean", config="three pairs")

    check = bias_check_of(tmp_path, PLANNED)

    assert check is not None
    assert check.run_id == found
    assert not is_clean(check)


def test_the_analysis_of_the_planned_configuration_goes_before_a_newer_one(tmp_path: Path) -> None:
    own = record(tmp_path, hour=0, bias="clean")
    record(tmp_path, hour=1, bias="not known", config="a week")

    check = bias_check_of(tmp_path, PLANNED)

    assert check is not None
    assert check.run_id == own


def test_bias_that_a_later_analysis_of_its_configuration_cleared_counts_no_more(
    tmp_path: Path,
) -> None:
    record(tmp_path, hour=0, bias="found", config="three pairs")
    record(tmp_path, hour=1, bias="clean", config="three pairs")

    assert is_clean(bias_check_of(tmp_path, PLANNED))


def test_an_analysis_without_an_answer_does_not_undo_the_bias_that_was_found(
    tmp_path: Path,
) -> None:
    found = record(tmp_path, hour=0, bias="found", config="three pairs")
    record(tmp_path, hour=1, bias="not known", config="three pairs")
    record(tmp_path, hour=2, bias="clean")

    check = bias_check_of(tmp_path, PLANNED)

    assert check is not None
    assert check.run_id == found


def test_an_analysis_without_an_answer_undoes_a_clean_one(tmp_path: Path) -> None:
    record(tmp_path, hour=0, bias="clean")
    record(tmp_path, hour=1, bias="not known")

    assert not is_clean(bias_check_of(tmp_path, PLANNED))


def test_bias_that_was_cleared_does_not_come_back_by_an_analysis_without_an_answer(
    tmp_path: Path,
) -> None:
    record(tmp_path, hour=0, bias="found")
    record(tmp_path, hour=1, bias="clean")
    last = record(tmp_path, hour=2, bias="not known")

    check = bias_check_of(tmp_path, PLANNED)

    assert check is not None
    assert check.run_id == last
    assert not is_clean(check)


def test_a_source_that_was_never_analysed_is_not_clean(tmp_path: Path) -> None:
    check = bias_check_of(tmp_path / "absent", PLANNED)

    assert not is_clean(check)
    assert "analyse CONFIG --bias" in bias_sentence(check, PLANNED)


def test_a_clean_analysis_is_clean(tmp_path: Path) -> None:
    record(tmp_path, hour=0, bias="clean")

    assert is_clean(bias_check_of(tmp_path, PLANNED))


def test_a_clean_analysis_says_of_how_many_trades(tmp_path: Path) -> None:
    run_id = record(tmp_path, hour=0, bias="clean", trades_checked=20, trades_in_backtest=62)

    check = bias_check_of(tmp_path, PLANNED)

    shown = f"clean in 20 of 62 trades, 2026-01-31 12:00 UTC, run {run_id}"
    assert bias_sentence(check, PLANNED) == shown


def test_an_analysis_whose_strategy_raised_errors_is_not_clean(tmp_path: Path) -> None:
    run_id = record(tmp_path, hour=0, bias="clean", code=80)

    check = bias_check_of(tmp_path, PLANNED)

    assert not is_clean(check)
    shown = "not known, as its run ended with exit code 80, 2026-01-31 12:00 UTC"
    assert bias_sentence(check, PLANNED) == f"{shown}, run {run_id}"


def test_an_analysis_with_another_configuration_says_so(tmp_path: Path) -> None:
    record(tmp_path, hour=0, bias="clean")
    other = RunManifest.model_validate({**PLANNED.model_dump(), "config_id": "other"})

    check = bias_check_of(tmp_path, PLANNED)

    assert bias_sentence(check, other).endswith(", with another configuration")


def test_a_source_that_was_found_biased_gives_a_notice_and_no_other_does(tmp_path: Path) -> None:
    found = record(tmp_path, hour=0, bias="found")
    record(tmp_path, hour=0, bias="clean", source="6" * 64)
    clean = PLANNED.model_copy(update={"digests": {"source": "6" * 64}})
    refused = PLANNED.model_copy(update={"digests": {}})

    (notice,) = bias_notices(tmp_path, PLANNED)
    assert notice.startswith(f"bias was found in this strategy source by run {found}: ")
    assert bias_notices(tmp_path, clean) == bias_notices(tmp_path, refused) == ()
    assert bias_notices(tmp_path / "missing", PLANNED) == ()


def test_an_analysis_that_cannot_be_read_gives_no_notice_and_stops_no_run(tmp_path: Path) -> None:
    for name, text in {"torn": "{", "odd": '{"results": {"bias": ["found"]}}', "none": ""}.items():
        (tmp_path / f"20270101T000000Z-bias-{name}").mkdir()
        (tmp_path / f"20270101T000000Z-bias-{name}/manifest.json").write_text(text)
    odd = RunManifest.read(tmp_path / record(tmp_path, hour=0, bias="found"))
    odd.results["bias"] = ["found"]
    (tmp_path / odd.run_id / "manifest.json").write_text(odd.as_json())

    assert bias_notices(tmp_path, PLANNED) == ()


def test_an_analysis_has_no_notice_of_the_bias_that_another_one_found(tmp_path: Path) -> None:
    record(tmp_path, hour=0, bias="found")
    own = PLANNED.model_copy(update={"results": {"bias": "clean"}})

    assert not bias_notices(tmp_path, own)
    assert bias_notices(tmp_path, PLANNED)


def test_the_notice_of_a_later_analysis_replaces_that_of_an_earlier_one(tmp_path: Path) -> None:
    record(tmp_path, hour=0, bias="found")
    noted = PLANNED.model_copy(update={"notices": ["synthetic", *bias_notices(tmp_path, PLANNED)]})
    record(tmp_path, hour=1, bias="found")

    add_bias_notices(tmp_path, noted)

    assert noted.notices == ["synthetic", *bias_notices(tmp_path, PLANNED)]


def test_a_notice_of_bias_stays_where_no_analysis_is_left(tmp_path: Path) -> None:
    record(tmp_path, hour=0, bias="found")
    noted = PLANNED.model_copy(update={"notices": list(bias_notices(tmp_path, PLANNED))})

    add_bias_notices(tmp_path / "pruned", noted)

    assert len(noted.notices) == 1


def test_a_run_in_a_folder_says_that_its_source_was_found_biased_since(tmp_path: Path) -> None:
    biased = PLANNED.model_copy(update={"run_id": "a", "exit_code": 0, "config_id": "v1-a"})
    (tmp_path / "a").mkdir()
    (tmp_path / "a/manifest.json").write_text(biased.as_json())
    planned = PlannedJob(
        make_spec=not_started, job_id="a", digests=biased.digests, config_id="v1-a"
    )
    record(tmp_path, hour=0, bias="found")
    runs = LocalRuns(tmp_path)

    found = runs.find(planned)

    assert found is not None
    assert found.notices == runs.manifest("a").notices == list(bias_notices(tmp_path, biased))


def test_many_runs_of_a_sweep_read_each_analysis_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        run = PLANNED.model_copy(update={"run_id": name, "exit_code": 0})
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(run.as_json())
    analyses = [record(tmp_path, hour=hour, bias="found") for hour in range(2)]
    reads, read = list[str](), RunManifest.read

    def counted(folder: Path) -> RunManifest:
        reads.append(folder.name)
        return read(folder)

    monkeypatch.setattr(RunManifest, "read", counted)
    runs = LocalRuns(tmp_path)

    noted = [runs.manifest(name) for name in ("a", "b", "c")]

    assert all(each.notices for each in noted)
    assert sorted(reads) == sorted(("a", "b", "c", *analyses))
