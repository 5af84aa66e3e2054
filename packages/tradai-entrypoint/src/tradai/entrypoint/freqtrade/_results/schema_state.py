"""The state of a Postgres schema, and the reasons against trading with it."""

from dataclasses import dataclass
from typing import Final, final

from tradai.core.exceptions import ConfigurationError, TradAIError, TradingError
from tradai.entrypoint._live.postgres_schema import PostgresSchema

# For one name; the columns are the fields of `SchemaState`.
STATE_QUERY: Final = """
    SELECT current_setting('transaction_read_only') = 'on',
           has_database_privilege(current_database(), 'CREATE'),
           found.oid IS NOT NULL,
           coalesce(has_schema_privilege(found.oid, 'USAGE')
                    AND has_schema_privilege(found.oid, 'CREATE'), false),
           coalesce(pg_has_role(found.nspowner, 'USAGE'), false),
           obj_description(found.oid, 'pg_namespace'),
           (SELECT count(*) FROM pg_class WHERE relnamespace = found.oid AND relkind = 'r'),
           (SELECT coalesce(bool_and(has_table_privilege(oid, 'INSERT')
                                     AND has_table_privilege(oid, 'UPDATE')
                                     AND has_table_privilege(oid, 'DELETE')), true)
            FROM pg_class WHERE relnamespace = found.oid AND relkind = 'r')
    FROM (SELECT) AS one LEFT JOIN pg_namespace AS found ON found.nspname = %s
"""


@final
@dataclass(frozen=True, slots=True)
class SchemaState:
    """A schema as the role of the session sees it.

    Attributes:
        is_read_only: Whether nothing can be written at all.
        may_create: Whether the role may create schemas in the database.
        exists: Whether the schema exists.
        may_use: Whether the role may read it and create tables in it.
        is_owner: Whether the role has the rights of its owner.
        mark: Its comment: the account and the strategy whose trades it has.
        tables: Number of its tables.
        may_write: Whether the role may write to all of them.
    """

    is_read_only: bool
    may_create: bool
    exists: bool
    may_use: bool
    is_owner: bool
    mark: str | None
    tables: int
    may_write: bool

    def problem(self, schema: PostgresSchema) -> TradAIError | None:
        """Return the reason against trading with `schema`; None when there is none."""
        if self.exists and self.mark != schema.owner and (self.mark or self.tables):
            return TradingError(
                f"{schema.url} has the trades of {self.mark or 'another program'}, expected those "
                f"of {schema.owner}: name another database in TRADAI_LIVE_DATABASE_URL",
                reason="foreign_database",
            )
        advice = self._missing_right(schema)
        if advice is None:
            return None
        message = f"the role of TRADAI_LIVE_DATABASE_URL cannot write to {schema.url}: {advice}"
        return ConfigurationError(message, key="TRADAI_LIVE_DATABASE_URL")

    def _missing_right(self, schema: PostgresSchema) -> str | None:
        if self.is_read_only:
            return "the server or the role is read-only; name a primary server and a role that may"
        if not self.exists:
            return None if self.may_create else "GRANT CREATE ON DATABASE to the role"
        if not (self.may_use and self.may_write and (self.mark or self.is_owner)):
            return f'make the role the owner of the schema "{schema.name}" and its tables'
        return None
