"""The data of a contract is read and staged as the engine has it, and refused where it is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradai.core import OpenTimeRange, TimeRange
from tradai.core.exceptions import ConfigurationError, NotFoundError, ValidationError

# Not through the door: the process that stages candles reads them.
from tradai.entrypoint.freqtrade._candles.contract_data import (
    FundingRates,
    contract_folder,
    read_rates,
    stage_rates,
)
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries, StagedData

START = datetime(2025, 1, 1, tzinfo=UTC)
EIGHT_HOURS = timedelta(hours=8)
SERIES = NeededSeries(
    pair="BTC/USDT:USDT", timeframe="1h", warmup=0, is_traded=False, kind="funding_rate"
)
FILE = "futures/BTC_USDT_USDT-1h-funding_rate"


def dates(number: int = 4, *, step: timedelta = EIGHT_HOURS) -> list[datetime]:
    return [START + each * step for each in range(number)]


def write(folder: Path, *, suffix: str = "feather", **changes: object) -> None:
    import pandas as pd

    columns: dict[str, Any] = {"date": dates(), "funding_rate": [0.1, -0.2, 0.3, 0.4]}
    frame = pd.DataFrame(columns | changes)
    path = folder / f"{FILE}.{suffix}"
    path.parent.mkdir(exist_ok=True)
    (frame.to_feather if suffix == "feather" else frame.to_parquet)(path)


def rates(folder: Path, timerange: TimeRange | OpenTimeRange | None = None) -> list[float] | None:
    read = read_rates(folder, SERIES, timerange)
    return None if read is None else read.rates.tolist()


@pytest.mark.parametrize("suffix", ["feather", "parquet"])
def test_rates_are_read_from_either_format(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, suffix=suffix)

    assert rates(tmp_path) == [0.1, -0.2, 0.3, 0.4]


def test_rates_of_older_engines_are_in_the_column_of_the_opening_price(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / f"{FILE}.feather"
    path.parent.mkdir()
    pd.DataFrame({"date": dates(1), "open": [0.5], "close": [0.0]}).to_feather(path)

    assert rates(tmp_path) == [0.5]


def test_a_range_has_its_start_and_ends_before_its_stop(tmp_path: Path) -> None:
    write(tmp_path)
    second, fourth = START + EIGHT_HOURS, START + 3 * EIGHT_HOURS

    assert rates(tmp_path, TimeRange(start=second, stop=fourth)) == [-0.2, 0.3]
    assert rates(tmp_path, OpenTimeRange(start=fourth, stop=None)) == [0.4]
    assert rates(tmp_path, OpenTimeRange(start=None, stop=second)) == [0.1]
    assert rates(tmp_path, OpenTimeRange(start=fourth + EIGHT_HOURS, stop=None)) is None


def test_rates_that_are_not_there_are_none(tmp_path: Path) -> None:
    assert rates(tmp_path) is None


def test_a_rate_that_was_sent_late_is_moved_to_its_second(tmp_path: Path) -> None:
    write(tmp_path, date=[each + timedelta(milliseconds=7) for each in dates()])

    read = read_rates(tmp_path, SERIES, None)

    assert read is not None
    assert read.opened[0] == START.timestamp() * 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"funding_rate": [0.1, float("nan"), 0.3, 0.4]},
        {"funding_rate": ["a", "b", "c", "d"]},
        {"date": [1, 2, 3, 4]},
        {"date": dates(step=-EIGHT_HOURS)},
        {"date": [START] * 4},
    ],
)
def test_a_file_that_has_no_rates_in_order_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    write(tmp_path, **changes)

    with pytest.raises(ValidationError, match=r"funding_rate\.feather is not usable as funding"):
        rates(tmp_path)


def test_a_torn_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / f"{FILE}.feather"
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(ValidationError, match=r"funding_rate\.feather"):
        rates(tmp_path)


def test_rates_of_text_are_refused(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / f"{FILE}.feather"
    path.parent.mkdir()
    pd.DataFrame({"date": dates(1), "funding_rate": ["0.5"]}).to_feather(path)

    with pytest.raises(ValidationError, match=r"funding_rate\.feather.*rates as numbers"):
        rates(tmp_path)


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / f"{FILE}.feather"
    path.rename(path.with_name("moved"))
    path.symlink_to("gone")

    with pytest.raises(NotFoundError, match=r"funding_rate\.feather"):
        rates(tmp_path)


def test_staged_rates_are_those_that_were_read(tmp_path: Path) -> None:
    import pandas as pd

    write(tmp_path)
    read = read_rates(tmp_path, SERIES, None)
    assert read is not None

    staged = stage_rates(SERIES, read, tmp_path / "staged")

    frame = pd.read_feather(tmp_path / "staged" / f"{FILE}.feather")
    assert frame["funding_rate"].tolist() == [0.1, -0.2, 0.3, 0.4]
    assert frame["date"].tolist() == dates()
    assert (staged.rows, staged.first, staged.last) == (4, START, START + 3 * EIGHT_HOURS)


def test_the_digest_is_of_times_and_rates(tmp_path: Path) -> None:
    opened = np.arange(3, dtype=np.int64) * 28_800_000

    def digest(times: "np.ndarray[Any, Any]", values: list[float]) -> str:
        made = FundingRates(opened=times, rates=np.array(values))
        return stage_rates(SERIES, made, tmp_path).digest

    first = digest(opened, [0.0, 0.1, 0.2])
    assert digest(opened, [-0.0, 0.1, 0.2]) == first
    assert digest(opened, [0.0, 0.1, 0.3]) != first
    assert digest(opened + 1000, [0.0, 0.1, 0.2]) != first


@pytest.mark.parametrize("data", ["parquet:///candles", "arctic:lmdb:///candles", "s3://b/candles"])
def test_data_of_contracts_needs_a_folder_of_the_engine(data: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot hold the data of futures"):
        contract_folder(data)


def test_a_folder_and_its_uri_are_the_same(tmp_path: Path) -> None:
    assert contract_folder(str(tmp_path)) == contract_folder(tmp_path.as_uri()) == tmp_path


def notices(folder: Path, opened: list[datetime]) -> tuple[str, ...]:
    """The sentences about rates at the instants `opened`, for a range of four days."""
    write(folder, date=opened, funding_rate=[0.1] * len(opened))
    read = read_rates(folder, SERIES, None)
    assert read is not None
    timerange = TimeRange(start=START, stop=START + timedelta(days=4))
    staged = stage_rates(SERIES, read, folder / "staged")
    return StagedData(timerange=timerange, series=(staged,), digest="").notices([SERIES])


def test_a_hole_in_the_rates_is_reported_with_its_effect(tmp_path: Path) -> None:
    opened = dates(12)

    (notice,) = notices(tmp_path, [*opened[:3], *opened[6:10], *opened[11:]])

    assert notice == (
        "BTC/USDT:USDT@1h-funding_rate lacks 4 funding rates in 2 gaps, the longest 3 from "
        "2025-01-02 00:00: the engine charges no funding fee there"
    )


@pytest.mark.parametrize(
    ("hours", "gone", "said"),
    [
        (1, slice(30, 35), "lacks 5 funding rates in 1 gap, the longest 5 from 2025-01-02 06:00"),
        (1, slice(30, 31), "lacks 1 funding rate in 1 gap, the longest 1 from 2025-01-02 06:00"),
        (4, slice(5, 6), "lacks 1 funding rate in 1 gap, the longest 1 from 2025-01-01 20:00"),
    ],
)
def test_a_short_hole_in_frequent_rates_is_reported(
    tmp_path: Path, hours: int, gone: slice, said: str
) -> None:
    opened = dates(96 // hours, step=timedelta(hours=hours))
    del opened[gone]

    (notice,) = notices(tmp_path, opened)

    assert said in notice


@pytest.mark.parametrize(("late", "is_hole"), [(29, False), (30, False), (31, True)])
def test_a_rate_that_was_sent_within_half_an_hour_is_there(
    tmp_path: Path, late: int, *, is_hole: bool
) -> None:
    opened = dates(96, step=timedelta(hours=1))
    opened[10] += timedelta(minutes=late)

    assert bool(notices(tmp_path, opened)) is is_hole


def test_rates_that_were_sent_twice_make_no_hole_of_the_hour_after_them(tmp_path: Path) -> None:
    hours = dates(96, step=timedelta(hours=1))
    opened = sorted([*hours, *(each + timedelta(minutes=1) for each in hours)])

    assert notices(tmp_path, opened) == ()


@pytest.mark.parametrize("hours", [(8, 4), (4, 8), (8, 1), (1, 8), (4, 1), (1, 4)])
def test_a_change_of_the_interval_is_no_hole(tmp_path: Path, hours: tuple[int, int]) -> None:
    before, after = (timedelta(hours=each) for each in hours)
    opened = dates(48 // hours[0], step=before)
    opened += [START + timedelta(days=2) + number * after for number in range(48 // hours[1])]

    assert notices(tmp_path, opened) == ()


def test_rates_that_are_charged_more_often_have_no_hole(tmp_path: Path) -> None:
    assert notices(tmp_path, dates(4 * 24, step=timedelta(hours=1))) == ()
    assert notices(tmp_path, dates(12)) == ()


def test_rates_that_begin_late_or_end_early_are_reported_with_the_effect(tmp_path: Path) -> None:
    late, early = notices(tmp_path, dates(12)[2:9])

    assert late == (
        "BTC/USDT:USDT@1h-funding_rate starts at 2025-01-01 16:00, 2 funding rates after "
        "2025-01-01 00:00: before it the engine charges no funding fee, or that of "
        "engine.futures_funding_rate"
    )
    assert early == (
        "BTC/USDT:USDT@1h-funding_rate ends at 2025-01-03 16:00, 3 funding rates early: after it "
        "the engine charges no funding fee"
    )
