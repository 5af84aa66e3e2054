from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import (
    EntrypointSettings,
    ExitCode,
    RunManifest,
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


def test_live_with_a_valid_config_is_refused_because_it_is_closed(
    tmp_path: Path, config_file: Path, registered: type[StrategyEntrypoint]
) -> None:
    registered.register_handler(TradingMode.LIVE)(Handler)

    code = TradingEntrypoint(settings(tmp_path, TradingMode.LIVE, config=config_file)).run()

    assert code == ExitCode.NOT_PERMITTED
    assert "closed" in str(manifest(tmp_path).verdict)


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
