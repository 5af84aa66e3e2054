"""A trade database in a schema of a Postgres database."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar, final

from tradai.core import redact
from tradai.core.exceptions import ConfigurationError, ExternalServiceError, TradAIError
from tradai.entrypoint._live.postgres_schema import CONNECT_TIMEOUT_S, PostgresSchema
from tradai.entrypoint.freqtrade._results.schema_state import STATE_QUERY, SchemaState
from tradai.entrypoint.freqtrade._results.table_copy import copy_tables

if TYPE_CHECKING:
    from psycopg import Connection, Error

    PostgresConnection = Connection[tuple[Any, ...]]

T = TypeVar("T")

_VARIABLE: Final = "TRADAI_LIVE_DATABASE_URL"
_STATEMENT_TIMEOUT_MS: Final = 10_000
# Of rights and read-only transactions, in SQL's own codes.
_NOT_PERMITTED: Final = ("42501", "25006")
_NO_SUCH_TABLE: Final = "42P01"
# A refused login has no code. In another language of the server it counts as a failure (69). A
# connection that broke names SSL too, so that word alone decides nothing.
_REFUSED_LOGIN: Final = re.compile(
    r"authentication failed|no password supplied|does not exist|no pg_hba\.conf entry|"
    r"not permitted|permission denied|does not support SSL|certificate"
)


@final
class PostgresDatabase:
    """An `EngineDatabase`: a schema that has the trades of one account and strategy.

    Each call has a connection of its own, so that none is left that a restart of the server broke.
    """

    def __init__(self, schema: PostgresSchema) -> None:
        """Take the schema, which need not exist yet; nothing is asked."""
        self._schema = schema

    def __str__(self) -> str:
        """Show the URL without user and password."""
        return self.url

    @property
    def url(self) -> str:
        """Its URL without user and password."""
        return self._schema.url

    def engine_url(self) -> str:
        """Return its URL for SQLAlchemy, with user and password."""
        return self._schema.engine_url()

    def check(self) -> None:
        """Check that it can be reached, may be written, and is that of the session."""
        self._checked(self._ask(self._state))

    def prepare(self) -> None:
        """Create the schema where it does not exist, and mark it as that of the session."""
        state = self._checked(self._ask(self._state))
        if not (state.exists and state.mark):
            self._ask(self._create)

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return the rows of `query`; none when the engine has not made its tables yet."""

        def fetch(connection: "PostgresConnection") -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        return self._ask(fetch, without_tables=[])

    def copy_to(self, target: Path) -> bool:
        """Copy all its tables into an SQLite file, as they are at one instant."""
        return self._ask(lambda connection: copy_tables(connection, target))

    def _state(self, connection: "PostgresConnection") -> SchemaState:
        # The query has one row in any case.
        (row,) = connection.execute(STATE_QUERY, (self._schema.name,)).fetchall()
        return SchemaState(*row)

    def _checked(self, state: SchemaState) -> SchemaState:
        problem = state.problem(self._schema)
        if problem is not None:
            raise problem
        return state

    def _create(self, connection: "PostgresConnection") -> None:
        from psycopg.sql import SQL, Identifier, Literal

        name = Identifier(self._schema.name)
        connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
        mark = SQL("COMMENT ON SCHEMA {} IS {}").format(name, Literal(self._schema.owner))
        connection.execute(mark)

    def _ask(
        self, work: "Callable[[PostgresConnection], T]", *, without_tables: T | None = None
    ) -> T:
        """Return the result of `work` on a connection of its own.

        Args:
            work: Work in one transaction.
            without_tables: Result when a table does not exist; None makes that an error.
        """
        connect, failure = _driver()
        try:
            with connect(
                self._schema.login.reveal(),
                options=f"{self._schema.search_path} -cstatement_timeout={_STATEMENT_TIMEOUT_MS}",
                connect_timeout=CONNECT_TIMEOUT_S,
            ) as connection:
                return work(connection)
        except failure as exc:
            if exc.sqlstate == _NO_SUCH_TABLE and without_tables is not None:
                return without_tables
            problem = self._translated(exc)
        # Out of the block: the driver's error holds the password.
        raise problem

    def _translated(self, exc: "Error") -> TradAIError:
        text = redact(" ".join(str(exc).split()))
        if exc.sqlstate in _NOT_PERMITTED:
            message = f"the role of {_VARIABLE} may not use {self.url} ({text}): grant it the right"
            return ConfigurationError(message, key=_VARIABLE)
        if exc.sqlstate is None and _REFUSED_LOGIN.search(text):
            message = f"{self.url} refuses the login ({text}): correct the URL of {_VARIABLE}"
            return ConfigurationError(message, key=_VARIABLE)
        message = f"{self.url} cannot be used ({text}): look whether the server runs"
        return ExternalServiceError(message, service="postgres", operation="query", retryable=True)


def _driver() -> "tuple[Callable[..., PostgresConnection], type[Error]]":
    """Return the driver's function that connects, and its error."""
    try:
        from psycopg import Error, connect
    except ImportError as exc:
        message = (
            f"{_VARIABLE} needs the Postgres driver, which cannot be loaded ({exc}): install "
            "tradai-entrypoint[postgres] beside the engine"
        )
        raise ConfigurationError(message, key=_VARIABLE) from exc
    return connect, Error
