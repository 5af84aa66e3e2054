"""Make the folder of a small strategy that runs, to be changed."""

import keyword
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    DEFAULT_EXCHANGE,
    exchange_named,
)
from tradai.entrypoint.freqtrade._new_folder.folder import (
    CONFIG_NAME,
    SOURCE_NAME,
    new_folder,
    write_texts,
)
from tradai.entrypoint.freqtrade._new_folder.yaml_text import YAML_WORDS

_CLASS_FILE: Final = "example_class.txt"
_CONFIG_FILE: Final = "example_config.txt"
_TIMEFRAME: Final = "5m"
_README: Final = """\
# {name}

A strategy made by `tradai-entrypoint init`. Run it in this folder:

    tradai-entrypoint check strategy.yaml --mode backtest --data CANDLES
    tradai-entrypoint run strategy.yaml --mode backtest --data CANDLES
"""


def new_strategy(
    folder: Path | None, *, class_name: str = "MyStrategy", timeframe: str | None = None
) -> Path:
    """Make `folder`, with a small strategy of class `class_name`, and return it.

    Args:
        folder: The new folder; None is one with the name of the class, here.
        class_name: Name of the class.
        timeframe: Length of its candles; None is 5 minutes.

    Raises:
        ValidationError: `class_name` is not the name of a class, or `timeframe` is none that the
            exchange of a new configuration has.
        ConfigurationError: `folder` is not empty.
        StorageError: The disk refused.
    """
    is_name = class_name.isidentifier() and class_name.isascii()
    # Python's own words, and those that YAML takes for a truth value or for null.
    if not is_name or keyword.iskeyword(class_name) or class_name.lower() in YAML_WORDS:
        expected = "the name of a Python class, such as MyStrategy"
        message = f"{class_name!r} is not usable: expected {expected}"
        raise ValidationError(message, field="class", expected=expected)
    length = Timeframe(timeframe or _TIMEFRAME)
    known = exchange_named(DEFAULT_EXCHANGE).timeframes
    if length not in known:
        expected = f"one of the exchange, {', '.join(known)}"
        message = f"timeframe {length} is not usable: expected {expected}"
        raise ValidationError(message, field="timeframe", expected=expected)
    target = folder or Path(class_name)
    names = {"class_name": class_name, "timeframe": str(length)}
    texts = {
        CONFIG_NAME: _filled(_CONFIG_FILE, names),
        f"{SOURCE_NAME}/{class_name.lower()}.py": _filled(_CLASS_FILE, names),
        "README.md": _README.format(name=class_name),
    }
    with new_folder(target) as draft:
        write_texts(draft, texts)
    return target


def _filled(name: str, names: Mapping[str, str]) -> str:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return Template(text).substitute(names)
