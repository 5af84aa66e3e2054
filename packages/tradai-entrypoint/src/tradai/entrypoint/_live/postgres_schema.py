"""The schema of a Postgres database that has the trades of one account and one strategy."""

import re
from dataclasses import dataclass
from typing import Final, Self, final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from tradai.core import Secret, digest
from tradai.core.exceptions import ConfigurationError
from tradai.core.live import TradingAccount

_VARIABLE: Final = "TRADAI_LIVE_DATABASE_URL"
_SCHEMES: Final = ("postgresql", "postgres", "postgresql+psycopg")
# Options of libpq that change neither the server nor the login nor the schema.
_OPTIONS: Final = re.compile(
    r"ssl\w+|channel_binding|application_name|target_session_attrs|keepalives\w*|tcp_user_timeout"
)
_PORT: Final = 5432
# Postgres cuts a longer name off, and two names would become one.
_LONGEST_NAME: Final = 63
_DIGITS: Final = 16
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9_-]")
CONNECT_TIMEOUT_S: Final = 10


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSchema:
    """A schema by its database and its name; made by `of`.

    Attributes:
        login: URL of the database with user and password, as libpq reads it.
        name: Name of the schema, of letters, digits, hyphens and underscores.
        owner: Account and strategy whose trades it has.
        password: The password alone, so that it is masked wherever it stands; None without one.
    """

    login: Secret
    name: str
    owner: str
    password: Secret | None = None

    @classmethod
    def of(cls, url: Secret, *, account: TradingAccount, strategy: str) -> Self:
        """Return the schema of `strategy` on `account` in the database at `url`.

        Raises:
            ConfigurationError: `url` is not that of a Postgres database. It is not quoted.
        """
        parts = _parts(url)
        password = unquote(parts.password or "")
        return cls(
            login=Secret(parts._replace(scheme="postgresql").geturl()),
            name=_schema_name(f"{account.venue}-{account.uid}-{strategy}"),
            owner=f"{account} {strategy}",
            password=Secret(password) if password.strip() else None,
        )

    @property
    def url(self) -> str:
        """Its URL without user and password, for leases, records and messages."""
        parts = urlsplit(self.login.reveal())
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"postgresql://{host}:{parts.port or _PORT}{parts.path}/{self.name}"

    @property
    def search_path(self) -> str:
        """The option of a connection that sees this schema and no other."""
        return f'-csearch_path="{self.name}"'

    def engine_url(self) -> str:
        """Return its URL for SQLAlchemy, with user and password: for standard input alone."""
        parts = urlsplit(self.login.reveal())
        ours = f"connect_timeout={CONNECT_TIMEOUT_S}&options={quote(self.search_path, safe='')}"
        query = "&".join(filter(None, (parts.query, ours)))
        return parts._replace(scheme="postgresql+psycopg", query=query).geturl()


def _parts(url: Secret) -> SplitResult:
    problem = _problem(url)
    if problem is not None:
        message = (
            f"{_VARIABLE} refers to a URL that cannot be used: {problem}; expected "
            "postgresql://user:password@host:5432/database, with special characters as %XX"
        )
        raise ConfigurationError(message, key=_VARIABLE)
    return urlsplit(url.reveal().strip())


def _problem(url: Secret) -> str | None:
    try:
        parts = urlsplit(url.reveal().strip())
        is_complete = bool(parts.hostname and parts.port != 0 and parts.path.strip("/"))
    except ValueError:
        return "it is malformed"
    if parts.scheme not in _SCHEMES:
        return "it is not one of Postgres"
    if not is_complete or "," in parts.netloc or "/" in parts.path[1:] or parts.fragment:
        return "it does not name one host and one database"
    unknown = [name for name, _ in parse_qsl(parts.query) if not _OPTIONS.fullmatch(name)]
    return f"it has the option {unknown[0]!r}, which is not permitted" if unknown else None


def _schema_name(wanted: str) -> str:
    plain = _UNUSUAL.sub("_", wanted)
    if plain == wanted and len(wanted) <= _LONGEST_NAME:
        return wanted
    return f"{plain[: _LONGEST_NAME - _DIGITS - 1]}-{digest(wanted)[:_DIGITS]}"
