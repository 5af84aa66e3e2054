"""The table of texts on the page on settings: each text is read as the table says."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ConfigurationError

PAGE: Final = Path(__file__).parent.parent / "docs" / "how-to" / "settings.md"
REFUSED: Final = "refused"


class Table(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_TABLE_")

    an_int: int | None = None
    a_float: float | None = None
    a_decimal: Decimal | None = None
    a_bool: bool | None = None
    a_str: str | None = None


def rows() -> Iterator[list[str]]:
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## How text is read")
    for line in section.partition("\n## ")[0].splitlines():
        cells = re.findall(r"`(.+?)`|(refused)", line) if line.startswith("| `") else []
        if cells:
            yield [quoted or plain for quoted, plain in cells]


def _meaning(column: str, text: str) -> str:
    try:
        settings = Table.load(environ={f"TRADAI_TABLE_{column.upper()}": text})
    except ConfigurationError:
        return REFUSED
    return repr(getattr(settings, column))


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[0])
def test_each_text_of_the_table_is_read_as_written(row: list[str]) -> None:
    text, *meanings = row

    assert [_meaning(column, text) for column in Table.model_fields] == meanings


def test_the_table_has_the_usual_doubtful_texts() -> None:
    assert {"7.0", "1_000", "1e3", "yes", "on"} <= {row[0] for row in rows()}
