"""Compare the manifest and the ``--json`` of each command with golden files.

Other programs parse these, so a change of their shape is a decision. After one, write the files
anew: ``RENEW_GOLDEN=1 uv run --frozen pytest --no-cov PATH-OF-THIS-FILE``, and commit them.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode, Interrupts, RunManifest
from tradai.entrypoint._cli import run_command

HERE: Final = Path(__file__).resolve().parent
GOLDEN: Final = HERE / "golden"
# A run folder as release 0.1.0 leaves it; its digests are those of the candles and strategy here.
OLDER: Final = HERE / "older_runs"
RENEWAL: Final = "RENEW_GOLDEN=1 uv run --frozen pytest --no-cov " + "/".join(
    Path(__file__).parts[-6:]
)

Call = Callable[..., Any]
Hold = Callable[[str, object], None]


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def hold(name: str, value: object, *, folder: Path = GOLDEN) -> None:
    """Hold `value` to the golden file of that name, or write the file where that is asked for."""
    file = folder / f"{name}.json"
    text = json.dumps(value, indent=2) + "\n"
    if os.environ.get("RENEW_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    if not file.exists() or json.loads(file.read_text()) != json.loads(text):
        pytest.fail(
            f"what machines read is not what {file.name} says: undo the change, or, if it is "
            f"meant, note it in CHANGELOG.md and write the file anew: {RENEWAL}\n{text}"
        )


@pytest.fixture
def masked(tmp_path: Path, candles: Path) -> Callable[[str], Any]:
    """Read JSON with everything masked that differs between machines, days and versions."""
    masks = {
        re.escape(str(candles)): "CANDLES",
        re.escape(str(tmp_path)): "TMP",
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z": "INSTANT",
        r'("(?:python|tradai-core|tradai-entrypoint)": )"[^"]*"': r'\1"VERSION"',
        # A handler's module is private.
        r"tradai\.entrypoint\.[\w.]*\.(\w+Handler)": r"\1",
    }

    # JSON is any value there is.
    def mask(text: str) -> Any:  # noqa: ANN401
        for pattern, name in masks.items():
            text = re.sub(pattern, name, text)
        return json.loads(text)

    return mask


@pytest.fixture
def call(
    strategy: Path,
    candles: Path,
    tmp_path: Path,
    install: Callable[..., object],
    masked: Callable[[str], Any],
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """Run a command with ``--json`` and return its code and masked answer."""
    words = {"CONFIG": str(strategy), "CANDLES": str(candles), "OLDER": str(OLDER)}
    install()

    def run(*arguments: str) -> tuple[int, Any]:
        argv = [words.get(word, word) for word in arguments]
        if argv[0] != "doctor" and "--runs" not in argv:
            argv += ["--runs", str(tmp_path / "runs")]
        code = run_command([*argv, "--json"], interrupts=Interrupts())
        return code, masked(capsys.readouterr().out)

    return run


def shape(value: object) -> object:
    """Return `value` with the types of its leaves, and one element of each list."""
    if isinstance(value, Mapping):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def without_words(schema: object) -> object:
    """Return a JSON schema without its titles and descriptions."""
    if isinstance(schema, dict):
        return {
            name: without_words(inner)
            for name, inner in schema.items()
            if not (name in {"title", "description"} and isinstance(inner, str))
        }
    return [without_words(inner) for inner in schema] if isinstance(schema, list) else schema


def test_the_schema_of_the_manifest() -> None:
    hold("manifest-schema", without_words(RunManifest.model_json_schema()))


def test_the_manifest_of_a_backtest(run: Callable[..., Any], masked: Callable[[str], Any]) -> None:
    done = run(TradingMode.BACKTEST, clock=Noon())

    hold("manifest", masked((done.folder / "manifest.json").read_text()))


def test_the_manifest_of_a_refused_run(
    run: Callable[..., Any], masked: Callable[[str], Any]
) -> None:
    done = run(TradingMode.BACKTEST, "timeframe=0m", clock=Noon())

    hold("manifest-refused", masked((done.folder / "manifest.json").read_text()))


def test_run(call: Call) -> None:
    code, answer = call(
        "run", "CONFIG", "--mode", "backtest", "--data", "CANDLES", "--run-id", "one"
    )

    assert code == ExitCode.DONE
    hold("run", answer)


def test_check(call: Call) -> None:
    code, answer = call(*("check", "CONFIG", "--mode", "backtest", "--data", "CANDLES", "--plan"))

    assert code == ExitCode.DONE
    hold("check", answer)


def test_check_of_what_cannot_run(call: Call) -> None:
    code, answer = call("check", "CONFIG", "pairs=[]", "--mode", "backtest", "--data", "CANDLES")

    assert code == ExitCode.CONFIGURATION
    hold("check-failed", answer)


def test_check_of_candles_that_fall_short_warns_once(call: Call) -> None:
    words = ("--mode", "backtest", "--data", "CANDLES", "--timerange", "20241201-20250102")

    code, answer = call("check", "CONFIG", *words)

    rows = {row["name"]: row for row in answer["checks"]}
    assert code == ExitCode.DONE
    assert rows["candles"]["status"] == "warn"
    series = "each of BTC/USDT@5m, ETH/USDT@5m and XRP/USDT@5m"
    assert f"{series} starts at 2024-12-30 00:00" in rows["candles"]["detail"]
    assert str(answer).count("starts at") == 1


def test_check_of_a_dry_run_warns_of_what_it_ignores(call: Call) -> None:
    code, answer = call("check", "CONFIG", "colour=red", "--mode", "dry-run")

    assert code == ExitCode.DONE
    assert [row["name"] for row in answer["checks"]][-3:] == ["notice", "run folder", "bias"]
    assert "colour" in str(answer["checks"][-3])


def test_doctor(call: Call) -> None:
    code, answer = call("doctor")

    assert code == ExitCode.DONE
    hold("doctor", shape(answer))


def test_older_runs_are_listed(call: Call) -> None:
    code, answer = call("runs", "list", "--all", "--runs", "OLDER")

    assert code == ExitCode.DONE
    hold("runs-list", answer)


def test_an_older_run_is_shown(call: Call, masked: Callable[[str], Any]) -> None:
    code, answer = call("runs", "show", "done", "--runs", "OLDER")

    assert code == ExitCode.DONE
    hold("runs-show", answer)
    assert answer == masked((OLDER / "done" / "manifest.json").read_text())


def test_an_older_run_is_compared(call: Call) -> None:
    code, answer = call("runs", "diff", "done", "refused", "--runs", "OLDER")

    assert code == ExitCode.DONE
    hold("runs-diff", answer)


def test_an_older_run_is_repeated_exactly(call: Call) -> None:
    # Rules that are made now have other filters, and so another digest.
    rules = ("--markets", str(OLDER / "markets.json"))

    code, answer = call("run", "--from", str(OLDER / "done"), "--data", "CANDLES", *rules)

    older = RunManifest.read(OLDER / "done")
    assert code == ExitCode.DONE
    assert answer["digests"] == older.digests
    assert answer["results"] == older.results


def test_a_change_of_shape_says_how_to_write_the_golden_file_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RENEW_GOLDEN", raising=False)
    (tmp_path / "answer.json").write_text('{"runs": 1}')

    hold("answer", {"runs": 1}, folder=tmp_path)
    with pytest.raises(pytest.fail.Exception, match=r"RENEW_GOLDEN=1 uv run .*test_golden"):
        hold("answer", {"runs": 1, "more": 2}, folder=tmp_path)
    with pytest.raises(pytest.fail.Exception, match="RENEW_GOLDEN=1"):
        hold("absent", {}, folder=tmp_path)
