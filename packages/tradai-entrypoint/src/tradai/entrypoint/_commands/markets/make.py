"""`tradai-entrypoint markets make`: write market rules without asking the exchange."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from tradai.core import (
    FileKind,
    did_you_mean,
    file_errors,
    file_path,
    pair_parts,
    read_regular_file,
    utc_now,
)
from tradai.core.exceptions import ConfigurationError, ConflictError, ValidationError
from tradai.entrypoint._commands.console import print_text
from tradai.entrypoint._commands.markets.capture import rules_file
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import counted

if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade import MarketFees, MarketRules

_Given: TypeAlias = "tuple[dict[str, MarketRules], MarketFees | None, str | None]"
_Place: TypeAlias = Callable[..., str]
_NAMES: Final = ("tick", "step", "min_notional")
_FEES: Final = ("maker", "taker")
_NOTE: Final = "by `markets make`"


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Write the rules of the pairs and print the path."""
    del interrupts
    from tradai.entrypoint.freqtrade import MarketsSnapshot, add_rules, check_rules_beside

    rules, fees, note = _given(args)
    _check_one_market(rules)
    path = rules_file(args)
    is_new = not (args.force or args.add)
    if is_new and path.exists():
        raise _present_error(path)
    made = MarketsSnapshot.made(
        rules, note=args.note or note or _NOTE, captured_at=utc_now(), fees=fees
    )
    made.require(rules)
    check_rules_beside(made, path)
    if args.add:
        made = add_rules(made, path)
    else:
        try:
            made.save(path, is_new=is_new)
        except ConflictError:
            # Another process made them meanwhile.
            raise _present_error(path) from None
    in_all = f", which has {len(made.pairs):,} now" if args.add else ""
    print_text(f"made the market rules of {counted(len(rules), 'pair')} in {path}{in_all}")
    return 0


def _present_error(path: Path) -> ConfigurationError:
    message = f"{path} is there: add the pairs to it with --add, or replace it with --force"
    return ConfigurationError(message, key="--force")


def _given(args: argparse.Namespace) -> _Given:
    """Return the rules by pair, the fees, and the note, of the file or of the flags."""
    flags = {name: getattr(args, name) for name in _NAMES}
    fees = {name: getattr(args, f"{name}_fee") for name in _FEES}
    given = (*flags.values(), *fees.values())
    has_flags = bool(args.pair) or any(value is not None for value in given)
    if bool(args.rules) is has_flags:
        message = "give --rules FILE, or --pair with --tick, --step and --min-notional"
        raise ConfigurationError(message, key="--rules")
    if args.rules:
        return _of_file(args.rules)
    if not args.pair:
        message = "name a pair with --pair: the other flags are its rules"
        raise ConfigurationError(message, key="--pair")
    has_fees = any(value is not None for value in fees.values())
    rules = {_pair(pair): _rules(pair, flags, lambda *_: "") for pair in args.pair}
    return rules, _fees(fees) if has_fees else None, None


def _of_file(name: str) -> _Given:
    from tradai.core import read_yaml_fields

    path = file_path(name)
    with file_errors("read", path):
        text = read_regular_file(path, FileKind.CONFIGURATION)
    document = read_yaml_fields(text, source=str(path))
    values = document.values
    pairs, note = values.get("pairs"), values.get("note")
    if not isinstance(pairs, Mapping) or not pairs or set(values) - {"fees", "note", "pairs"}:
        message = (
            f"{path} has no market rules: expected `pairs` with tick, step and min_notional of "
            "each pair, and if you like `fees` with maker and taker, and a `note`"
        )
        raise ConfigurationError(message, key="pairs", source=str(path))

    def place(*keys: str) -> str:
        found = document.marks.get(keys) or document.marks.get(keys[:-1])
        return f"{path}:{found[0]}: " if found else f"{path}: "

    rules = {}
    for pair, given in pairs.items():
        with _errors_at(place("pairs", pair), key=pair):
            _pair(pair)
        rules[pair] = _rules(pair, given, partial(place, "pairs", pair))
    with _errors_at(place("fees"), key="fees"):
        fees = None if values.get("fees") is None else _fees(values["fees"])
    return rules, fees, None if note is None else str(note)


@contextmanager
def _errors_at(place: str, *, key: str) -> Iterator[None]:
    """Raise errors of a value as those of the file at `place`."""
    try:
        yield
    except (ConfigurationError, ValidationError) as exc:
        raise ConfigurationError(f"{place}{exc}", key=key) from exc


def _fees(given: object) -> "MarketFees":
    from tradai.entrypoint.freqtrade import MarketFees

    if not isinstance(given, Mapping) or set(given) != {*_FEES}:
        message = "the fees are not usable: expected maker and taker, such as 0.001 for each"
        raise ConfigurationError(message, key="fees")
    return MarketFees.parse(**given)


def _pair(pair: str) -> str:
    base, quote = pair_parts(pair)
    if base == quote:
        message = f"{pair} is a currency in itself, which no exchange trades"
        raise ConfigurationError(message, key=pair)
    settled = pair.partition(":")[2] or quote
    if settled != quote:
        message = f"{pair} is settled in {settled}: rules are made of contracts settled in {quote}"
        raise ConfigurationError(message, key=pair)
    return pair


def _check_one_market(pairs: Iterable[str]) -> None:
    by_market = {":" in pair: pair for pair in pairs}
    if len(by_market) > 1:
        message = f"{' and '.join(by_market.values())} are of two markets: make a file for each"
        raise ConfigurationError(message, key="pairs")


def _rules(pair: str, given: object, place: _Place) -> "MarketRules":
    """Return the rules of a pair; errors begin with the `place` of a rule, or of all of them."""
    from tradai.entrypoint.freqtrade import MarketRules

    if isinstance(given, Mapping) and "fee" in given:
        message = (
            f"{place('fee')}the rules of {pair} have a fee: the engine takes one fee for all "
            "pairs, so write `fees: {maker: 0.001, taker: 0.001}` beside `pairs`, or set "
            "`execution.fee`"
        )
        raise ConfigurationError(message, key=f"{pair}.fee")
    if not isinstance(given, Mapping):
        message = f"{place()}the rules of {pair} are not usable: expected {', '.join(_NAMES)}"
        raise ConfigurationError(message, key=pair)
    _check_names(pair, given, place)
    return MarketRules(**{name: _number(pair, name, given[name], place) for name in _NAMES})


def _check_names(pair: str, given: Mapping[str, object], place: _Place) -> None:
    problem = f"the rules of {pair} are not usable: expected {', '.join(_NAMES)}"
    missing = [name for name in _NAMES if name not in given]
    for name in given:
        if name not in _NAMES:
            wrong = f"`{name}` is not a rule{did_you_mean(name, missing)}"
            raise ConfigurationError(f"{place(name)}{problem}; {wrong}", key=f"{pair}.{name}")
    if missing:
        message = f"{place()}{problem}; {missing[0]} is missing"
        raise ConfigurationError(message, key=f"{pair}.{missing[0]}")


def _number(pair: str, name: str, given: object, place: _Place) -> str:
    """Return a number above zero as decimal text without an exponent."""
    try:
        # Python's own separator of digits may be a slip for a point.
        number = Decimal(str(given).replace("_", "x"))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(given, bool) or not number.is_finite() or number <= 0:
        where = place(name)
        is_flag = not where
        problem = (
            f"is missing: give --{name.replace('_', '-')}"
            if given is None and is_flag
            else "is not usable: expected a number above 0, such as 0.01"
        )
        raise ConfigurationError(f"{where}{name} of {pair} {problem}", key=f"{pair}.{name}")
    return f"{number:f}"
