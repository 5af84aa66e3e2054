"""Copy the tables of a Postgres schema into an SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradai.core.exceptions import StorageError

if TYPE_CHECKING:
    from psycopg import Connection

    PostgresConnection = Connection[tuple[Any, ...]]

_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
# All tables as they are at one instant.
_ONE_INSTANT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


def copy_tables(connection: "PostgresConnection", target: Path) -> bool:
    """Copy all tables of the connection's schema to `target`; return whether there are any.

    Columns keep their names. Times become text, as the engine stores them in SQLite.

    Raises:
        StorageError: The disk refused; nothing is left of the copy.
        psycopg.Error: The server refused; nothing is left of the copy.
    """
    copy = target.with_name(f"{target.name}.copy")
    try:
        is_any = _copy(connection, copy)
        if is_any:
            copy.rename(target)
    except (sqlite3.Error, OSError) as exc:
        message = f"no copy of the trades can be kept ({exc}): look at the disk of {target.parent}"
        raise StorageError(message, operation="copy trades") from exc
    finally:
        copy.unlink(missing_ok=True)
    return is_any


def _copy(connection: "PostgresConnection", target: Path) -> bool:
    connection.execute(_ONE_INSTANT)
    tables = [name for (name,) in connection.execute(_TABLES)]
    with closing(sqlite3.connect(target)) as copy:
        for table in tables:
            _copy_table(connection, table, copy)
        copy.commit()
    return bool(tables)


def _copy_table(connection: "PostgresConnection", table: str, copy: sqlite3.Connection) -> None:
    from psycopg.sql import SQL, Identifier

    rows = connection.execute(SQL("SELECT * FROM {}").format(Identifier(table)))
    columns = [column.name for column in rows.description or ()]
    copy.execute(f"CREATE TABLE {_quoted(table)} ({', '.join(map(_quoted, columns))})")
    marks = ", ".join("?" * len(columns))
    # Names cannot be parameters; they are quoted.
    insert = f"INSERT INTO {_quoted(table)} VALUES ({marks})"  # noqa: S608
    copy.executemany(insert, _plain(rows))


def _plain(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
    for row in rows:
        yield [
            value if isinstance(value, int | float | str | bytes | None) else str(value)
            for value in row
        ]


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
