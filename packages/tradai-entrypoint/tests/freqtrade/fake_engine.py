"""A stand-in for Freqtrade 2026.9, started by the supervisor as its child in place of the engine.

``python -I -S fake_engine.py SCENARIO -m MODULE ARGUMENTS...`` reads the engine's command line and
configuration, looks at the market rules, candles and strategy it was given, and writes the log
lines, result files and exit codes that were observed with the real one. The scenario, a JSON file,
says how it goes. Its input is written to the scenario's `seen` for the test to check.
It imports the standard library alone, so that it starts in some 50 ms.
"""

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import socket
    import sqlite3
    from collections.abc import Callable

VERSION = "2026.9"
PROBE = "tradai.entrypoint.freqtrade"
COMMON: dict[str, int | None] = {"--config": 1, "--no-color": 0, "--userdir": 1, "--datadir": 1}
STRATEGY: dict[str, int | None] = COMMON | {
    "--strategy": 1,
    "--strategy-path": 1,
    "--freqaimodel": 1,
    "--freqaimodel-path": 1,
}
# Number of words after each flag; None is all there are.
FLAGS: dict[str, dict[str, int | None]] = {
    "backtesting": STRATEGY | {"--timerange": 1, "--cache": 1, "--export": 1},
    "hyperopt": {
        **STRATEGY,
        "--timerange": 1,
        "--epochs": 1,
        "--spaces": None,
        "--hyperopt-loss": 1,
        "--random-state": 1,
        "--job-workers": 1,
        "--disable-param-export": 0,
        "--min-trades": 1,
        "--hyperopt-path": 1,
    },
    "trade": STRATEGY | {"--dry-run": 0},
    "download-data": {
        **COMMON,
        "--timerange": 1,
        "--timeframes": None,
        "--data-format-ohlcv": 1,
        "--prepend": 0,
    },
}
TABLES = """
CREATE TABLE IF NOT EXISTS trades (
    id INTEGER PRIMARY KEY, pair VARCHAR(25) NOT NULL, is_open BOOLEAN NOT NULL,
    realized_profit FLOAT, amount FLOAT, open_rate FLOAT, is_short BOOLEAN NOT NULL DEFAULT 0,
    open_date DATETIME, close_date DATETIME, close_rate FLOAT, stake_amount FLOAT,
    initial_stop_loss FLOAT, stop_loss FLOAT, close_profit FLOAT, close_profit_abs FLOAT,
    enter_tag VARCHAR(255), exit_reason VARCHAR(255), leverage FLOAT,
    strategy VARCHAR(100) DEFAULT 'WaveRider'
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, ft_trade_id INTEGER, ft_order_side VARCHAR(25) NOT NULL,
    ft_pair VARCHAR(25) NOT NULL, order_id VARCHAR(255) NOT NULL, status VARCHAR(255),
    ft_is_open BOOLEAN NOT NULL DEFAULT 1, filled FLOAT, average FLOAT, order_date DATETIME,
    ft_order_tag VARCHAR(255)
);
"""
# The pipe it logs to, opened once it has read its configuration, and the end of a record there.
RECORDS: list[tuple[int, bytes]] = []
LOGGED = re.compile(r"\S+ \S+ - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)")
# Never closed, so that its last writes stay in the write-ahead log, as those of the real one do.
OPEN: list["sqlite3.Connection"] = []


def main(scenario_file: str, _: str, module: str, *arguments: str) -> None:
    scenario = json.loads(Path(scenario_file).read_text())
    if module == PROBE and arguments[0] in ANSWERS:
        ANSWERS[arguments[0]](scenario, *arguments[1:])
    if module == PROBE:
        # With worker processes, the second argument is the folder of the strategy's modules.
        assert arguments[0] == "training" or list(Path(arguments[1]).glob("*.py"))
        arguments = arguments[2:]
    # It finishes what the scenario has it write before it stops, so that a test sees one order of
    # events. The real one stops wherever it is.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    log("freqtrade", f"freqtrade {VERSION}")
    subcommand, *words = arguments
    options = parse(subcommand, words)
    config = json.load(sys.stdin)
    open_records(config.pop("log_config", None))
    note_what_was_given(scenario, module, arguments, config)
    if subcommand == "download-data":
        download(scenario, options, config)
    else:
        pairs = tradable(config)
        load_strategy(options)
        if subcommand != "trade":
            load_candles(options, config, pairs)
    for lines in grouped(scenario["says"]):
        say_as_observed(lines)
    {"backtesting": backtest, "hyperopt": hyperopt, "trade": trade}.get(subcommand, leave)(
        scenario, options, config
    )
    finish(scenario)


def say(line: str) -> None:
    # Not print: it must not be entered again by what handles a signal.
    os.write(1, f"{line}\n".encode())


def log(logger: str, text: str, level: str = "INFO") -> None:
    say(f"2026-11-24 01:03:38,504 - {logger} - {level} - {text}")
    record(logger, level, text)


def record(logger: str, level: str, text: str) -> None:
    for pipe, end in RECORDS:
        lines = (logger, level, "/site-packages/freqtrade/main.py", "None", text)
        os.write(pipe, "\n".join(lines).encode() + end)


def open_records(log_config: dict[str, Any] | None) -> None:
    """Log to the pipe that the configuration names, as the real one does from then on."""
    if log_config is None:
        return
    handler = log_config["handlers"]["records"]
    pipe = os.open(handler["filename"], os.O_WRONLY)
    RECORDS.append((pipe, handler["."]["terminator"].encode()))


def grouped(lines: list[str]) -> list[list[str]]:
    """Put the lines of a record together; a printed line that follows a record belongs to it."""
    groups: list[list[str]] = []
    for line in lines:
        if groups and not LOGGED.match(line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def say_as_observed(lines: list[str]) -> None:
    """Print the lines of an observed log, and log them when they are a record."""
    for line in lines:
        say(line)
    found = LOGGED.match(lines[0])
    if found is not None:
        record(found["logger"], found["level"], "\n".join([found["text"], *lines[1:]]))


def give_up(text: str) -> NoReturn:
    log("freqtrade", text, "ERROR")
    sys.exit(2)


def parse(subcommand: str, words: list[str]) -> dict[str, list[str]]:
    """Read the flags; one that the real engine does not know ends it with exit code 0."""
    options: dict[str, list[str]] = {}
    known, rest = FLAGS[subcommand], list(words)
    while rest:
        flag = rest.pop(0)
        if flag not in known:
            say(f"usage: freqtrade {subcommand} [-h]")
            say(f"freqtrade: error: unrecognized arguments: {flag}")
            sys.exit(0)
        following = next((n for n, word in enumerate(rest) if word.startswith("--")), len(rest))
        count = known[flag]
        options[flag] = [rest.pop(0) for _ in range(following if count is None else count)]
    return options


def note_what_was_given(
    scenario: dict[str, Any], module: str, arguments: tuple[str, ...], config: dict[str, Any]
) -> None:
    given = {
        "module": module,
        "arguments": arguments,
        "config": config,
        "environ": dict(os.environ),
        "files": {str(path): read(path) for path in sorted(Path().rglob("*")) if path.is_file()},
        "pid": os.getpid(),
        "group": os.getpgid(0),
    }
    Path(scenario["seen"]).write_text(json.dumps(given))


def read(path: Path) -> str:
    return path.read_text(errors="replace") if path.suffix != ".feather" else "candles"


def tradable(config: dict[str, Any]) -> list[str]:
    """Ask the exchange for its rules and return the configured pairs that it lists."""
    wanted = config["exchange"]["pair_whitelist"]
    urls = config["exchange"]["ccxt_config"].get("urls")
    if urls is None:
        # The venue itself, where a test has no business.
        return list(wanted)
    listed = listed_pairs(urls["api"]["public"])
    for pair in wanted:
        if pair not in listed:
            text = (
                f"Pair {pair} is not compatible with exchange Binance. Removing it from whitelist.."
            )
            log("freqtrade.plugins.pairlist.IPairList", text, "WARNING")
    left = [pair for pair in wanted if pair in listed]
    return left or give_up("No pair in whitelist.")


def listed_pairs(url: str) -> set[str]:
    """Ask more than once, as the real one does: a busy machine may make an answer late."""
    for _ in range(4):
        with contextlib.suppress(OSError):
            return {f"{one['baseAsset']}/{one['quoteAsset']}" for one in symbols(url)}
    give_up("Could not load markets, therefore cannot start. Please investigate the above error.")


def symbols(url: str) -> list[dict[str, Any]]:
    # At the address of an exchange whose answers are replayed.
    path = "v5/market/exchangeInfo" if "/https://" in url else "exchangeInfo"
    found: list[dict[str, Any]] = ask(f"{url}/{path}")["symbols"]
    return found


def ask(url: str) -> dict[str, Any]:
    import http.client

    address, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", f"/{path}")
    found: dict[str, Any] = json.load(connection.getresponse())
    return found


def load_strategy(options: dict[str, list[str]]) -> None:
    """Find the strategy's class and report its parameters."""
    (name,), (folder,) = options["--strategy"], options["--strategy-path"]
    files = [path for path in Path(folder).glob("*.py") if f"class {name}(" in path.read_text()]
    if not files:
        give_up(f"Impossible to load Strategy '{name}'. This class does not exist.")
    log("freqtrade.resolvers.iresolver", f"Using resolved strategy {name} from '{files[0]}'...")
    parameters = files[0].with_suffix(".json")
    if parameters.exists():
        for space in json.loads(parameters.read_text())["params"].values():
            for parameter, value in space.items():
                log("freqtrade.strategy.hyper", f"Strategy Parameter: {parameter} = {value}")


def load_candles(options: dict[str, list[str]], config: dict[str, Any], pairs: list[str]) -> None:
    (folder,), timeframe = options["--datadir"], config["timeframe"]
    found = [
        pair
        for pair in pairs
        if (Path(folder) / f"{pair.replace('/', '_')}-{timeframe}.feather").exists()
    ]
    for pair in sorted(set(pairs) - set(found)):
        text = f"No history for {pair}, spot, {timeframe} found. Use `freqtrade download-data`"
        log("freqtrade.data.history.datahandlers.idatahandler", text, "WARNING")
    if not found:
        give_up("No data found. Terminating.")


def leave(*_: object) -> None:
    """Leave nothing."""


def backtest(scenario: dict[str, Any], options: dict[str, list[str]], _: dict[str, Any]) -> None:
    """Store the result of a backtest, and the models of a FreqAI strategy."""
    if options["--strategy"] == ["TradaiObserver"]:
        if scenario["entry_signals"] is not None:
            Path("entry-signals.json").write_text(json.dumps(scenario["entry_signals"]))
        return
    user_data = Path(options["--userdir"][0])
    store_models(scenario, options)
    if scenario["result"] is None:
        return
    folder = user_data / "backtest_results"
    folder.mkdir(parents=True)
    name = "backtest-result-2026-11-24_01-03-38"
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        archive.writestr(f"{name}.json", json.dumps(scenario["result"]))
    (folder / ".last_result.json").write_text(json.dumps({"latest_backtest": f"{name}.zip"}))


def store_models(scenario: dict[str, Any], options: dict[str, list[str]]) -> None:
    """Store the models of a FreqAI strategy, and the reason for which none was recorded."""
    if scenario["unrecorded"]:
        Path("training").mkdir()
        Path("training", "unrecorded.txt").write_text(scenario["unrecorded"])
    for name, text in scenario["models"].items():
        path = Path(options["--userdir"][0]) / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def hyperopt(scenario: dict[str, Any], options: dict[str, list[str]], _: dict[str, Any]) -> None:
    """Store the epochs, one to a line, in the order they were tried."""
    if scenario["epochs"] is None:
        return
    folder = Path(options["--userdir"][0]) / "hyperopt_results"
    folder.mkdir(parents=True)
    name = f"strategy_{options['--strategy'][0]}_2026-11-24_01-03-38.fthypt"
    lines = (json.dumps(epoch) + "\n" for epoch in scenario["epochs"])
    (folder / name).write_text("".join(lines))
    skipped = int(options["--epochs"][0]) - len(scenario["epochs"])
    if skipped > 0 and not scenario["breaks_off"]:
        text = f"{skipped} epochs skipped due to duplicate parameters."
        log("freqtrade.optimize.hyperopt.hyperopt", text)


def download(
    scenario: dict[str, Any], options: dict[str, list[str]], config: dict[str, Any]
) -> None:
    """Write the file that the scenario has for each pair."""
    timeframe = options["--timeframes"][0]
    for pair in set(config["exchange"]["pair_whitelist"]) & set(scenario["downloads"]):
        stem = pair.replace("/", "_").replace(":", "_")
        series = [f"{stem}-{timeframe}"]
        if config.get("trading_mode") == "futures":
            kinds = (f"{timeframe}-futures", "1h-mark", "1h-funding_rate")
            series = [f"futures/{stem}-{kind}" for kind in kinds]
        for name in series:
            path = Path(options["--datadir"][0], f"{name}.feather")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(Path(scenario["downloads"][pair]).read_bytes())


def trade(scenario: dict[str, Any], options: dict[str, list[str]], config: dict[str, Any]) -> None:
    """Start trading: the REST interface first, then the state, then orders."""
    if scenario["never_starts"]:
        return
    traded = threading.Event()
    state = config["initial_state"].upper()
    rest = RestInterface(scenario, traded, state)
    rest.serve(config["api_server"])
    database = open_database(config.get("db_url"))
    worker(f"Changing state to: {state}")
    for order in scenario["orders"]:
        place(order, database)
    store_models(scenario, options)
    database.commit()
    OPEN.append(database)
    if scenario["loses_database"]:
        for file in Path().glob("tradesv3.dryrun.sqlite*"):
            file.unlink()
    traded.set()


def place(order: dict[str, Any], database: "sqlite3.Connection") -> None:
    """Report an order and book it, and have its trade end as the scenario says."""
    order_id, pair, trade = order["order_id"], order["pair"], order["trade_id"]
    if order["is_logged"]:
        text = f"Order {order_id} was created for {pair} and status is {order['status']}."
        log("freqtrade.freqtradebot", text)
    if order["status"] != "expired":
        message = f"{{'trade_id': {trade}, 'type': entry, 'buy_tag': '', 'pair': '{pair}'}}"
        log("freqtrade.rpc.rpc_manager", f"Sending rpc message: {message}")
    if order["is_booked"]:
        row = "INSERT INTO orders (ft_trade_id, ft_order_side, ft_pair, order_id, status)"
        values = (trade, order["side"], pair, order_id)
        database.execute(f"{row} VALUES (?, ?, ?, ?, 'open')", values)
    for text in order["then"]:
        log("freqtrade.freqtradebot", text)
        if "Removing" in text:
            database.execute("DELETE FROM orders WHERE ft_trade_id = ?", (trade,))


def worker(text: str) -> None:
    log("freqtrade.worker", text)


def open_database(url: str | None) -> "sqlite3.Connection":
    import sqlite3

    database = sqlite3.connect(
        (url or "sqlite:///tradesv3.dryrun.sqlite").removeprefix("sqlite:///")
    )
    database.execute("PRAGMA journal_mode=WAL")
    database.executescript(TABLES)
    return database


class RestInterface:
    """Answers requests in a thread of its own, after all orders.

    Each time that it is asked for its health, another loop of the bot has come to its end, with the
    log lines that the scenario has for that loop; none has any more once the scenario says so.
    """

    def __init__(self, scenario: dict[str, Any], traded: threading.Event, state: str) -> None:
        self._scenario = scenario
        self._state = state
        self._traded = traded
        self._loops = 0

    def serve(self, settings: dict[str, Any]) -> None:
        import base64
        import socket

        listener = socket.create_server((settings["listen_ip_address"], settings["listen_port"]))
        token = base64.b64encode(f"{settings['username']}:{settings['password']}".encode()).decode()
        self._authorization = f"Basic {token}\r\n"

        def accept() -> None:
            while True:
                client, _ = listener.accept()
                self._traded.wait()
                self._handle(client)

        log("freqtrade.rpc.api_server.webserver", "Starting Local Rest Server.")
        threading.Thread(target=accept, daemon=True).start()

    def _handle(self, client: "socket.socket") -> None:
        request = client.recv(65536).decode()
        is_stop = request.startswith("POST /api/v1/stop ") and self._authorization in request
        on_stop = self._scenario["on_stop"]
        if is_stop and on_stop == "stops":
            worker("Changing state from RUNNING to: STOPPED")
        if not (is_stop and on_stop == "hangs_up"):
            answer = self._answer(request) if self._authorization in request else None
            body = json.dumps({"detail": "no"} if answer is None else answer)
            status = "200 OK" if answer is not None else "401 Unauthorized"
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n"
            client.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())
        client.close()
        if is_stop and on_stop == "interrupts":
            os.kill(os.getppid(), signal.SIGINT)

    def _answer(self, request: str) -> dict[str, Any] | None:
        _, path, _ = request.split(" ", 2)
        if path == "/api/v1/stop":
            return {"status": "stopping trader ..."}
        if path in {"/api/v1/start", "/api/v1/pause"}:
            return self._change("RUNNING" if path == "/api/v1/start" else "PAUSED")
        if path == "/api/v1/profit":
            profits = self._scenario["profits"]
            return {"profit_all_coin": profits.pop(0) if len(profits) > 1 else profits[0]}
        if path == "/api/v1/health":
            return {"last_process_ts": self._loop()}
        if path.startswith("/api/v1/pair_candles?"):
            now_s = time.time() if self._scenario["has_candles"] else 0
            has_any = "limit=1" in path and now_s
            return {"last_analyzed_ts": now_s, "data_stop_ts": now_s * 1000 if has_any else 0}
        return None

    def _change(self, state: str) -> dict[str, Any]:
        if state != self._state:
            worker(f"Changing state from {self._state} to: {state}")
        self._state = state
        return {"status": state}

    def _loop(self) -> int:
        loops = self._scenario["loops"]
        for lines in grouped(loops[self._loops] if self._loops < len(loops) else []):
            say_as_observed(lines)
        if not self._scenario["hangs"]:
            self._loops += 1
        return self._loops


def answer_missing(scenario: dict[str, Any], *modules: str) -> NoReturn:
    """Name the modules that are not installed."""
    say(json.dumps([name for name in modules if name in scenario["missing"]]))
    sys.exit(0)


def answer_probe(scenario: dict[str, Any], folder: str, *kept: str) -> NoReturn:
    """Answer as the probe of models does; a scenario may have it fail, or differ each time.

    With a folder that was kept of the training, it measures the models.
    """
    if scenario["probe"] == "fails" or (kept and scenario["training"] is None):
        say_error("ModuleNotFoundError: No module named 'lightgbm'")
    found = sorted(Path(folder).rglob("*_model.joblib"))
    others = len(list(Path(folder).rglob("*_model.zip")))
    texts = "".join(path.read_text() for path in found[:1])
    digest = str(os.getpid()) if scenario["probe"] == "differs" else texts
    training = {"training": scenario["training"]} if kept else {}
    say(json.dumps({"models": len(found), "others": others, "digest": digest, **training}))
    sys.exit(0)


def answer_answers(scenario: dict[str, Any]) -> NoReturn:
    """Answer as the engine does about its configuration, to which a scenario may object."""
    exchange = json.load(sys.stdin)["config"]["exchange"]
    prefix = exchange["ccxt_config"]["options"]["broker"]["spot"]
    problems, order_id = scenario["schema_problems"], f"{prefix}{'0' * 22}"
    say(json.dumps({"schema_problems": problems, "client_order_id": order_id}))
    sys.exit(0)


def answer_schema(scenario: dict[str, Any]) -> NoReturn:
    """Find wrong with settings what a scenario does."""
    say(json.dumps(scenario["refused_settings"]))
    sys.exit(0)


def answer_markets(_: dict[str, Any]) -> NoReturn:
    """Read the rules of the wanted pairs in the answer of the exchange, which has them as such."""
    given = json.load(sys.stdin)
    answer = ask(f"{given['exchange']['ccxt_config']['urls']['api']['public']}/v5/market/spot")
    if "markets" not in answer:
        say_error("TemporaryError: the exchange has no markets")
    read = {market["symbol"]: market for market in answer["markets"]}
    markets = [read[pair] for pair in given["pairs"] if pair in read]
    say(json.dumps({"markets": markets, "names": list(read), "versions": {}}))
    sys.exit(0)


def say_error(text: str) -> NoReturn:
    os.write(2, f"Traceback (most recent call last):\n{text}\n".encode())
    sys.exit(1)


def finish(scenario: dict[str, Any]) -> NoReturn:
    """End as the scenario says: by a signal, with a code, or when it is asked to."""
    if scenario["signals_parent"]:
        os.kill(os.getppid(), scenario["signals_parent"])
    if scenario["waits"] and scenario["on_sigterm"] == "stops":
        # A handler would not run if the signal came just before `signal.pause`.
        signal.sigwait({signal.SIGTERM})
        stop()
    if scenario["on_sigterm"] == "stops":
        signal.signal(signal.SIGTERM, stop)
    elif scenario["on_sigterm"] == "ignores":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    while scenario["waits"]:
        signal.pause()
    if scenario["killed_by"]:
        os.kill(os.getpid(), scenario["killed_by"])
    sys.exit(scenario["exit_code"])


def stop(*_: object) -> NoReturn:
    """Stop as the real engine does on SIGTERM."""
    log("freqtrade.commands.trade_commands", "worker found ... calling exit")
    log("freqtrade", "SIGINT received, aborting ...")
    os._exit(130)


ANSWERS: "dict[str, Callable[..., NoReturn]]" = {
    "answers": answer_answers,
    "missing": answer_missing,
    "probe": answer_probe,
    "schema": answer_schema,
    "markets": answer_markets,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
