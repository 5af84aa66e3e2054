"""Candles are staged for the engine by a child process, and every series is accounted for."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tradai.core import OpenTimeRange, TimeRange
from tradai.core.exceptions import (
    ConfigurationError,
    NotFoundError,
    StorageError,
    TradAIError,
    TradingError,
    ValidationError,
)
from tradai.core.frames import FlatDataRepository, columns_of
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint.freqtrade._candles.staged_data import (
    NeededSeries,
    StagedData,
    StagingRequest,
)
from tradai.entrypoint.freqtrade._candles.staging import stage_data
from tradai.entrypoint.freqtrade._candles.staging_child import (
    candles_digest,
    error_answer,
    stage_series,
)

if TYPE_CHECKING:
    import pandas as pd

START = datetime(2025, 1, 1, tzinfo=UTC)


def candles(count: int, *, timeframe: str = "5min", start: datetime = START) -> "pd.DataFrame":
    import pandas as pd

    opened = pd.date_range(start, periods=count, freq=timeframe, unit="ms", name="date")
    prices = [100 + n % 7 + n / 64 for n in range(count)]
    columns = ("open", "high", "low", "close", "volume")
    return pd.DataFrame(dict.fromkeys(columns, prices), index=opened)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "candles"
    repository = FlatDataRepository(folder)
    repository.save_ohlcv("BTC/USDT", "5m", candles(288))
    repository.save_ohlcv("ETH/USDT", "5m", candles(288))
    repository.save_ohlcv("BTC/USDT", "1h", candles(24, timeframe="1h"))
    return folder


def series(
    pair: str = "BTC/USDT", timeframe: str = "5m", *, warmup: int = 10, is_traded: bool = True
) -> NeededSeries:
    return NeededSeries(pair=pair, timeframe=timeframe, warmup=warmup, is_traded=is_traded)


def request(
    data: Path, *needed: NeededSeries, hours: tuple[float, float] | None = None
) -> StagingRequest:
    ends = [START + timedelta(hours=hour) for hour in hours or ()]
    timerange = TimeRange(start=ends[0], stop=ends[1]) if ends else None
    folder = data.parent / "staged"
    return StagingRequest(data=str(data), folder=folder, series=needed, timerange=timerange)


def test_a_range_is_staged_with_its_warm_up_and_without_its_stop(data: Path) -> None:
    staged = stage_series(request(data, series(), series(timeframe="1h", warmup=2), hours=(6, 12)))

    five, hour = staged.series
    assert (five.rows, five.first) == (82, START + timedelta(hours=6, minutes=-50))
    assert five.last == START + timedelta(hours=11, minutes=55)
    assert (hour.first, hour.rows) == (START + timedelta(hours=4), 8)
    written = FlatDataRepository(data.parent / "staged", file_format="feather")
    assert written.get_ohlcv("BTC/USDT", "5m").index[0] == five.first
    assert sorted(path.name for path in (data.parent / "staged").iterdir()) == [
        "BTC_USDT-1h.feather",
        "BTC_USDT-5m.feather",
    ]


def test_without_a_range_everything_is_traded_on_after_the_warm_up(data: Path) -> None:
    staged = stage_series(request(data, series(), series(timeframe="1h", is_traded=False)))

    assert staged.timerange == TimeRange(
        start=START + timedelta(minutes=50), stop=START + timedelta(days=1)
    )


@pytest.mark.parametrize(
    ("timerange", "settled", "first", "last"),
    [
        (OpenTimeRange(start=START + timedelta(hours=6)), (6, 24), 310, 1435),
        (OpenTimeRange(stop=START + timedelta(hours=6)), (50 / 60, 6), 0, 355),
    ],
)
def test_an_open_end_is_that_of_the_candles(
    data: Path,
    timerange: OpenTimeRange,
    settled: tuple[float, float],
    first: int,
    last: int,
) -> None:
    wanted = replace(request(data, series()), timerange=timerange)

    staged = stage_series(StagingRequest.from_json(wanted.to_json()))

    start, stop = (START + timedelta(hours=hours) for hours in settled)
    (five,) = staged.series
    assert staged.timerange == TimeRange(start=start, stop=stop)
    assert (five.first, five.last) == (
        START + timedelta(minutes=first),
        START + timedelta(minutes=last),
    )
    assert staged.notices(wanted.series) == ()


def test_an_open_range_after_the_last_candle_is_refused(data: Path) -> None:
    timerange = OpenTimeRange(start=START + timedelta(days=1))
    wanted = replace(request(data, series()), timerange=timerange)

    with pytest.raises(NotFoundError, match="no candles from 2025-01-02 00:00 on: the last one"):
        stage_series(wanted)


def test_too_few_candles_to_trade_on_are_refused(data: Path) -> None:
    with pytest.raises(ValidationError, match="288 candles and the strategy needs 288"):
        stage_series(request(data, series(warmup=288)))


def test_a_range_whose_candles_are_all_warm_up_is_refused(data: Path) -> None:
    with pytest.raises(ValidationError, match="there are 24 candles and the strategy needs 24"):
        stage_series(request(data, series(warmup=24), hours=(1, 2)))
    stage_series(request(data, series(warmup=24), hours=(1, 2 + 1 / 12)))


def test_one_pair_with_candles_to_trade_on_is_enough(data: Path) -> None:
    FlatDataRepository(data).save_ohlcv("XRP/USDT", "5m", candles(20))

    stage_series(request(data, series("XRP/USDT", warmup=24), series(warmup=24), hours=(1, 3)))


def test_a_range_after_the_last_candle_is_refused_though_there_are_candles_before_it(
    data: Path,
) -> None:
    with pytest.raises(NotFoundError, match="no candles from 2025-01-02 00:00 on: the last one"):
        stage_series(request(data, series(), hours=(24, 30)))


def test_every_missing_series_is_named_and_nothing_is_written(data: Path) -> None:
    wanted = (series(), series("SOL/USDT"), series("ADA/USDT", "1h"))

    with pytest.raises(NotFoundError, match="SOL/USDT@5m, ADA/USDT@1h") as caught:
        stage_series(request(data, *wanted))

    assert caught.value.key == "SOL/USDT@5m"
    assert not (data.parent / "staged").exists()


def test_missing_candles_that_can_be_made_of_shorter_ones_are_answered_with_the_command(
    data: Path,
) -> None:
    command = f"`tradai-entrypoint data convert {data} {data} --from 5m --timeframe 1h` makes them"
    with pytest.raises(NotFoundError) as caught:
        stage_series(request(data, series("ETH/USDT", "1h")))
    fetched = replace(request(data, series("ETH/USDT", "1h")), shown="s3://bucket/candles")
    with pytest.raises(NotFoundError) as elsewhere:
        stage_series(fetched)
    with pytest.raises(NotFoundError) as too_short:
        stage_series(request(data, series("ETH/USDT", "3m")))

    assert f"; {command}" in str(caught.value)
    assert "convert" not in f"{elsewhere.value}{too_short.value}"
    assert str(too_short.value).endswith("; of ETH/USDT there are candles of 5m")


@pytest.fixture
def months(data: Path) -> Path:
    """The candles, and those of every month from 2023 on."""
    start = datetime(2023, 1, 1, tzinfo=UTC)
    FlatDataRepository(data).save_ohlcv("BTC/USDT", "1M", candles(24, timeframe="MS", start=start))
    return data


def test_candles_of_months_are_staged_with_a_warm_up_that_is_long_enough(months: Path) -> None:
    needed = (series(), series(timeframe="1M", warmup=13, is_traded=False))

    staged = stage_series(request(months, *needed, hours=(1, 24)))

    # Thirteen months before 2025 begin with December 2023; of 31 days each, with November.
    assert f"{staged.series[1].first:%Y-%m}" == "2023-12"
    assert staged.notices(needed) == ()


def test_candles_of_months_are_no_shorter_ones(months: Path) -> None:
    with pytest.raises(NotFoundError, match="--from 1h --timeframe 2h`"):
        stage_series(request(months, series("BTC/USDT", "2h")))


def test_missing_candles_of_months_can_be_made_of_those_of_hours(data: Path) -> None:
    with pytest.raises(NotFoundError, match="--from 1h --timeframe 1M` makes them"):
        stage_series(request(data, series("BTC/USDT", "1M", is_traded=False)))


def test_a_range_outside_the_candles_is_answered_with_what_is_there(data: Path) -> None:
    with pytest.raises(NotFoundError, match="there are 2025-01-01 to 2025-01-01"):
        stage_series(request(data, series(), hours=(100, 200)))


@pytest.mark.parametrize(
    ("is_traded", "kind", "named"),
    [
        (False, "spot", True),
        (False, "futures", True),
        (True, "spot", False),
        (False, "mark", False),
    ],
)
def test_a_missing_series_that_is_only_read_names_the_setting_to_go_without_it(
    data: Path, *, is_traded: bool, kind: str, named: bool
) -> None:
    missing = NeededSeries(
        pair="SOL/USDT", timeframe="1h", warmup=1, is_traded=is_traded, kind=kind
    )

    with pytest.raises(NotFoundError) as caught:
        stage_series(request(data, missing))

    assert ("name it in run.without" in str(caught.value)) is named


@pytest.mark.parametrize(
    ("is_traded", "is_detail", "asking"),
    [
        (True, False, "(pairs)"),
        (False, False, "(pairs, run.informative, @informative)"),
        (False, True, "(pairs, parameters.timeframe_detail)"),
    ],
)
def test_a_missing_series_names_what_asks_for_it(
    data: Path, *, is_traded: bool, is_detail: bool, asking: str
) -> None:
    missing = replace(series("SOL/USDT", "1m", is_traded=is_traded), is_detail=is_detail)

    with pytest.raises(NotFoundError) as caught:
        stage_series(request(data, missing))

    assert f"drop what asks for them {asking}" in str(caught.value)
    assert ("run.without" in str(caught.value)) is ("informative" in asking)


def test_gaps_are_reported_in_a_sentence(data: Path) -> None:
    whole = candles(288)
    frame = whole.drop(whole.index[100:103]).drop(whole.index[200])
    FlatDataRepository(data).save_ohlcv("BTC/USDT", "5m", frame)
    wanted = request(data, series(), hours=(1, 24))

    (notice,) = stage_series(wanted).notices(wanted.series)

    assert notice == (
        "BTC/USDT@5m lacks 4 candles in 2 gaps, the longest 3 from 2025-01-01 08:20: "
        "the engine fills them with flat candles"
    )


def test_short_coverage_is_reported_in_sentences(data: Path) -> None:
    wanted = request(data, series(), hours=(0.5, 30))

    late, early = stage_series(wanted).notices(wanted.series)

    assert late == (
        "BTC/USDT@5m starts at 2025-01-01 00:00, 4 candles after 2024-12-31 23:40: "
        "the strategy starts later or less warmed up"
    )
    assert early == "BTC/USDT@5m ends at 2025-01-01 23:55, 72 candles early"


def test_series_that_fall_short_in_the_same_way_share_a_sentence(data: Path) -> None:
    FlatDataRepository(data).save_ohlcv("ADA/USDT", "5m", candles(288))
    wanted = request(
        data, series(), series("ADA/USDT"), series("ETH/USDT", warmup=4), hours=(0, 24)
    )

    btc_and_ada, eth = stage_series(wanted).notices(wanted.series)

    assert btc_and_ada.startswith("each of BTC/USDT@5m and ADA/USDT@5m starts at 2025-01-01 00:00")
    assert eth.startswith("ETH/USDT@5m starts at 2025-01-01 00:00, 4 candles after")


def test_one_missing_candle_is_named_in_the_singular(data: Path) -> None:
    wanted = request(data, series(), hours=(1, 24 + 5 / 60))

    (early,) = stage_series(wanted).notices(wanted.series)

    assert early == "BTC/USDT@5m ends at 2025-01-01 23:55, 1 candle early"


def test_complete_candles_need_no_notice(data: Path) -> None:
    wanted = request(data, series(), hours=(1, 24))

    assert stage_series(wanted).notices(wanted.series) == ()


def frame_digest(frame: "pd.DataFrame") -> str:
    return candles_digest(columns_of(frame))


def test_the_digest_of_a_frame_is_of_the_values_alone() -> None:
    frame = candles(50)
    other_unit = frame.set_axis(frame.index.astype("datetime64[ns, UTC]"))
    other_order = frame[["volume", "close", "low", "high", "open"]]

    assert len({frame_digest(one) for one in (frame, other_unit, other_order)}) == 1


def test_a_negative_zero_is_a_zero_to_the_digest_of_a_frame() -> None:
    frame = candles(2)

    assert frame_digest(frame.assign(volume=0.0)) == frame_digest(frame.assign(volume=-0.0))


def test_one_tick_in_one_candle_changes_the_digest_of_a_frame() -> None:
    frame, later = candles(50), candles(50, start=START + timedelta(minutes=5))
    moved = frame.copy()
    moved.loc[moved.index[25], "low"] += 0.01

    assert len({frame_digest(frame), frame_digest(moved), frame_digest(later)}) == 3


def test_the_digest_of_the_data_depends_on_neither_format_nor_order(data: Path) -> None:
    feather = data.parent / "feather"
    for pair in ("BTC/USDT", "ETH/USDT"):
        frame = FlatDataRepository(data).get_ohlcv(pair, "5m")
        FlatDataRepository(feather, file_format="feather").save_ohlcv(pair, "5m", frame)

    one = stage_series(request(data, series(), series("ETH/USDT")))
    two = stage_series(request(feather, series("ETH/USDT"), series()))

    assert one.digest == two.digest
    assert one.digest != stage_series(request(data, series())).digest


def test_request_and_answer_survive_json(data: Path) -> None:
    asked = request(data, series(), hours=(1, 2))
    answer = stage_series(asked)

    assert StagingRequest.from_json(asked.to_json()) == asked
    assert StagedData.from_values(json.loads(answer.to_json())) == answer


def test_the_child_stages_the_requested_series(data: Path) -> None:
    asked = request(data, series(), series("ETH/USDT"), series(timeframe="1h", is_traded=False))

    staged = stage_data(asked, interrupts=Interrupts())

    assert staged == stage_series(asked)
    assert [each.rows for each in staged.series] == [288, 288, 24]


def test_the_child_imports_neither_pandas_nor_pydantic(data: Path) -> None:
    asked = request(data, series(), series(timeframe="1h", is_traded=False))
    program = f"""
import sys
from pathlib import Path
from tradai.entrypoint.freqtrade._candles.staged_data import StagingRequest
from tradai.entrypoint.freqtrade._candles.staging_child import stage_series
stage_series(StagingRequest.from_json({asked.to_json()!r}))
sys.exit("pandas" in sys.modules or "pydantic" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert done.returncode == 0
    assert (data.parent / "staged" / "BTC_USDT-5m.feather").exists()


def test_the_child_s_refusal_is_raised_here(data: Path) -> None:
    asked = replace(request(data, series()), data="nowhere:candles")

    with pytest.raises(ConfigurationError, match="backend"):
        stage_data(asked, interrupts=Interrupts())


def test_a_broken_file_is_named(data: Path) -> None:
    (data / "BTC_USDT-5m.parquet").write_bytes(b"not a candle in sight")

    with pytest.raises(ValidationError, match=r"BTC_USDT-5m\.parquet"):
        stage_series(request(data, series()))


def child(program: str) -> list[str]:
    """Return a small program to run in the child's place, to see how its failures are reported."""
    return [sys.executable, "-I", "-S", "-c", program]


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("gone", kind="candles", key="BTC/USDT@5m"),
        ValidationError("bad", field="frame", expected="better"),
        ConfigurationError("wrong", key="data", source="somewhere"),
        StorageError("full", operation="write", retryable=True),
    ],
)
def test_errors_of_the_child_keep_their_fields(data: Path, error: TradAIError) -> None:
    fields = dict(vars(error))
    error.add_note("a note stays behind")
    program = f"import sys; sys.stdout.buffer.write({error_answer(error)!r})"

    with pytest.raises(type(error), match=str(error)) as caught:
        stage_data(request(data, series()), interrupts=Interrupts(), command=child(program))

    assert vars(caught.value) == fields


@pytest.mark.parametrize(("place", "is_said"), [("{}", True), ("arctic:lmdb://{}", False)])
def test_candles_that_are_not_usable_are_sent_to_the_commands_for_folders(
    data: Path, place: str, *, is_said: bool
) -> None:
    asked = replace(request(data, series()), data=place.format(data))
    error = ValidationError("the dates do not rise", field="frame")
    program = f"import sys; sys.stdout.buffer.write({error_answer(error)!r})"

    with pytest.raises(ValidationError, match="the dates do not rise") as caught:
        stage_data(asked, interrupts=Interrupts(), command=child(program))

    assert ("which of them `data convert` mends" in str(caught.value)) is is_said


def test_an_error_that_is_not_expected_of_the_child_is_a_storage_error(data: Path) -> None:
    program = f"import sys; sys.stdout.buffer.write({error_answer(TradingError('no'))!r})"

    with pytest.raises(StorageError, match="no"):
        stage_data(request(data, series()), interrupts=Interrupts(), command=child(program))


@pytest.mark.parametrize(
    ("program", "reported"),
    [
        ("raise SystemExit('the disk is on fire')", "1 (the disk is on fire)"),
        ("import os; os.kill(os.getpid(), 9)", "-9 (it gave no reason)"),
    ],
)
def test_a_crash_of_the_child_is_reported_with_its_last_line(
    data: Path, program: str, reported: str
) -> None:
    with pytest.raises(StorageError) as caught:
        stage_data(request(data, series()), interrupts=Interrupts(), command=child(program))

    assert str(caught.value).endswith(f"the reading process ended with {reported}")


def test_a_signal_ends_the_child_at_once(
    data: Path, interrupts: Interrupts, is_alive: Callable[[int], bool]
) -> None:
    note, slept = data.parent / "pid", data.parent / "slept"
    program = f"""
import os, signal, time
with open({str(note)!r}, "w") as file:
    file.write(str(os.getpid()))
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(60)
open({str(slept)!r}, "w").close()
"""

    with pytest.raises(RunInterruptedError) as caught:
        stage_data(request(data, series()), interrupts=interrupts, command=child(program))

    assert caught.value.exit_code == 143
    assert not slept.exists()
    assert not is_alive(int(note.read_text()))


def test_candles_that_cannot_be_are_refused_with_pair_time_and_value(data: Path) -> None:
    frame = candles(288)
    frame.loc[frame.index[100], "low"] = -1.0
    frame.reset_index().to_parquet(data / "ETH_USDT-5m.parquet", index=False)

    with pytest.raises(ValidationError, match=r"ETH/USDT 5m .* 2025-01-01 08:20:00 UTC low -1 is"):
        stage_series(request(data, series(), series("ETH/USDT")))


def test_a_jump_is_noticed(data: Path) -> None:
    frame = candles(288)
    frame.iloc[100:] *= 1000
    FlatDataRepository(data).save_ohlcv("ETH/USDT", "5m", frame)
    needed = (series(), series("ETH/USDT"))

    staged = stage_series(request(data, *needed, hours=(1, 24)))

    (notice,) = staged.notices(needed)
    assert notice == (
        "ETH/USDT@5m has jumps that no market makes, 1 in all, the first: open 103562.5 next to "
        "102.546875 at 2025-01-01 08:20:00 UTC; check where the candles are from"
    )


@pytest.mark.parametrize(("factor", "phrase"), [(10.0, "10.4 times"), (0.1, "0.104 times")])
def test_a_price_that_leaps_over_a_gap_is_noticed(data: Path, factor: float, phrase: str) -> None:
    frame = candles(288)
    frame.iloc[100:] *= factor
    FlatDataRepository(data).save_ohlcv("BTC/USDT", "5m", frame.drop(frame.index[100:103]))
    wanted = request(data, series(), hours=(1, 24))

    (notice,) = stage_series(wanted).notices(wanted.series)

    assert notice.endswith(
        f"flat candles; after the gap from 2025-01-01 08:20 the price is {phrase} the one before, "
        "which a position gains or loses"
    )


def test_candles_end_with_the_traded_pair_that_ends_first(data: Path, tmp_path: Path) -> None:
    FlatDataRepository(data).save_ohlcv("ETH/USDT", "5m", candles(200))
    FlatDataRepository(data).save_ohlcv("ADA/USDT", "5m", candles(100))
    series = (
        NeededSeries(pair="BTC/USDT", timeframe="5m", warmup=0, is_traded=True),
        NeededSeries(pair="ETH/USDT", timeframe="5m", warmup=0, is_traded=True),
        NeededSeries(pair="ADA/USDT", timeframe="5m", warmup=0, is_traded=False),
    )
    wanted = StagingRequest(
        data=str(data), folder=tmp_path / "staged", series=series, timerange=None
    )

    assert stage_series(wanted).traded_until(series) == START + 200 * timedelta(minutes=5)


def test_candles_behind_the_range_do_not_count(data: Path, tmp_path: Path) -> None:
    series = (NeededSeries(pair="BTC/USDT", timeframe="1h", warmup=0, is_traded=True),)
    stop = START + timedelta(hours=3, minutes=30)
    wanted = StagingRequest(
        data=str(data),
        folder=tmp_path / "staged",
        series=series,
        timerange=TimeRange(start=START, stop=stop),
    )

    assert stage_series(wanted).traded_until(series) == stop
