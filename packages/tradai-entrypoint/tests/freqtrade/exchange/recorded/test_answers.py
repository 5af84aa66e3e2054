import json
from string import ascii_letters

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from tradai.entrypoint.freqtrade._exchange._recorded.answers import RecordedAnswer, RecordedAnswers

URL = "https://api.exchange.test/info"


def recorded(*requests: tuple[str, str]) -> RecordedAnswers:
    return RecordedAnswers(
        RecordedAnswer(url=url, body=body, text=json.dumps(number))
        for number, (url, body) in enumerate(requests)
    )


def number_of(answers: RecordedAnswers, url: str, body: str = "") -> object:
    found = answers.find(url, body)
    return None if found is None else json.loads(found.text)


def test_an_answer_is_found_by_address_and_body() -> None:
    answers = recorded(
        (f"{URL}?type=spot", ""), (URL, '{"type":"a"}'), (URL, '{"type":"b"}'), (URL, "")
    )

    assert number_of(answers, f"{URL}?type=spot") == 0
    assert number_of(answers, URL, '{"type": "a"}') == 1
    assert number_of(answers, URL, '{"type": "b"}') == 2
    assert number_of(answers, URL) == 3


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{URL}?type=swap", ""),
        (f"{URL}?type=spot&cursor=2", ""),
        (f"{URL}/more?type=spot", ""),
        (f"{URL}?type=spot", '{"type":"a"}'),
        (URL, '{"type":"c"}'),
        (URL, "type=a"),
    ],
)
def test_another_request_has_no_answer(url: str, body: str) -> None:
    answers = recorded((f"{URL}?type=spot", ""), (URL, '{"type":"a"}'))

    assert number_of(answers, url, body) is None


def test_the_time_of_a_request_is_no_part_of_it() -> None:
    answers = recorded((f"{URL}?timestamp=1767225600000&type=spot", ""), (f"{URL}/all", ""))

    assert number_of(answers, f"{URL}?timestamp=1767225600001&type=spot") == 0
    assert number_of(answers, f"{URL}/all?timestamp=1") == 1


# Names without the letters of those that are refused, such as user and key.
NAMES = st.text(st.characters(codec="utf-8", exclude_characters=ascii_letters), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


@given(bodies=st.lists(st.dictionaries(NAMES, JSON), min_size=1, max_size=4))
def test_each_recorded_body_finds_its_answer_whatever_its_spaces_and_order(
    bodies: list[dict[str, object]],
) -> None:
    answers = recorded(*((URL, json.dumps(body)) for body in bodies))

    for body in bodies:
        shuffled = json.dumps(dict(reversed(body.items())), indent=1, ensure_ascii=False)
        found = number_of(answers, URL, shuffled)
        assert isinstance(found, int)
        assert bodies[found] == body


def test_a_body_that_is_nested_too_deep_is_compared_as_text() -> None:
    deep = "[" * 100_000

    assert recorded((URL, deep)).find(URL, deep) is not None
    assert recorded((URL, deep)).find(URL, f"{deep} ") is None


@pytest.mark.parametrize("text", ["", "{", "<html></html>", pytest.param("[" * 100_000, id="deep")])
def test_an_answer_that_is_cut_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="not whole JSON"):
        RecordedAnswer(url=URL, text=text)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ('{"time": 1767225600000, "tick": 0.10}', '{"time": 1767225600001, "tick": 0.10}'),
        ('{"requestTime": "1", "tick": 0.1}', '{"requestTime": "2", "tick": 0.1}'),
        (
            '{"ts": 1, "serverTime": 1, "timestamp": 1}',
            '{"ts": 2, "serverTime": 2, "timestamp": 2}',
        ),
    ],
)
def test_the_time_of_an_answer_is_no_part_of_its_content(first: str, later: str) -> None:
    url = f"{URL}?timestamp=1767225600000&type=spot"

    assert RecordedAnswer(url=url, text=first).content == (
        RecordedAnswer(url=url.replace("0000", "1111"), text=later).content
    )


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ('{"time": 1, "tick": 0.1}', '{"time": 1, "tick": 0.10}'),
        ('{"time": 1, "tick": "0.1"}', '{"time": 1, "tick": "0.2"}'),
        ('{"time": 1, "tick": 1}', '{"time": 1, "tick": "1"}'),
        ('{"time": 1, "tick": [0.1]}', '{"time": 1, "tick": ["0.1"]}'),
        # A rule with the name of a time, and a time inside.
        ('{"time": {"open": 1}}', '{"time": {"open": 2}}'),
        ('{"data": {"time": 1}}', '{"data": {"time": 2}}'),
        ('[{"time": 1}]', '[{"time": 2}]'),
    ],
)
def test_all_else_is_part_of_its_content(first: str, later: str) -> None:
    contents = [RecordedAnswer(url=URL, text=text).content for text in (first, later)]

    assert contents[0] != contents[1]


@pytest.mark.parametrize(
    "name",
    [
        *("key", "apikey", "api_key", "apiKey", "API-KEY", "X-MBX-APIKEY", "accessKeyId"),
        *("secret", "sign", "signature", "signatureMethod", "token", "listenKey", "passphrase"),
    ],
)
def test_a_request_with_a_key_belongs_to_an_account(name: str) -> None:
    with pytest.raises(ValidationError, match="has a key or a signature"):
        RecordedAnswer(url=f"{URL}?{name}=1", text="{}")


@pytest.mark.parametrize("name", ["keyword", "design", "monkey", "assigned", "passwordless"])
def test_a_name_that_only_has_the_letters_of_a_key_is_public(name: str) -> None:
    assert RecordedAnswer(url=f"{URL}?{name}=1", text="{}").url == f"{URL}?{name}=1"


@pytest.mark.parametrize(
    "body", ["apiKey=1&side=buy", '{"apiKey": 1}', '{"of": [{"api_sign": 1}]}', "&signature=1"]
)
def test_a_body_with_a_key_belongs_to_an_account(body: str) -> None:
    with pytest.raises(ValidationError, match="the body asked with has a key or a signature"):
        RecordedAnswer(url=URL, body=body, text="{}")


@pytest.mark.parametrize("body", ["user=1", '{"type": "clearinghouseState", "user": "0x0"}'])
def test_a_body_that_names_a_user_belongs_to_an_account(body: str) -> None:
    with pytest.raises(ValidationError, match="the body asked with names user"):
        RecordedAnswer(url=URL, body=body, text="{}")


@pytest.mark.parametrize("path", ["v5/user/query-api", "v5/order/realtime", "v1/Positions"])
def test_a_path_of_an_account_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="its address has the part"):
        RecordedAnswer(url=f"https://api.exchange.test/{path}", text="{}")


@pytest.mark.parametrize("path", ["v5/market/orderbook", "info/user-guide", "api/v4/wallet/chains"])
def test_a_path_with_a_longer_word_is_public(path: str) -> None:
    url = f"https://api.exchange.test/{path}"

    assert RecordedAnswer(url=url, text="{}", body='{"type": "user"}').url == url


@pytest.mark.parametrize(
    "url", ["http://api.exchange.test/info", "file:///etc/passwd", "/info", f"{URL}#part"]
)
def test_an_address_that_no_exchange_has_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match=r"not one of an exchange: expected https://"):
        RecordedAnswer(url=url, text="{}")
