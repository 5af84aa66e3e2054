from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import (
    EntrypointSettings,
    ExitCode,
    RunManifest,
    RunParameters,
    RunRequest,
    StrategyEntrypoint,
    TradingEntrypoint,
)


def settings(tmp_path: Path, mode: TradingMode, *, config: Path) -> EntrypointSettings:
    return EntrypointSettings(mode=mode, folder=tmp_path / "runs", id="run-1", config=str(config))


def manifest(tmp_path: Path) -> RunManifest:
    return RunManifest.read(tmp_path / "runs" / "run-1")


class Handler:
    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.entrypoint = entrypoint

    def run(self) -> int:
        return 0


@pytest.mark.parametrize(
    "content", ["", "name: x", "pairs: [", "name: demo\nversion: 1.0.0\ntimeframe: 5m\n"]
)
def test_live_without_a_valid_config_is_refused_at_once(tmp_path: Path, content: str) -> None:
    config = tmp_path / "live.yaml"
    config.write_text(content)

    code = TradingEntrypoint(settings(tmp_path, TradingMode.LIVE, config=config)).run()

    assert code == ExitCode.NOT_PERMITTED
    assert "Failed to load strategy config for LIVE trading" in str(manifest(tmp_path).verdict)


def test_live_refuses_an_unknown_key(tmp_path: Path, config_file: Path) -> None:
    config_file.write_text(config_file.read_text() + "stop_loss: -0.1\n")

    code = TradingEntrypoint(settings(tmp_path, TradingMode.LIVE, config=config_file)).run()

    assert code == ExitCode.NOT_PERMITTED
    assert "stop_loss" in str(manifest(tmp_path).verdict)


def test_live_refuses_a_variable_of_ours_that_nothing_reads(
    tmp_path: Path, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_RUN_MODDE", "live")

    code = TradingEntrypoint(settings(tmp_path, TradingMode.LIVE, config=config_file)).run()

    assert code == ExitCode.NOT_PERMITTED
    problem = "TRADAI_RUN_MODDE is set, but nothing reads it: did you mean TRADAI_RUN_MODE?"
    assert problem in str(manifest(tmp_path).verdict)


def test_live_is_refused_before_its_strategy_is_looked_for_in_a_store(
    tmp_path: Path, config_file: Path
) -> None:
    config_file.write_text(config_file.read_text().replace("strategies", "memory://nowhere/x/"))
    live = settings(tmp_path, TradingMode.LIVE, config=config_file)

    rows = {row.name: row for row in TradingEntrypoint(live).checks()}
    code = TradingEntrypoint(live).run()

    assert code == ExitCode.NOT_PERMITTED
    assert "LIVE trading is closed" in str(manifest(tmp_path).verdict)
    assert [name for name, row in rows.items() if row.exit_code] == ["permission"]


def test_live_with_a_valid_config_is_refused_where_money_moves(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.handlers.unregister(TradingMode.LIVE)
    registered.register_handler(TradingMode.LIVE)(Handler)

    code = TradingEntrypoint(settings(tmp_path, TradingMode.LIVE, config=config_file)).run()

    assert code == ExitCode.NOT_PERMITTED
    assert "closed at the exchange itself" in str(manifest(tmp_path).verdict)


def test_live_is_passed_on_to_its_handler_at_a_loopback_exchange(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.handlers.unregister(TradingMode.LIVE)
    registered.register_handler(TradingMode.LIVE)(Handler)
    request = RunRequest(overrides=("run.exchange_url=http://127.0.0.1:9",))
    live = settings(tmp_path, TradingMode.LIVE, config=config_file)

    assert TradingEntrypoint(live, request=request).run() == ExitCode.DONE


def test_dry_run_falls_back_to_a_configuration_that_cannot_order(
    tmp_path: Path, registered: type[StrategyEntrypoint]
) -> None:
    seen: list[object] = []

    @registered.register_handler(TradingMode.DRY_RUN)
    class Looking(Handler):
        def run(self) -> int:
            seen.append(self.entrypoint.context.config.execution.max_open_trades)
            return 0

    mode = settings(tmp_path, TradingMode.DRY_RUN, config=tmp_path / "absent.yaml")
    code = TradingEntrypoint(mode).run()

    assert code == 0
    assert seen == [0]
    assert manifest(tmp_path).is_fallback
    assert any("places no order" in notice for notice in manifest(tmp_path).notices)


def test_the_fallback_is_logged_in_one_line(
    tmp_path: Path, registered: type[StrategyEntrypoint], caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text("name: 5\nversion: 6\n")

    fall_back(tmp_path, registered, config=config)

    (text,) = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "could not be loaded: 3 problems; " in text
    assert "\n" not in text


LOOPBACK = "http://127.0.0.1:9"


def fall_back(
    tmp_path: Path,
    registered: type[StrategyEntrypoint],
    *,
    config: Path,
    overrides: tuple[str, ...] = (),
    patches: tuple[str, ...] = (),
    replay: RunManifest | None = None,
) -> tuple[int, RunParameters | None]:
    """Run a dry-run; return its exit code and the parameters that its handler saw."""
    seen: list[RunParameters] = []

    @registered.register_handler(TradingMode.DRY_RUN)
    class Looking(Handler):
        def run(self) -> int:
            seen.append(self.entrypoint.context.parameters)
            return 0

    request = RunRequest(
        overrides=overrides, patches=patches, replay=replay, replay_folder=replay and tmp_path
    )
    mode = settings(tmp_path, TradingMode.DRY_RUN, config=config)
    code = TradingEntrypoint(mode, request=request).run()
    return code, seen[0] if seen else None


@pytest.mark.parametrize("content", [None, "name: [", "name: demo\n"])
def test_the_fallback_keeps_run_parameters_of_the_command_line(
    tmp_path: Path, registered: type[StrategyEntrypoint], content: str | None
) -> None:
    config = tmp_path / "strategy.yaml"
    if content is not None:
        config.write_text(content)

    code, parameters = fall_back(
        tmp_path,
        registered,
        config=config,
        overrides=(f"run.exchange_url={LOOPBACK}", "run.stop_timeout_s=5"),
    )

    assert code == 0
    assert parameters == RunParameters(exchange_url=LOOPBACK, stop_timeout_s=5)
    assert manifest(tmp_path).is_fallback
    assert manifest(tmp_path).run_parameters == {"exchange_url": LOOPBACK, "stop_timeout_s": 5.0}


def test_the_fallback_keeps_run_parameters_of_files_and_variables(
    tmp_path: Path, registered: type[StrategyEntrypoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, patch = tmp_path / "strategy.yaml", tmp_path / "patch.yaml"
    config.write_text(f"name: demo\nrun: {{exchange_url: '{LOOPBACK}', epochs: 3}}\n")
    patch.write_text("run: {epochs: 4}\n")
    monkeypatch.setenv("TRADAI_STRATEGY__RUN__START_DEADLINE_S", "7")

    code, parameters = fall_back(tmp_path, registered, config=config, patches=(str(patch),))

    assert code == 0
    assert parameters == RunParameters(exchange_url=LOOPBACK, epochs=4, start_deadline_s=7)


@pytest.mark.parametrize(
    "override", ["run.exchange_url=https://api.binance.com", "run.exchang_url=http://127.0.0.1:9"]
)
def test_a_wrong_run_parameter_is_refused_in_the_fallback_too(
    tmp_path: Path, registered: type[StrategyEntrypoint], override: str
) -> None:
    code, parameters = fall_back(
        tmp_path, registered, config=tmp_path / "absent.yaml", overrides=(override,)
    )

    assert code == ExitCode.CONFIGURATION
    assert parameters is None


def test_a_repeated_fallback_is_one_again(
    tmp_path: Path, registered: type[StrategyEntrypoint]
) -> None:
    fall_back(tmp_path, registered, config=tmp_path / "absent.yaml")
    first = manifest(tmp_path)
    registered.handlers.unregister(TradingMode.DRY_RUN)
    (tmp_path / "runs").rename(tmp_path / "before")

    code, _ = fall_back(tmp_path, registered, config=tmp_path / "absent.yaml", replay=first)

    assert code == 0
    assert manifest(tmp_path).is_fallback
    assert manifest(tmp_path).replay_of == "run-1"


@pytest.mark.parametrize("interface", ["api", "ui"])
def test_live_does_not_open_the_interface_of_the_engine(
    tmp_path: Path, config_file: Path, interface: str
) -> None:
    asked = settings(tmp_path, TradingMode.LIVE, config=config_file).model_copy(
        update={"engine_api": interface}
    )

    code = TradingEntrypoint(asked).run()

    assert code == ExitCode.CONFIGURATION
    assert "leave --api and --ui out" in str(manifest(tmp_path).verdict)
