"""Whatever a text has around a word, the word is found. Private: masking would hide a miss."""

from hypothesis import given, strategies as st

from tradai.core._secrets.text_index import SHORTEST, TextIndex

words = st.text("abcXYZ019._-", min_size=SHORTEST, max_size=40)
around = st.text(st.characters(codec="utf-8"), max_size=40)


@given(word=words, before=around, after=around)
def test_a_word_is_found_anywhere_in_a_text(word: str, before: str, after: str) -> None:
    index = TextIndex()
    index.add(word, "name")

    assert index.names_in(f"{before}{word}{after}") == {"name"}


@given(word=words, text=around)
def test_a_word_that_was_removed_is_not_found_and_its_namesakes_are(word: str, text: str) -> None:
    index = TextIndex()
    for name in ("one", "two"):
        index.add(word, name)

    index.remove(word, "one")

    assert index.names_in(f"{text}{word}") == {"two"}


def test_an_index_without_words_finds_nothing() -> None:
    index = TextIndex()
    index.add("fake-word", "name")
    index.remove("fake-word", "name")

    assert index.names_in("fake-word") == set()
    assert index.names_in("") == set()
