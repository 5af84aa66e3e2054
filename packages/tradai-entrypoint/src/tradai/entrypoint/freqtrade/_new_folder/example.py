"""Make the folder of a small strategy that runs, to be changed."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError
from tradai.entrypoint.freqtrade._new_folder.folder import (
    CONFIG_NAME,
    SOURCE_NAME,
    new_folder,
    write_texts,
)

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
        ValidationError: `class_name` is not the name of a class, or `timeframe` is none.
        ConfigurationError: `folder` is not empty.
        StorageError: The disk refused.
    """
    if not (class_name.isidentifier() and class_name.isascii()):
        expected = "the name of a Python class, such as MyStrategy"
        message = f"{class_name!r} is not usable: expected {expected}"
        raise ValidationError(message, field="class", expected=expected)
    target = folder or Path(class_name)
    names = {"class_name": class_name, "timeframe": str(Timeframe(timeframe or _TIMEFRAME))}
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
