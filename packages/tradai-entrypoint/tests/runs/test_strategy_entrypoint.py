import json
import shutil
from pathlib import Path

import pytest

from tradai.core import FileJournal, MemoryStore, TradingMode, register_secret
from tradai.core.exceptions import ExternalServiceError, StorageError, TradAIError
from tradai.entrypoint import (
    Checklist,
    EntrypointSettings,
    ExitCode,
    RunManifest,
    RunRequest,
    StrategyEntrypoint,
    Verdict,
)


def settings(
    tmp_path: Path, mode: TradingMode = TradingMode.BACKTEST, *, config: str
) -> EntrypointSettings:
    return EntrypointSettings(mode=mode, folder=tmp_path / "runs", id="run-1", config=config)


def manifest(tmp_path: Path, run_id: str = "run-1") -> RunManifest:
    return RunManifest.read(tmp_path / "runs" / run_id)


class Handler:
    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.entrypoint = entrypoint

    def run(self) -> int:
        return 0


def test_a_finished_run_leaves_manifest_journal_and_report(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.register_handler(TradingMode.BACKTEST)(Handler)

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    folder = tmp_path / "runs" / "run-1"
    assert code == 0
    assert manifest(tmp_path).state == "ended"
    assert manifest(tmp_path).exit_code == 0
    assert manifest(tmp_path).config["name"] == "demo"
    assert manifest(tmp_path).provenance["timeframe"].endswith("strategy.yaml:3")
    assert [entry.event for entry in FileJournal(folder / "journal.jsonl").entries()] == [
        "run started",
        "run ended",
    ]
    assert "run-1" in (folder / "report.html").read_text()
    assert not (folder / "scratch").exists()
    assert not (folder / ".reserve").exists()


def test_the_record_of_an_ended_run_is_its_manifest(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.register_handler(TradingMode.BACKTEST)(Handler)
    entrypoint = StrategyEntrypoint(settings(tmp_path, config=str(config_file)))

    entrypoint.run()

    assert entrypoint.record.state == "ended"
    assert entrypoint.record == manifest(tmp_path)


def test_the_handler_sees_configuration_parameters_and_journal(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Looking(Handler):
        def run(self) -> int:
            context = self.entrypoint.context
            context.journal.append("seen", pairs=list(context.config.pairs))
            context.record.results["epochs"] = context.parameters.epochs
            return context.conclude(Verdict(exit_code=ExitCode.DONE, sentence="looked"))

    request = RunRequest(overrides=("run.epochs=7", "execution.max_open_trades=2"))
    StrategyEntrypoint(settings(tmp_path, config=str(config_file)), request=request).run()

    assert manifest(tmp_path).verdict == "looked"
    assert manifest(tmp_path).results == {"epochs": 7}
    assert manifest(tmp_path).run_parameters == {"epochs": 7}


def test_a_source_in_a_store_is_found_from_a_configuration_in_another_folder(
    tmp_path: Path,
    config_file: Path,
    registered: type[StrategyEntrypoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    store.write("memory:code/demo.py", b"class Demo: ...")
    monkeypatch.setattr("tradai.entrypoint._inputs.fetch.backend_for", lambda *_: store)
    monkeypatch.setenv("TRADAI_INPUT_CACHE", str(tmp_path / "cache"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    @registered.register_handler(TradingMode.BACKTEST)
    class Reading(Handler):
        def run(self) -> int:
            root = self.entrypoint.context.strategy_root
            assert root is not None
            self.entrypoint.context.record.results["source"] = (root / "demo.py").read_text()
            return 0

    relative = EntrypointSettings(
        mode=TradingMode.BACKTEST, folder=Path("runs"), id="run-1", config=str(config_file)
    )
    request = RunRequest(overrides=("strategy.class=Demo", "strategy.source=memory:code/"))

    assert StrategyEntrypoint(relative, request=request).run() == 0
    assert manifest(here).results == {"source": "class Demo: ..."}


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(ExitCode.DATA, "the handler concluded with exit code 0"), (99, "the handler returned 99")],
)
def test_a_handler_that_returns_another_exit_code_than_it_concluded_has_crashed(
    tmp_path: Path,
    config_file: Path,
    registered: type[StrategyEntrypoint],
    code: int,
    sentence: str,
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Contradicting(Handler):
        def run(self) -> int:
            done = Verdict(exit_code=ExitCode.DONE, sentence="all is well")
            self.entrypoint.context.conclude(done)
            return code

    verdict = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run_to_verdict()

    assert verdict.exit_code is ExitCode.CRASHED
    assert verdict.sentence.startswith(sentence)


def test_an_entrypoint_that_runs_again_is_recorded_as_running(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    states: list[tuple[str, int | None]] = []

    @registered.register_handler(TradingMode.BACKTEST)
    class Reading(Handler):
        def run(self) -> int:
            on_disk = manifest(tmp_path)
            states.append((on_disk.state, on_disk.exit_code))
            return 0

    entrypoint = StrategyEntrypoint(settings(tmp_path, config=str(config_file)))
    entrypoint.run()
    shutil.rmtree(entrypoint.context.folder.path)
    entrypoint.run()

    assert states == [("running", None)] * 2


def test_a_refused_run_also_leaves_a_manifest(tmp_path: Path) -> None:
    code = StrategyEntrypoint(settings(tmp_path, config=str(tmp_path / "absent.yaml"))).run()

    assert code == manifest(tmp_path).exit_code != 0
    assert "absent.yaml" in str(manifest(tmp_path).verdict)


def test_an_error_of_ours_ends_the_run_with_its_exit_code(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Unreachable(Handler):
        def run(self) -> int:
            raise ExternalServiceError("the exchange is away", service="exchange", operation="ping")

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.UNAVAILABLE
    assert manifest(tmp_path).verdict == "the exchange is away"


def test_a_crashing_handler_is_a_verdict_not_a_traceback(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Crashing(Handler):
        def run(self) -> int:
            raise KeyError("oops")

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.CRASHED
    assert "KeyError" in str(manifest(tmp_path).verdict)


def test_a_refusal_of_a_taken_run_id_is_recorded_under_a_new_id(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.register_handler(TradingMode.BACKTEST)(Handler)
    StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()
    before = (tmp_path / "runs" / "run-1" / "manifest.json").read_bytes()

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.CONFIGURATION
    assert (tmp_path / "runs" / "run-1" / "manifest.json").read_bytes() == before
    others = [path.name for path in (tmp_path / "runs").iterdir() if path.name != "run-1"]
    assert len(others) == 1
    assert "run-1" in str(manifest(tmp_path, others[0]).verdict)


def test_another_mode_reports_a_variable_that_nothing_reads(
    tmp_path: Path,
    config_file: Path,
    registered: type[StrategyEntrypoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered.register_handler(TradingMode.BACKTEST)(Handler)
    monkeypatch.setenv("TRADAI_RUN_MODDE", "live")

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.DONE
    assert any("TRADAI_RUN_MODDE" in notice for notice in manifest(tmp_path).notices)


def test_the_manifest_is_plain_json(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.register_handler(TradingMode.BACKTEST)(Handler)

    StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    path = tmp_path / "runs" / "run-1" / "manifest.json"
    assert json.loads(path.read_text())["schema_version"] == 1


@pytest.mark.parametrize("form", ["strategies", "file:strategies", "{folder}/strategies"])
def test_the_strategy_source_may_be_a_path_or_a_file_uri(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint], form: str
) -> None:
    source = form.format(folder=tmp_path)
    config_file.write_text(config_file.read_text().replace("strategies", source))
    seen: list[Path | None] = []

    @registered.register_handler(TradingMode.BACKTEST)
    class Looking(Handler):
        def run(self) -> int:
            seen.append(self.entrypoint.context.strategy_root)
            return 0

    StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert seen == [tmp_path / "strategies"]


def test_a_strategy_source_that_no_store_serves_is_refused(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.register_handler(TradingMode.BACKTEST)(Handler)
    config_file.write_text(config_file.read_text().replace("strategies", "gs://bucket/x"))

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.CONFIGURATION
    assert "gs: backend" in str(manifest(tmp_path).verdict)


def test_a_report_that_cannot_be_written_still_leaves_a_manifest(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Blocking(Handler):
        def run(self) -> int:
            (self.entrypoint.context.folder.path / "report.html").mkdir()
            return 0

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == manifest(tmp_path).exit_code == ExitCode.RESULT
    assert "report.html" in str(manifest(tmp_path).verdict)
    assert "there is no report: " in manifest(tmp_path).notices[-1]


def test_a_failed_run_without_a_report_says_so_in_its_verdict(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Failing(Handler):
        def run(self) -> int:
            (self.entrypoint.context.folder.path / "report.html").mkdir()
            message = "the disk is nearly full"
            raise StorageError(message, operation="write")

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.RESULT
    assert manifest(tmp_path).verdict == "the disk is nearly full; there is no report"


class ForeignError(TradAIError):
    """An error of a plugin, with an exit code that the table does not have."""

    exit_code = 99


class BlessedError(TradAIError):
    """An error that would have its process end as if all were well."""

    exit_code = 0


@pytest.mark.parametrize("kind", [ForeignError, BlessedError])
def test_an_error_with_a_foreign_exit_code_is_a_crash_and_is_recorded(
    tmp_path: Path,
    config_file: Path,
    registered: type[StrategyEntrypoint],
    kind: type[TradAIError],
) -> None:
    class Failing(Handler):
        def run(self) -> int:
            raise kind("the plugin gave up")

    registered.register_handler(TradingMode.BACKTEST)(Failing)

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.CRASHED
    assert manifest(tmp_path).exit_code == ExitCode.CRASHED
    assert manifest(tmp_path).verdict == "the plugin gave up"


def test_a_handler_that_returns_a_foreign_exit_code_has_crashed(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    class Strange(Handler):
        def run(self) -> int:
            return 99

    registered.register_handler(TradingMode.BACKTEST)(Strange)

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.CRASHED
    assert "returned 99" in str(manifest(tmp_path).verdict)


@pytest.mark.parametrize("kind", [ForeignError, BlessedError])
def test_a_check_that_fails_with_a_foreign_exit_code_is_a_crash(kind: type[TradAIError]) -> None:
    def check() -> str:
        raise kind("the plugin gave up")

    row = Checklist().row("plugin", check)

    assert row.exit_code is ExitCode.CRASHED


@pytest.mark.parametrize("run_id", ["run-1", "../run-1"])
def test_a_run_folder_that_cannot_be_created_is_a_verdict_whatever_else_is_wrong(
    tmp_path: Path, config_file: Path, run_id: str
) -> None:
    (tmp_path / "runs").write_text("in the way")
    given = settings(tmp_path, config=str(config_file)).model_copy(update={"id": run_id})

    verdict = StrategyEntrypoint(given).run_to_verdict()

    assert verdict.exit_code is ExitCode.RESULT
    assert "runs" in verdict.sentence


def test_the_manifest_has_configuration_and_digests_while_the_run_goes(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    seen: list[RunManifest] = []

    @registered.register_handler(TradingMode.BACKTEST)
    class Looking(Handler):
        def run(self) -> int:
            seen.append(manifest(tmp_path))
            self.entrypoint.context.record_digest("data", "abc")
            seen.append(manifest(tmp_path))
            return 0

    request = RunRequest(overrides=("run.epochs=7",))
    StrategyEntrypoint(settings(tmp_path, config=str(config_file)), request=request).run()

    assert [each.state for each in seen] == ["running", "running"]
    assert seen[0].config["name"] == "demo"
    assert seen[0].run_parameters == {"epochs": 7}
    assert seen[1].digests == {"data": "abc"}


@pytest.mark.parametrize(
    ("fact", "stored", "named"),
    [
        ({"pairs": {"BTC/USDT"}}, {"pairs": ["BTC/USDT"]}, "results.pairs"),
        ({"model": object}, {"model": "<class 'object'>"}, "results.model"),
        ({"deep": [{"at": 1 + 2j}]}, {"deep": [{"at": "1+2j"}]}, "results.deep"),
        (None, {}, "results"),
    ],
)
def test_a_fact_that_is_not_json_is_a_crash_and_is_recorded(
    tmp_path: Path,
    config_file: Path,
    registered: type[StrategyEntrypoint],
    fact: dict[str, object] | None,
    stored: dict[str, object],
    named: str,
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Careless(Handler):
        def run(self) -> int:
            self.entrypoint.context.record.results = fact  # type: ignore[assignment]  # the tested fault
            return 0

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    ended = manifest(tmp_path)
    assert code == ended.exit_code == ExitCode.CRASHED
    assert ended.state == "ended"
    assert ended.results == stored
    assert f"these facts of the run are not JSON: {named}: " in str(ended.verdict)
    assert ended.verdict is not None
    assert "Input should" not in ended.verdict


def test_a_fact_that_is_not_json_keeps_the_verdict_of_a_run_that_failed(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Careless(Handler):
        def run(self) -> int:
            self.entrypoint.context.record.results["x"] = object  # type: ignore[assignment]  # the tested fault
            raise ExternalServiceError("the lake is dry", service="s3", operation="get")

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.UNAVAILABLE
    assert manifest(tmp_path).verdict == "the lake is dry"
    assert "results.x" in manifest(tmp_path).notices[-1]


def test_a_digest_cannot_be_recorded_beside_a_fact_that_is_not_json(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    @registered.register_handler(TradingMode.BACKTEST)
    class Careless(Handler):
        def run(self) -> int:
            self.entrypoint.context.record.data["x"] = object  # type: ignore[assignment]  # the tested fault
            self.entrypoint.context.record_digest("data", "a" * 64)
            return 0

    code = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run()

    assert code == ExitCode.CRASHED
    assert "these facts of the run are not JSON: data.x: " in str(manifest(tmp_path).verdict)


def test_a_secret_in_a_concluded_sentence_is_masked_everywhere(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    register_secret("obviously-fake-secret-7")

    @registered.register_handler(TradingMode.BACKTEST)
    class Telling(Handler):
        def run(self) -> int:
            sentence = "logged in with obviously-fake-secret-7"
            return self.entrypoint.context.conclude(
                Verdict(exit_code=ExitCode.DONE, sentence=sentence)
            )

    verdict = StrategyEntrypoint(settings(tmp_path, config=str(config_file))).run_to_verdict()

    assert verdict.sentence == "logged in with ***"
    written = [path.read_text() for path in (tmp_path / "runs/run-1").iterdir() if path.is_file()]
    assert len(written) == 3
    assert not [text for text in written if "obviously-fake" in text]
