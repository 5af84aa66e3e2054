"""Names that the engine would ignore are found, and names of the strategy's own are not accused."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._strategy.source import inspect_source

METHOD = "def {}(self, pair, **kwargs): return 1"


def said(folder: Path, *body: str, top: str = "") -> list[str]:
    lines = "".join(f"    {line}\n" for line in body)
    (folder / "wave.py").write_text(f"{top}\nclass Wave(IStrategy):\n{lines}")
    return [str(each) for each in inspect_source(folder, "Wave").misspellings]


def test_a_misspelt_callback_is_found_with_its_line_and_the_name_that_is_meant(
    tmp_path: Path,
) -> None:
    body = ("use_custom_stoploss = True", METHOD.format("custom_stoplos"))

    (problem,) = said(tmp_path, *body)

    assert problem == (
        "wave.py:4 sets custom_stoplos, a callback or attribute that neither the engine nor the "
        "strategy uses; did you mean 'custom_stoploss'?"
    )


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (METHOD.format("custom_stop_loss"), "custom_stoploss"),
        (METHOD.format("confirm_trade_enrty"), "confirm_trade_entry"),
        (METHOD.format("Custom_Exit"), "custom_exit"),
        ("startup_candles_count = 30", "startup_candle_count"),
        ("minimal_rois: dict = {'0': 0.1}", "minimal_roi"),
        ("order_type = {'entry': 'limit'}", "order_types"),
        ("@property\n    def protection(self): return []", "protections"),
    ],
)
def test_a_name_one_letter_away_is_found(tmp_path: Path, line: str, meant: str) -> None:
    (problem,) = said(tmp_path, line)

    assert f"did you mean {meant!r}?" in problem


@pytest.mark.parametrize(
    "body",
    [
        # The right name is there, too.
        ("stoploss = -0.1", "stop_loss = -0.2"),
        # Something in the source mentions it.
        ("stop_loss = -0.2", "def bot_start(self): print(self.stop_loss)"),
        ("stop_loss = -0.2", "KNOWN = ['stop_loss']"),
        # Two letters away, with a digit, private, or a plain word.
        (METHOD.format("custom_stopl"),),
        ("timeframe2 = '1h'",),
        (METHOD.format("_custom_exit"),),
        ("wallet = None", "versions = [1]"),
        # The engine's own.
        (METHOD.format("custom_stoploss"), METHOD.format("lock_pair")),
    ],
)
def test_a_name_of_the_strategy_itself_is_not_accused(
    tmp_path: Path, body: tuple[str, ...]
) -> None:
    assert said(tmp_path, *body) == []


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("df.loc[df['rsi'] < 30, 'enter_longg'] = 1", "enter_long"),
        ("df.loc[df['rsi'] < 30, ['enter_long', 'entry_tag']] = (1, 'dip')", "enter_tag"),
        ("df['exit_lnog'] = 1", "exit_long"),
        ("df.loc[hot, ['exit_long', 'sell_tag']] = (1, 'top')", "exit_tag"),
        ("df.loc[hot, ['sell', 'sell_tag']] = (1, 'top')", "exit_tag"),
        ("df.loc[cold, ['enter_long', 'buy_tag']] = (1, 'dip')", "enter_tag"),
        ("df['entry_long'] = 0; df.loc[cold, 'entry_long'] = 1", "enter_long"),
    ],
)
def test_a_misspelt_signal_column_is_found(tmp_path: Path, line: str, meant: str) -> None:
    (problem,) = said(tmp_path, f"def populate_entry_trend(self, df, metadata): {line}; return df")

    assert problem.startswith("wave.py:3 sets ")
    assert "a signal column that neither" in problem
    assert f"did you mean {meant!r}?" in problem


@pytest.mark.parametrize(
    "line",
    [
        "df.loc[df['rsi'] < 30, ['enter_long', 'enter_tag']] = (1, 'dip')",
        "df['entry_long'] = cold; df['enter_long'] = df['entry_long'].shift(1)",
        "df['enter_longs_sum'] = 1",
        "tag = row['entry_tag']",
        "df['buy'] = 1",
        "df.loc[cold, ['buy', 'buy_tag']] = (1, 'dip')",
        "df['sell_tag'] = 'top'; df['exit_tag'] = df['sell_tag']",
    ],
)
def test_a_column_of_the_strategy_itself_is_not_accused(tmp_path: Path, line: str) -> None:
    body = f"def populate_entry_trend(self, df, metadata): {line}; return df"

    assert said(tmp_path, body) == []


def test_a_helper_module_that_reads_the_column_is_seen(tmp_path: Path) -> None:
    (tmp_path / "signals.py").write_text("def enter(df): df['enter_long'] = df['entry_long']\n")
    body = "def populate_entry_trend(self, df, metadata): df['entry_long'] = 1; return enter(df)"

    assert said(tmp_path, body, top="from signals import enter") == []
