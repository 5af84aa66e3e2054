"""Cache addresses are parsed, and shown with their defaults."""

import pytest

from tradai.cache._options.address import Address, parse_address


@pytest.mark.parametrize(
    ("url", "address", "whole"),
    [
        ("memory:", Address(), "memory:"),
        ("redis://cache", Address(host="cache"), "redis://cache:6379/0"),
        ("redis://cache:1/2", Address(host="cache", port=1, database=2), "redis://cache:1/2"),
        ("redis://[::1]/", Address(host="::1"), "redis://[::1]:6379/0"),
        ("rediss://c", Address(host="c", is_encrypted=True), "rediss://c:6379/0"),
    ],
)
def test_an_address_is_parsed_and_shown_with_its_defaults(
    url: str, address: Address, whole: str
) -> None:
    assert parse_address(url) == address
    assert str(address) == whole
    assert parse_address(whole) == address
