from __future__ import annotations

import pytest

from omnichannel.addresses import clean_address, split_addresses
from omnichannel.exceptions import InvalidMessage


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  Ana.Maria+news@EXAMPLE.Com ", "Ana.Maria+news@example.com"),
        ("o'neil@example.co.uk", "o'neil@example.co.uk"),
        ("ana@bücher.example", "ana@bücher.example"),
        ("用户@example.com", "用户@example.com"),
    ],
)
def test_an_address_is_stored_with_its_domain_in_lower_case(text, expected):
    assert clean_address("email", text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "ana", "ana@", "@example.com", "ana@example", "a b@example.com", "ana@@example.com",
     "ana@-example.com", "a" * 65 + "@example.com", "ana@example.com;b@example.com",
     ".ana@example.com", "ana..b@example.com", "ana@example.com\n"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidMessage):
        clean_address("email", text)


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+1 (202) 555-0143", "", "+12025550143"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("020 7946 0958", "GB", "+442079460958"),
    ],
)
def test_a_phone_number_is_stored_in_e164(text, region, expected):
    assert clean_address("sms", text, region) == expected


@pytest.mark.parametrize("text", ["", "12", "call me", "202 555 0143", "+1 202 555"])
def test_what_is_no_phone_number_is_refused(text):
    with pytest.raises(InvalidMessage):
        clean_address("sms", text)


def test_a_list_is_split_at_semicolons_and_blanks_are_dropped():
    assert split_addresses(" a@example.com;; b@example.com ;") == ["a@example.com", "b@example.com"]
