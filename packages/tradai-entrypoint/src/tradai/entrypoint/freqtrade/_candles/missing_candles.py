"""The error for candles that a run needs and does not find, with ways to get them."""

from collections.abc import Iterable, Sequence
from shlex import quote

from tradai.core import DataRepository, Timeframe
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint.freqtrade._candles.dataset import IN_FOLDERS, candle_files, data_folder
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries, StagingRequest


def missing_error(
    missing: Sequence[NeededSeries], request: StagingRequest, repository: DataRepository
) -> NotFoundError:
    """Return the error for series that have no candles, with what to do about the first."""
    names = ", ".join(series.name for series in missing)
    when = f" for {request.timerange}" if request.timerange else ""
    is_spot = missing[0].kind == "spot"
    known = repository.coverage(missing[0].pair, missing[0].timeframe) if is_spot else None
    there = f" (there are {known.first:%Y-%m-%d} to {known.last:%Y-%m-%d})" if known else ""
    hint = _layout_hint(request.data) if is_spot else _contract_hint(missing[0])
    hint += _commands_hint(missing, request) if is_spot and not known else ""
    message = (
        f"{request.shown or request.data} has no candles{when} of {names}{there}: add them, "
        f"choose a range that has them, or drop what asks for them ({_asking(missing)})"
        f"{_without_hint(missing)}{hint}"
    )
    return NotFoundError(message, kind="candles", key=missing[0].name)


def _asking(missing: Sequence[NeededSeries]) -> str:
    """Return the names of what asks for the series `missing`."""
    names = ["pairs"]
    if any(map(_may_be_absent, missing)):
        names += ["run.informative", "@informative"]
    if any(each.is_detail for each in missing):
        names.append("parameters.timeframe_detail")
    return ", ".join(names)


def _without_hint(missing: Iterable[NeededSeries]) -> str:
    """Return the part of a sentence on series that are only read, which a run can go without."""
    read = [each.name for each in missing if _may_be_absent(each)]
    if not read:
        return ""
    return f"; where the strategy can do without {', '.join(read)}, name it in run.without"


def _may_be_absent(series: NeededSeries) -> bool:
    return not series.is_traded and not series.is_detail and series.kind in {"spot", "futures"}


def _contract_hint(series: NeededSeries) -> str:
    return f"; the folder is to have {' or '.join(candle_files(series))}"


def _commands_hint(missing: Sequence[NeededSeries], request: StagingRequest) -> str:
    """Return the end of a sentence with a command for each timeframe that can be made.

    Where none can, it has the timeframes of the first pair that there are.
    """
    from tradai.core.frames import FlatDataRepository

    folder = data_folder(request.data)
    # The command reads and writes flat folders, and what was fetched is a copy.
    if folder is None or request.shown or request.data.startswith(IN_FOLDERS):
        return ""
    there = FlatDataRepository(folder).series()
    place, commands = quote(str(folder)), []
    for wanted in sorted({Timeframe(each.timeframe) for each in missing}):
        pairs = {each.pair for each in missing if each.timeframe == str(wanted)}
        shorter = [length for pair, length in there if pair in pairs and length.makes_whole(wanted)]
        if shorter:
            lengths = f"--from {max(shorter)} --timeframe {wanted}"
            commands.append(f"`tradai-entrypoint data convert {place} {place} {lengths}`")
    if commands:
        return f"; {' and '.join(commands)} make{'' if commands[1:] else 's'} them"
    lengths = ", ".join(str(length) for pair, length in there if pair == missing[0].pair)
    return f"; of {missing[0].pair} there are candles of {lengths}" if lengths else ""


def _layout_hint(data: str) -> str:
    """Return the end of a sentence when the folder `data` has candles in the other layout."""
    from tradai.core.frames import FlatDataRepository, ParquetDataRepository

    folder = data_folder(data)
    if folder is None or data.startswith("arctic:"):
        return ""
    is_parquet = data.startswith("parquet:")
    other = FlatDataRepository(folder) if is_parquet else ParquetDataRepository(folder)
    if not other.series():
        return ""
    uri = folder if is_parquet else f"parquet:{folder}"
    return f"; {folder} has candles in another layout: name it as {uri}"
