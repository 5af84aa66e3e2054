"""Files that are no files, and signals while a run is prepared: each run ends, with a reason."""

import os
import select
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tradai.core import FileKind, TradingMode
from tradai.core.exceptions import ValidationError
from tradai.entrypoint import ExitCode
from tradai.entrypoint.freqtrade import MarketsSnapshot

BACKTEST = TradingMode.BACKTEST
ROOM = "tradai.entrypoint.freqtrade._preparation.prepare"

Run = Callable[..., Any]


@pytest.fixture
def candles(candles: Path, tmp_path: Path) -> Path:
    """Candles and rules of this test alone."""
    return Path(shutil.copytree(candles, tmp_path / "candles"))


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.usefixtures("stage_in_child")
@pytest.mark.parametrize("what", ["a named pipe", "a socket", "a device"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("strategy.yaml", ExitCode.DATA),
        ("patch.yaml", ExitCode.DATA),
        ("strategies/wave_rider.py", ExitCode.CONFIGURATION),
        ("strategies/x.py", ExitCode.CONFIGURATION),
        ("candles/markets.json", ExitCode.DATA),
        ("candles/dataset.json", ExitCode.DATA),
        ("candles/BTC_USDT-5m.parquet", ExitCode.DATA),
    ],
)
def test_what_is_no_regular_file_ends_the_run_with_its_name(
    run: Run, tmp_path: Path, sockets: ExitStack, name: str, code: ExitCode, what: str
) -> None:
    (tmp_path / "patch.yaml").write_text("execution: {stake_amount: 90}\n")
    path = tmp_path / name
    path.unlink(missing_ok=True)
    if what == "a named pipe":
        os.mkfifo(path)
    elif what == "a device":
        path.symlink_to("/dev/zero")
    else:
        before = Path.cwd()
        # The path of a socket has some 100 bytes.
        os.chdir(path.parent)
        sockets.enter_context(socket.socket(socket.AF_UNIX)).bind(path.name)
        os.chdir(before)

    done = run(BACKTEST, patches=(str(tmp_path / "patch.yaml"),))

    assert done.code == code
    assert str(path) in done.verdict
    # Some files may not be links out of their folder anyway.
    is_link_out = "is a link to /dev/zero" in done.verdict or "a link takes " in done.verdict
    assert what in done.verdict or (what == "a device" and is_link_out)
    assert done.given is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("strategy.yaml", FileKind.CONFIGURATION),
        ("candles/markets.json", FileKind.MARKET_RULES),
        ("candles/BTC_USDT-5m.parquet", FileKind.CANDLES),
    ],
)
def test_a_file_beyond_its_limit_ends_the_run_with_its_size(
    run: Run, candles: Path, tmp_path: Path, name: str, kind: FileKind
) -> None:
    assert candles.is_dir()
    assert kind.largest is not None
    os.truncate(tmp_path / name, kind.largest + 1)

    done = run(BACKTEST)

    assert done.code == ExitCode.DATA
    assert f"it has {kind.largest + 1} bytes" in done.verdict


def test_market_rules_in_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "markets.json")

    with pytest.raises(ValidationError, match=r"market rules .* it is a named pipe") as caught:
        MarketsSnapshot.load(tmp_path / "markets.json")

    assert caught.value.expected == FileKind.MARKET_RULES.expected


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGINT, ExitCode.INTERRUPTED)],
)
@pytest.mark.parametrize(
    "stage",
    [
        f"{ROOM}.inspect_source",
        f"{ROOM}.render_plan",
        f"{ROOM}.MarketsSnapshot.load",
        f"{ROOM}.dataset_notices",
        f"{ROOM}.EngineJob._prepare_scratch",
    ],
)
def test_a_signal_is_obeyed_at_every_stage_of_the_preparation(
    run: Run, monkeypatch: pytest.MonkeyPatch, stage: str, number: signal.Signals, code: ExitCode
) -> None:
    def hang(*_: object, **__: object) -> NoReturn:
        os.kill(os.getpid(), number)
        # As a disk that does not answer would: the wait goes on after a signal that is not raised.
        select.select([], [], [], 60)
        pytest.fail("the signal was not obeyed")

    monkeypatch.setattr(stage, hang)

    done = run(BACKTEST)

    assert done.code == code
    assert done.given is None
