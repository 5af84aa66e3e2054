"""The epoch that holds when answers arrive late.

Private, and tested as such: no server can be brought to these states in time.
"""

from tradai.cache._redis.epochs import Epochs


def test_the_epoch_of_the_later_message_holds() -> None:
    epochs = Epochs()

    epochs.record("markets.1", "new", 7, numbering_when_asked=epochs.numbering)
    held = epochs.record("markets.1", "old", 6, numbering_when_asked=epochs.numbering)

    assert held.text == "new"
    assert epochs.known["markets.1"].text == "new"


def test_an_epoch_read_before_a_gap_is_used_once_and_not_kept() -> None:
    epochs = Epochs()
    numbering_when_asked = epochs.numbering

    epochs.replace_all({"markets.1": "new", "candles.1": None}, 1)
    held = epochs.record("markets.1", "old", 1_000, numbering_when_asked=numbering_when_asked)

    assert held.text == "old"
    assert epochs.known == {}
