from urllib.parse import parse_qs, urlsplit

import pytest

from tradai.core import Secret, redact
from tradai.core.exceptions import ConfigurationError
from tradai.core.live import TradingAccount
from tradai.entrypoint._live.postgres_schema import PostgresSchema

ACCOUNT = TradingAccount(venue="binance", uid="1234567")
PASSWORD = "not-a-real/" + "pass@word"
LOGIN = "trader:not-a-real%2Fpass%40word"
URL = f"postgresql://{LOGIN}@db.internal:5433/trades?sslmode=verify-full"


def schema(
    url: str = URL, strategy: str = "Trend", account: TradingAccount = ACCOUNT
) -> PostgresSchema:
    return PostgresSchema.of(Secret(url), account=account, strategy=strategy)


def test_a_schema_is_named_by_account_and_strategy_and_shown_without_the_login() -> None:
    made = schema()

    assert made.url == "postgresql://db.internal:5433/trades/binance-1234567-Trend"
    assert made.owner == "binance:1234567 Trend"
    assert "not-a-real" not in f"{made} {made!r} {made.url}"


def test_the_engine_gets_the_login_and_sees_this_schema_alone() -> None:
    parts = urlsplit(schema().engine_url())

    assert parts.scheme == "postgresql+psycopg"
    assert parts.netloc == f"{LOGIN}@db.internal:5433"
    assert parts.path == "/trades"
    assert parse_qs(parts.query) == {
        "sslmode": ["verify-full"],
        "connect_timeout": ["10"],
        "options": ['-csearch_path="binance-1234567-Trend"'],
    }


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_usual_names_of_the_scheme_and_the_usual_port_name_one_database(scheme: str) -> None:
    made = schema(f"{scheme}://{LOGIN}@[::1]/trades\n")

    assert made.url == "postgresql://[::1]:5432/trades/binance-1234567-Trend"
    assert made.login.reveal() == f"postgresql://{LOGIN}@[::1]/trades"


def test_the_password_is_masked_by_itself_as_long_as_the_schema_is_held() -> None:
    made = schema()

    assert PASSWORD not in redact(f"the server said {PASSWORD} and {PASSWORD!r}")
    assert made.password is not None
    assert schema("postgresql://trader@db/trades").password is None


def test_no_other_account_and_no_other_strategy_has_the_schema() -> None:
    other = TradingAccount(venue="binance", uid="12")
    long = "A strategy whose name is much longer than a name may be in Postgres"
    strategies = ("Trend", "trend", "tr end", "tr_end", "Ärger", "ärger", long, f"{long}!")

    made = [
        schema(strategy=strategy, account=account).name
        for strategy in strategies
        for account in (ACCOUNT, other)
    ]

    assert len(set(made)) == 2 * len(strategies)
    assert max(map(len, made)) <= 63
    assert all(name.isascii() and '"' not in name and " " not in name for name in made)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite:////data/trades.sqlite", "it is not one of Postgres"),
        ("mysql://trader:not-a-real-password@db/trades", "it is not one of Postgres"),
        ("not-a-real-password", "it is not one of Postgres"),
        ("postgresql://trader:not-a-real-password@db", "one host and one database"),
        ("postgresql://trader:not-a-real-password@/trades", "one host and one database"),
        ("postgresql://trader:not-a-real-password@a,b/trades", "one host and one database"),
        ("postgresql://trader:not-a-real-password@db/trades/more", "one host and one database"),
        ("postgresql://trader:not-a-real#password@db/trades", "it is malformed"),
        ("postgresql://trader:not-a-real-password@db:port/trades", "it is malformed"),
        ("postgresql://trader:not-a-real-password@[db/trades", "it is malformed"),
        ("postgresql://t:not-a-real-password@db/trades?options=-cx", "the option 'options'"),
        ("postgresql://t:not-a-real-password@db/trades?host=/run", "the option 'host'"),
    ],
)
def test_a_url_that_names_no_single_database_is_refused_and_not_shown(
    url: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        schema(url)

    assert caught.value.key == "TRADAI_LIVE_DATABASE_URL"
    assert "not-a-real" not in str(caught.value)
    assert "%XX" in str(caught.value)
