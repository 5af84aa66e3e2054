from freqtrade.strategy import IntParameter, IStrategy


class WaveRider(IStrategy):
    startup_candle_count = 10
    buy_fast = IntParameter(5, 30, default=12, space="buy")
