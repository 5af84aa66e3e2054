import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, SecretReference, TradingMode
from tradai.core.exceptions import ExternalServiceError
from tradai.core.testing import MemoryTracker
from tradai.entrypoint import ExitCode, Interrupts, RunManifest, StrategyEntrypoint
from tradai.entrypoint._cli import run_command

# The command line is tested through `run_command`: it is what the installed script calls.

HEAVY = (
    "pydantic",
    "pandas",
    "omegaconf",
    "rich",
    "argcomplete",
    "yaml",
    "freqtrade",
    "boto3",
    "docker",
)


class Handler:
    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.entrypoint = entrypoint

    def run(self) -> int:
        self.entrypoint.context.record.results["trades"] = 3
        return 0


def call(*words: object) -> int:
    return run_command([str(word) for word in words], interrupts=Interrupts())


@pytest.fixture
def runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registered: type[StrategyEntrypoint]
) -> Path:
    registered.register_handler(TradingMode.BACKTEST)(Handler)
    monkeypatch.setenv("TRADAI_RUN_FOLDER", str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_a_signal_while_the_command_is_imported_ends_it_without_a_traceback() -> None:
    code = """
        import signal, sys

        class Interrupting:
            def find_spec(self, name, path, target=None):
                if name == "tradai.entrypoint._process.interrupts":
                    signal.raise_signal(signal.SIGINT)

        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.meta_path.insert(0, Interrupting())
        from tradai.entrypoint import main
        sys.exit(main())
    """

    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, b"", b"")


def test_the_grammar_is_built_without_anything_heavy() -> None:
    code = (
        "import sys; from tradai.entrypoint._cli import build_parser; build_parser().format_help();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_max_idle_is_a_run_parameter(runs: Path, config_file: Path) -> None:
    command = ("run", config_file, "--mode", "backtest", "--run-id", "one")

    code = call(*command, "--max-idle", "30m")

    manifest = json.loads((runs / "one" / "manifest.json").read_text())
    assert code == 0
    assert manifest["run_parameters"]["max_idle"] == "30m"


def test_the_consent_to_holdings_reaches_the_run(
    runs: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    seen: list[bool] = []

    class Noting(Handler):
        def run(self) -> int:
            seen.append(self.entrypoint.context.accepts_holdings)
            return 0

    registered.handlers.unregister(TradingMode.BACKTEST)
    registered.register_handler(TradingMode.BACKTEST)(Noting)
    command = ("run", config_file, "--mode", "backtest")

    codes = [call(*command, "--accept-holdings"), call(*command)]

    assert (codes, seen) == ([0, 0], [True, False])
    assert runs.exists()


def test_a_run_prints_its_results_and_where_it_is(
    runs: Path, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("run", config_file, "--mode", "backtest", "--run-id", "one")

    out = capsys.readouterr().out
    assert code == 0
    assert "Trades  3" in out
    assert str(runs / "one") in out


def test_a_limit_on_the_size_of_files_is_named_and_no_folder_that_is_not_there(
    runs: Path,
    config_file: Path,
    files_up_to: Callable[[int], AbstractContextManager[None]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with files_up_to(64 * 1024):
        code = call("run", config_file, "--mode", "backtest", "--run-id", "one")
        machine = call("run", config_file, "--mode", "backtest", "--json")

    out, err = capfd.readouterr()
    advice = "File too large; raise the limit on the size of files (ulimit -f) (exit 74)\n"
    assert code == machine == ExitCode.RESULT
    assert err.endswith(advice)
    assert json.loads(out)["folder"] is None
    assert list(runs.iterdir()) == []


def test_a_run_prints_json_for_machines(
    runs: Path, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("run", config_file, "--mode", "backtest", "--json", "run.epochs=3")

    answer = json.loads(capsys.readouterr().out)
    assert code == answer["exit_code"] == 0
    assert answer["results"] == {"trades": 3}
    assert Path(answer["manifest"]).is_relative_to(runs)


def test_overrides_may_follow_flags(runs: Path, config_file: Path) -> None:
    call("run", config_file, "run.epochs=3", "--mode", "backtest", "--run-id", "one", "name=other")

    manifest = json.loads((runs / "one" / "manifest.json").read_text())
    assert manifest["run_parameters"] == {"epochs": 3}
    assert manifest["config"]["name"] == "other"


@pytest.mark.parametrize(
    "words", [("run", "--no-such-flag"), ("doctor", "word"), ("run", "--mode", "paper"), ()]
)
def test_a_wrong_command_line_is_usage(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        call(*words)

    assert caught.value.code == ExitCode.USAGE


def test_an_unknown_flag_is_named_without_its_secret(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "strategy.yaml", "--api-key=hunter2", "--nope=3"]

    with pytest.raises(SystemExit):
        run_command(words, interrupts=Interrupts())

    assert "unrecognized arguments: --api-key=*** --nope=3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        # The words alone are wrong: nothing is read, no run is recorded.
        ("runs show", ExitCode.USAGE),
        ("runs list --state gone", ExitCode.USAGE),
        ("runs list --json --csv", ExitCode.USAGE),
        ("analyse s.yaml --bias --sets 3", ExitCode.USAGE),
        ("sweep s.yaml --vary run.fee=0 --limit 0", ExitCode.USAGE),
        ("stop demo --reason=", ExitCode.USAGE),
        # The words can be read, and cannot be done.
        ("analyse s.yaml --robust --shake 99", ExitCode.CONFIGURATION),
        ("runs prune", ExitCode.CONFIGURATION),
        ("compare s.yaml", ExitCode.CONFIGURATION),
        ("markets make --rules r.yaml --pair BTC/USDT --markets m", ExitCode.CONFIGURATION),
        ("report one two --data candles", ExitCode.CONFIGURATION),
        ("status --watch", ExitCode.CONFIGURATION),
        ("run s.yaml --mode live --verify 2", ExitCode.CONFIGURATION),
        # A name is that of nothing.
        ("runs show none", ExitCode.DATA),
        ("run none.yaml --mode backtest", ExitCode.DATA),
    ],
)
def test_the_parser_ends_with_2_a_command_with_78_and_a_name_of_nothing_with_65(
    words: str, code: ExitCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        record = RunManifest(
            run_id=name,
            trace_id=name,
            mode=TradingMode.BACKTEST,
            state="ended",
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        (tmp_path / ".tradai/runs" / name).mkdir(parents=True)
        (tmp_path / ".tradai/runs" / name / "manifest.json").write_text(record.as_json())

    try:
        ended = call(*words.split())
    except SystemExit as exc:
        ended = int(str(exc.code))

    assert ended == code
    recorded = len(list((tmp_path / ".tradai/runs").iterdir())) - 2
    assert recorded == (words.startswith("run ") and code is not ExitCode.USAGE)


def test_a_refusal_before_the_settings_leaves_a_manifest(
    runs: Path, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_RUN_DATA", "")

    code = call("run", config_file, "--mode", "backtest")

    (folder,) = runs.iterdir()
    assert code == ExitCode.CONFIGURATION
    assert "TRADAI_RUN_DATA" in json.loads((folder / "manifest.json").read_text())["verdict"]


@pytest.mark.usefixtures("runs")
def test_runs_are_listed_shown_and_compared(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("run", config_file, "--mode", "backtest", "--run-id", "one")
    call("run", config_file, "--mode", "backtest", "--run-id", "two", "execution.stake_amount=50")
    capsys.readouterr()

    call("runs", "list")
    listed = capsys.readouterr().out
    call("runs", "show", "one", "--json")
    shown = json.loads(capsys.readouterr().out)
    call("runs", "diff", "one", "two", "--json")
    different = json.loads(capsys.readouterr().out)

    assert "one" in listed
    assert "two" in listed
    assert shown["run_id"] == "one"
    assert {"name": "config.execution.stake_amount", "run": "100", "other": "50"} in different


def test_a_run_that_is_not_there_says_how_to_find_one(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("runs", "show", "nothing")

    assert code == ExitCode.DATA
    assert "runs list" in capsys.readouterr().err
    assert not runs.exists()


def test_a_refusal_that_cannot_be_recorded_still_has_its_exit_code(
    tmp_path: Path, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")

    code = call("run", config_file, "stray", "--mode", "backtest", "--runs", in_the_way, "--json")

    assert code == ExitCode.RESULT
    assert str(in_the_way) in json.loads(capsys.readouterr().out)["verdict"]


def test_check_reports_rows_and_the_code_of_the_first_failure(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config_file.write_text(config_file.read_text().replace("5m", "0m"))

    code = call("check", config_file, "--mode", "backtest", "--json")

    answer = json.loads(capsys.readouterr().out)
    statuses = [row["status"] for row in answer["checks"]]
    assert code == answer["exit_code"] == ExitCode.CONFIGURATION
    assert statuses == ["ok", "fail", "skip", "skip"]


def test_check_leaves_no_run_behind(runs: Path, config_file: Path) -> None:
    call("check", config_file, "--mode", "backtest")

    assert not runs.exists()


@pytest.mark.usefixtures("runs")
def test_check_says_a_warning_once(
    config_file: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    config_file.write_text(config_file.read_text() + "colour: red\n")

    call("check", config_file, "--mode", "backtest")

    assert caplog.records == []
    assert "colour" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"stake_amount": 5, "exchange": {"name": "binance", "pair_whitelist": []}}',
            "is a configuration of Freqtrade: write a YAML file with name, version",
        ),
        (
            '{"run_id": 1, "config_uri": 2, "digests": 3, "exchange": {"pair_whitelist": []}}',
            "is the manifest of a run: repeat that run with --from",
        ),
    ],
)
def test_a_json_file_of_another_purpose_is_refused_in_one_sentence(
    tmp_path: Path, config_file: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    other.write_text(text)

    for words in ((other,), (config_file, "--patch", other)):
        code = call("check", *words, "--mode", "backtest", "--json")

        rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["checks"]}
        assert code == ExitCode.CONFIGURATION
        assert rows["configuration"]["detail"].startswith(f"{other} {said}")


def test_a_json_file_may_be_a_configuration(tmp_path: Path, config_file: Path) -> None:
    patch = tmp_path / "patch.json"
    patch.write_text('{"pairs": ["ETH/USDT"]}')

    words = (config_file, "--patch", patch, "--mode", "backtest")

    assert call("check", *words) == call("check", config_file, "--mode", "backtest")


def test_check_of_a_dry_run_fails_where_the_run_would_fall_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("check", tmp_path / "typo.yaml", "--mode", "dry-run", "--json")

    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["checks"]}
    assert code == ExitCode.DATA
    assert rows["configuration"]["status"] == "fail"
    assert "typo.yaml" in rows["configuration"]["detail"]


@pytest.mark.parametrize("run_id", ["one", "../one"])
def test_check_refuses_a_run_id_that_a_run_would(
    runs: Path,
    config_file: Path,
    run_id: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (runs / "one").mkdir(parents=True)
    monkeypatch.setenv("TRADAI_RUN_ID", run_id)

    code = call("check", config_file, "--mode", "backtest", "--json")
    row = json.loads(capsys.readouterr().out)["checks"][-1]

    assert (row["name"], row["status"]) == ("run folder", "fail")
    assert code == call("run", config_file, "--mode", "backtest") != 0


def test_check_refuses_logging_that_a_run_would(
    config_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADAI_LOG_FORMAT", "xml")

    code = call("check", config_file, "--mode", "backtest")

    assert code == ExitCode.CONFIGURATION
    assert "TRADAI_LOG_FORMAT" in capsys.readouterr().out


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    "override",
    [
        "strategy.config.api_key=obviously-fake-1",
        "engine.webhook.url=https://obviously-fake-1.example",
        "strategy.config={api_key: obviously-fake-1",
    ],
)
def test_a_secret_that_is_refused_is_in_no_file_of_the_run(
    runs: Path, config_file: Path, override: str
) -> None:
    code = call("run", config_file, "--mode", "backtest", "--run-id", "one", override)

    assert code == 78
    key = override.partition("=")[0]
    assert RunManifest.read(runs / "one").command[-1] == f"{key}=***"
    files = [path for path in runs.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"manifest.json", "report.html"}
    assert not [path for path in files if b"obviously-fake-1" in path.read_bytes()]


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_mode_is_explained_by_its_flag(
    config_file: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(command, config_file)

    captured = capsys.readouterr()
    assert code == ExitCode.CONFIGURATION
    said = "no mode was given: add --mode, one of backtest, hyperopt, train, dry-run, live, or set"
    assert said in (captured.out + captured.err).replace("\n", " ")


@pytest.mark.usefixtures("runs")
def test_a_run_is_shown_with_its_exit_code_and_the_values_of_its_configuration(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("execution.stake_amount=55", "run.epochs=7")
    call("run", config_file, "--mode", "backtest", "--run-id", "one", *words)
    capsys.readouterr()

    call("runs", "show", "one")

    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["exit_code", "0"] in shown
    assert ["execution.stake_amount", "55", "command", "line"] in shown
    assert ["run.epochs", "7", "command", "line"] in shown
    assert ["timeframe", "5m", f"{config_file}:3"] in shown


def test_doctor_reports_a_variable_that_no_setting_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADAI_RUN_FLODER", "x")

    code = call("doctor")

    captured = capsys.readouterr()
    assert code == ExitCode.CONFIGURATION
    assert "TRADAI_RUN_FOLDER" in captured.err
    assert "tradai-core" in captured.out


def test_doctor_finds_no_problem_in_a_clean_environment(capsys: pytest.CaptureFixture[str]) -> None:
    code = call("doctor", "--json")

    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert {"backtest", "hyperopt", "train", "dry-run"} <= set(answer["handlers"])
    assert "file:" in answer["backends"]["tradai.stores"]


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "file:./mlruns", "databricks"])
def test_doctor_fails_a_tracking_server_that_we_do_not_speak_to(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    code = call("doctor", "--json")

    answer = json.loads(capsys.readouterr().out)
    assert code == ExitCode.CONFIGURATION
    assert {"resource": "tracking server", "found": "problem"} in answer["resources"]
    assert any("http" in problem for problem in answer["problems"])


def test_doctor_asks_the_tracking_server(
    tracker: MemoryTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    up = call("doctor", "--json")
    answer = json.loads(capsys.readouterr().out)
    tracker.refusal = ExternalServiceError("it is down", service="mlflow", operation="check")
    down = call("doctor")

    assert up == 0
    assert {"resource": "runs are tracked in memory", "found": "ok"} in answer["resources"]
    assert down == ExitCode.CONFIGURATION
    assert "problem: tracking server: it is down" in capsys.readouterr().err


class TradeSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_TRADE_")

    exchange: SecretReference | None = None
    bot: SecretReference | None = None


@pytest.fixture
def _references(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of an installed package that refer to two secrets, one of which is missing."""
    for command in ("doctor", "check"):
        monkeypatch.setattr(
            f"tradai.entrypoint._commands.{command}.settings_classes",
            lambda: {"trade": TradeSettings},
        )
    monkeypatch.setattr("tradai.entrypoint._commands.doctor.unknown_variable_problems", list)
    monkeypatch.setenv("TRADAI_TRADE_EXCHANGE", "env:FAKE_EXCHANGE")
    monkeypatch.setenv("FAKE_EXCHANGE", "fake-exchange-value")
    monkeypatch.setenv("TRADAI_TRADE_BOT", "env:FAKE_ABSENT")


@pytest.mark.usefixtures("_references")
def test_doctor_resolves_references_and_shows_no_value(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = call("doctor", "--json")
    answer = json.loads(capsys.readouterr().out)
    call("doctor")
    shown = capsys.readouterr()

    assert code == ExitCode.CONFIGURATION
    assert answer["secrets"] == [
        {"variable": "TRADAI_TRADE_EXCHANGE", "secret": "env:FAKE_EXCHANGE", "found": "ok"},
        {"variable": "TRADAI_TRADE_BOT", "secret": "env:FAKE_ABSENT", "found": "problem"},
    ]
    assert "TRADAI_TRADE_BOT: there is no secret env:FAKE_ABSENT" in shown.err
    assert "fake-exchange-value" not in f"{answer} {shown}"


@pytest.mark.usefixtures("_references")
def test_check_resolves_references_and_shows_no_value(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("check", config_file, "--mode", "backtest", "--json")

    out = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(out)["checks"]}
    assert code == ExitCode.DATA
    assert rows["env:FAKE_EXCHANGE"]["status"] == "ok"
    assert rows["env:FAKE_EXCHANGE"]["detail"] == "by TRADAI_TRADE_EXCHANGE"
    assert rows["env:FAKE_ABSENT"]["status"] == "fail"
    assert "fake-exchange-value" not in out


@pytest.mark.parametrize("mode", ["backtest", "train", "hyperopt"])
@pytest.mark.parametrize("flag", ["--api", "--ui"])
def test_an_interface_for_people_is_refused_where_no_bot_trades(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str, flag: str
) -> None:
    code = call("run", "strategy.yaml", "--mode", mode, flag, "--runs", str(tmp_path))

    assert code == ExitCode.CONFIGURATION
    assert f"{flag} has no effect in the mode {mode}: leave it out" in capsys.readouterr().err


def test_accepted_changes_are_refused_where_no_run_is_continued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("run", "strategy.yaml", "--mode", "dry-run", "--accept-changes")

    assert call(*words, "--runs", str(tmp_path)) == ExitCode.CONFIGURATION
    assert "--accept-changes has no effect without --continue" in capsys.readouterr().err


def test_the_variable_of_the_engine_interface_is_not_ignored_where_it_has_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADAI_RUN_ENGINE_API", "api")

    code = call("run", "strategy.yaml", "--mode", "backtest", "--runs", str(tmp_path))

    assert code == ExitCode.CONFIGURATION
    said = "TRADAI_RUN_ENGINE_API has no effect in the mode backtest: unset it"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sweep s.yaml --vary a=1 --limit 0", "--limit: '0' is not a whole number of 1 or more"),
        ("compare a.yaml b.yaml --limit -3", "--limit: '-3' is not a whole number of 1 or more"),
        ("analyse s.yaml --robust --limit 1.5", "'1.5' is not a whole number of 1 or more"),
        ("submit s.yaml --time-limit 0", "--time-limit: '0' is not a whole number of 1 or more"),
        ("jobs logs j --after -1", "--after: '-1' is not a whole number of 0 or more"),
        ("hyperopt list r --first 0", "--first: '0' is not a whole number of 1 or more"),
        ("hyperopt show r 0", "EPOCH: '0' is not a whole number of 1 or more"),
        ("run s.yaml --verify 1", "--verify: '1' is not a whole number of 2 or more"),
        ("resume --reason r --halt 0", "--halt: '0' is not a whole number of 1 or more"),
        ("runs prune --keep ٣", "--keep: '٣' is not a whole number of 0 or more"),
        ("runs prune --older-than 100001", "'100001' is not a whole number of 0 to 100,000"),
        ("data list candles --csv --json", "--json: not allowed with argument --csv"),
    ],
)
def test_a_number_that_makes_no_sense_is_a_usage_error(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call(*words.split())

    assert ended.value.code == ExitCode.USAGE
    assert said in capsys.readouterr().err
