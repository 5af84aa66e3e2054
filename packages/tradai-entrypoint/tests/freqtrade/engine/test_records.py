import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tradai.core import register_secret
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.records import EngineRecord, RecordPipe

# Logs as the engine does, to the pipe and to standard error.
LOGGING = """
import json, logging, logging.config, sys
config = json.load(sys.stdin)["log_config"]
config["handlers"]["console"] = {"class": "logging.StreamHandler", "formatter": "basic"}
logging.config.dictConfig(config)
worker = logging.getLogger("freqtrade.worker")
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[RecordPipe]:
    """An open pipe; code below ``scratch`` is the strategy."""
    with RecordPipe(tmp_path, strategy=tmp_path / "scratch") as opened:
        yield opened


@pytest.fixture
def logged(pipe: RecordPipe, tmp_path: Path) -> Callable[[str], list[EngineRecord]]:
    """Run a program that logs, and return the records that arrive."""

    def run(program: str, *, path: str = "engine.py") -> list[EngineRecord]:
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(LOGGING + dedent(program))
        config = json.dumps(pipe.sections()).encode()
        subprocess.run([sys.executable, file], input=config, check=True, timeout=60)
        found = []
        while (records := pipe.read()) is not None:
            found += records
        return found

    return run


def test_a_record_arrives_with_its_logger_level_and_text(
    logged: Callable[[str], list[EngineRecord]],
) -> None:
    records = logged("worker.info('Changing state to: %s', 'RUNNING')")

    text = "Changing state to: RUNNING"
    assert records == [EngineRecord(logger="freqtrade.worker", level="INFO", text=text)]


def test_an_exception_arrives_with_its_traceback_and_class(
    logged: Callable[[str], list[EngineRecord]],
) -> None:
    (record,) = logged("""
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            worker.exception("Fatal exception!")
    """)

    assert record.raised.startswith("(<class 'OSError'>, OSError(28, 'No space left on device')")
    assert record.text.startswith("Fatal exception!\nTraceback (most recent call last):\n")
    assert record.text.endswith("\nOSError: [Errno 28] No space left on device")


def test_a_print_does_not_arrive(logged: Callable[[str], list[EngineRecord]]) -> None:
    assert logged("print('freqtrade\\nERROR\\n/x\\nNone\\nFatal exception!', flush=True)") == []


def test_a_text_that_looks_like_a_record_stays_in_its_own(
    logged: Callable[[str], list[EngineRecord]],
) -> None:
    records = logged("worker.info('one\\n\\nfreqtrade\\nERROR\\n/x\\nNone\\nFatal exception!\\n')")

    assert [record.logger for record in records] == ["freqtrade.worker"]
    assert records[0].text.startswith("one\n\nfreqtrade\nERROR")


@pytest.mark.parametrize(("path", "count"), [("engine.py", 1), ("scratch/demo.py", 0)])
def test_a_strategy_that_uses_a_logger_of_the_engine_is_not_the_engine(
    logged: Callable[..., list[EngineRecord]], path: str, count: int
) -> None:
    assert len(logged("worker.error('Fatal exception!')", path=path)) == count


@pytest.mark.parametrize(
    "change",
    [
        "logging.root.handlers.clear()",
        "logging.basicConfig(level=logging.INFO, force=True)",
        "logging.root.setLevel(logging.CRITICAL)",
        "logging.getLogger('freqtrade').setLevel(logging.CRITICAL)",
    ],
)
def test_a_strategy_that_sets_up_logging_anew_hides_no_error(
    logged: Callable[[str], list[EngineRecord]], change: str
) -> None:
    program = "logging.getLogger('freqtrade.strategy.strategy_wrapper').warning('it raised')"

    assert [record.text for record in logged(f"{change}\n{program}")] == ["it raised"]


def test_code_without_a_file_is_not_the_engine(
    logged: Callable[[str], list[EngineRecord]],
) -> None:
    assert logged("exec('worker.error(1)')") == []


def test_memory_stays_bounded_and_the_ends_of_a_long_record_are_kept(
    logged: Callable[[str], list[EngineRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "tradai.entrypoint.freqtrade._engine.records"
    for name, size in (("_CHUNK_BYTES", 512), ("_HEAD_BYTES", 2048), ("_TAIL_BYTES", 512)):
        monkeypatch.setattr(f"{module}.{name}", size)

    (record,) = logged("worker.error('begins' + 50_000 * 'x' + 'ends')")

    assert record.logger == "freqtrade.worker"
    assert (record.text[:6], record.text[-4:]) == ("begins", "ends")
    assert len(record.text) < 4096


def test_secrets_are_redacted(logged: Callable[[str], list[EngineRecord]]) -> None:
    register_secret("obviously-fake-secret-3")

    (record,) = logged("worker.error('key obviously-fake-secret-3 is short')")

    assert "obviously-fake" not in record.text


def test_secrets_where_a_long_record_is_cut_are_redacted(
    logged: Callable[[str], list[EngineRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    register_secret("obviously-fake-secret-4")
    module = "tradai.entrypoint.freqtrade._engine.records"
    for name, size in (("_CHUNK_BYTES", 500), ("_HEAD_BYTES", 2048), ("_TAIL_BYTES", 512)):
        monkeypatch.setattr(f"{module}.{name}", size)

    (record,) = logged("worker.error(2_000 * 'obviously-fake-secret-4 ')")

    # Where the text is cut, the masks of two secrets may touch.
    assert set(record.text) == {"*", " "}


def test_the_pipe_leaves_nothing_behind(tmp_path: Path) -> None:
    with RecordPipe(tmp_path, strategy=tmp_path):
        assert list(tmp_path.iterdir()) == [tmp_path / "records"]

    assert list(tmp_path.iterdir()) == []


def test_the_records_of_an_engine_arrive_while_it_runs_and_after_its_end(
    pipe: RecordPipe, interrupts: Interrupts, tmp_path: Path
) -> None:
    heard: list[str] = []
    program = """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        worker.info("first")
        signal.sigwait({signal.SIGTERM})
        worker.info("last")
    """
    file = tmp_path / "engine.py"
    file.write_text(LOGGING + dedent(program))
    with EngineProcess(
        [sys.executable, str(file)],
        stdin=json.dumps(pipe.sections()).encode(),
        environ={},
        folder=tmp_path,
        log_file=tmp_path / "engine.log",
        on_line=lambda _: None,
        records=pipe,
        on_record=lambda record: heard.append(record.text),
    ) as engine:
        engine.follow(interrupts, until=lambda: bool(heard))
        assert heard == ["first"]
        engine.stop(interrupts, grace_s=60)

    assert heard == ["first", "last"]
