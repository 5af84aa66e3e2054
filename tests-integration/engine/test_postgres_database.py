"""Trade databases in PostgreSQL: read, made, marked, copied, and refused with what to do."""

import socket
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Final, LiteralString
from urllib.parse import quote

import pytest
from psycopg.sql import SQL, Identifier
from servers.postgres import PASSWORD, PostgresServer

from tradai.core import Secret
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    StorageError,
    TradAIError,
    TradingError,
)
from tradai.core.live import TradingAccount
from tradai.entrypoint._live.postgres_schema import PostgresSchema
from tradai.entrypoint.freqtrade._results.database import (
    booked_orders,
    entry_orders,
    trade_figures,
)
from tradai.entrypoint.freqtrade._results.postgres import PostgresDatabase
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile

ACCOUNT: Final = TradingAccount(venue="binance", uid="4242424242")
NAME: Final = "binance-4242424242-trips"
NUMBERS: Final = count()
TABLES: Final = """
    CREATE TABLE trades (id integer PRIMARY KEY, is_open boolean, realized_profit float,
                         open_date timestamp, amount float DEFAULT 1);
    CREATE TABLE orders (id integer PRIMARY KEY, ft_trade_id integer, ft_order_side varchar,
                         ft_pair varchar, ft_is_open boolean, order_id varchar, filled float);
    INSERT INTO trades VALUES (1, true, NULL, '2026-01-02 03:04:05'), (2, false, -1.25, NULL),
                              (3, false, 2.5, '2026-01-02 03:04:05.678');
    INSERT INTO orders VALUES (1, 1, 'buy', 'BTC/USDT', false, '11', 0.1),
                              (2, 1, 'stoploss', 'BTC/USDT', true, '12', NULL),
                              (3, 9, 'sell', 'ETH/USDT', false, '13', 2);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that the tests of this module share; each has a database of its own."""
    server = PostgresServer()
    with server.running():
        yield server


@pytest.fixture
def url(server: PostgresServer) -> str:
    """URL of an empty database of this test, with the login of its owner."""
    return server.make_database(f"trades{next(NUMBERS)}")


def database(url: str, strategy: str = "trips") -> PostgresDatabase:
    return PostgresDatabase(PostgresSchema.of(Secret(url), account=ACCOUNT, strategy=strategy))


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def change(server: PostgresServer, url: str, statement: LiteralString, role: str = "") -> None:
    """Carry out a statement of the administrator on `schema` and `role`, by default its owner."""
    names = {"schema": Identifier(NAME), "role": Identifier(role or name_of(url))}
    with server.admin(name_of(url)) as admin:
        admin.execute(SQL(statement).format(**names))


def traded(server: PostgresServer, url: str) -> PostgresDatabase:
    """Return a database with trades, as the engine would have made it."""
    made = database(url)
    made.prepare()
    change(server, url, "SET ROLE {role}; SET search_path TO {schema};" + TABLES)
    return made


def refused(asked: PostgresDatabase) -> TradAIError:
    """Return the error of its check and of its preparation, which name no secret."""
    errors = []
    for ask in (asked.check, asked.prepare):
        with pytest.raises(TradAIError) as caught:
            ask()
        errors.append(caught.value)
    checked, prepared = errors
    assert str(checked) == str(prepared)
    assert asked.url in str(checked)
    assert PASSWORD not in str(checked)
    # The driver's error has the password in its fields.
    assert (checked.__cause__, checked.__context__) == (None, None)
    return checked


def test_an_empty_database_has_no_trades_and_is_prepared_once(
    server: PostgresServer, url: str
) -> None:
    made = database(url)

    made.check()
    assert booked_orders(made) == ()
    made.prepare()
    made.prepare()
    made.check()

    assert entry_orders(made) == set()
    assert booked_orders(made) == ()
    assert trade_figures(made, "USDT")["closed_trades"] == 0
    (mark,) = server.rows(
        name_of(url), "SELECT obj_description(oid) FROM pg_namespace WHERE nspname LIKE 'binance%'"
    )
    assert mark == ("binance:4242424242 trips",)


def test_trades_and_orders_are_read_as_from_a_file(server: PostgresServer, url: str) -> None:
    made = traded(server, url)

    bought, stop, orphan = booked_orders(made)

    assert (bought.pair, bought.order_id, bought.filled) == ("BTC/USDT", "11", Decimal("0.1"))
    assert (bought.is_open, bought.trade_is_open) == (False, True)
    assert (stop.is_stop, stop.is_open, stop.filled) == (True, True, Decimal())
    assert not orphan.trade_is_open
    assert entry_orders(made) == {("BTC/USDT", "11")}
    assert (stop.order_id, orphan.order_id) == ("12", "13")
    assert trade_figures(made, "USDT") == {
        "closed_trades": 2,
        "open_trades": 1,
        "realized_profit_USDT": 1.25,
    }


def test_a_copy_is_an_sqlite_file_with_the_same_trades(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    made = traded(server, url)

    assert made.copy_to(tmp_path / "trades.sqlite")

    copy = SqliteFile(tmp_path / "trades.sqlite")
    assert booked_orders(copy) == booked_orders(made)
    assert trade_figures(copy, "USDT") == trade_figures(made, "USDT")
    with closing(sqlite3.connect(copy.path)) as opened:
        opened_at = opened.execute("SELECT open_date FROM trades ORDER BY id").fetchall()
    assert opened_at == [("2026-01-02 03:04:05",), (None,), ("2026-01-02 03:04:05.678000",)]
    assert [path.name for path in tmp_path.iterdir()] == ["trades.sqlite"]


def test_without_tables_and_without_a_disk_nothing_is_left_of_a_copy(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    assert not database(url).copy_to(tmp_path / "trades.sqlite")
    made = traded(server, url)

    with pytest.raises(StorageError, match=r"look at the disk of .*absent"):
        made.copy_to(tmp_path / "absent" / "trades.sqlite")

    assert list(tmp_path.iterdir()) == []


def test_strategies_have_schemas_of_their_own_in_one_database(
    server: PostgresServer, url: str
) -> None:
    made, other = traded(server, url), database(url, "other")

    other.prepare()

    assert booked_orders(other) == ()
    assert len(booked_orders(made)) == 3


def test_the_trades_of_another_account_or_strategy_are_refused(
    server: PostgresServer, url: str
) -> None:
    made = traded(server, url)
    change(server, url, "COMMENT ON SCHEMA {schema} IS 'binance:1 trips'")
    error = refused(made)
    assert isinstance(error, TradingError)
    assert (error.exit_code, error.reason) == (77, "foreign_database")
    assert "has the trades of binance:1 trips, expected those of binance:4242424242 trips" in str(
        error
    )

    change(server, url, "COMMENT ON SCHEMA {schema} IS NULL")
    assert "has the trades of another program" in str(refused(made))


def test_a_login_that_the_server_refuses_is_a_matter_of_configuration(
    server: PostgresServer, url: str
) -> None:
    name = name_of(url)
    urls = [
        server.url(name, password="not-a-real-" + "other"),
        server.url("absent", database=name),
        server.url(name, database="absent"),
        url.replace(f":{quote(PASSWORD, safe='')}@", "@"),
        f"{url}?sslmode=require",
    ]

    for each in urls:
        error = refused(database(each))
        assert isinstance(error, ConfigurationError), error
        assert "refuses the login" in str(error)
        assert "correct the URL of TRADAI_LIVE_DATABASE_URL" in str(error)


def test_a_role_that_may_not_write_is_refused_before_the_engine_tries(
    server: PostgresServer, url: str
) -> None:
    made, reader = traded(server, url), f"{name_of(url)}reader"
    server.make_database(reader)
    login = server.url(reader, database=name_of(url))
    assert "make the role the owner of the schema" in str(refused(database(login)))
    assert "GRANT CREATE ON DATABASE" in str(refused(database(login, "other")))

    change(server, url, "GRANT ALL ON SCHEMA {schema} TO {role}", reader)
    change(server, url, "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}", reader)
    assert isinstance(refused(database(login)), ConfigurationError)

    change(server, url, "ALTER ROLE {role} SET default_transaction_read_only = on")
    assert "the server or the role is read-only" in str(refused(made))


def test_a_server_that_is_away_or_silent_is_an_outage(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "tradai.entrypoint.freqtrade._results.postgres.CONNECT_TIMEOUT_S"
    monkeypatch.setattr(module, 2)
    away = url.replace(f":{server.port}/", ":1/")
    errors = [refused(database(away))]
    server.stop()
    try:
        errors.append(refused(database(url)))
    finally:
        server.resume()

    for error in errors:
        assert isinstance(error, ExternalServiceError)
        assert (error.exit_code, error.retryable, error.service) == (69, True, "postgres")
        assert "look whether the server runs" in str(error)


def test_a_server_that_ends_an_encrypted_connection_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        port = listening.getsockname()[1]
        # One connection for the check, and one for the preparation.
        ended = pool.submit(agree_to_encrypt_and_hang_up, listening, times=2)
        error = refused(database(f"postgresql://trader@127.0.0.1:{port}/trades?sslmode=require"))
        ended.result(60)

    assert "SSL" in str(error)
    assert isinstance(error, ExternalServiceError), error


def agree_to_encrypt_and_hang_up(listening: socket.socket, *, times: int) -> None:
    """Answer clients that want TLS as a server does that goes away in the middle."""
    listening.settimeout(60)
    for _ in range(times):
        with listening.accept()[0] as connection:
            assert len(connection.recv(8)) == 8
            connection.sendall(b"S")


def test_without_the_driver_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ConfigurationError, match="needs the Postgres driver") as caught:
        database("postgresql://trader@db/trades").check()

    assert "install tradai-entrypoint[postgres] beside the engine" in str(caught.value)
