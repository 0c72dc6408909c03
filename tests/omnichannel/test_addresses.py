from __future__ import annotations

import pytest
from django.db.models.functions import Lower
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.addresses import clean_address, clean_email, parse_email, split_addresses
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import Message
from tests.factories import make_message


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


PIECES = st.text("abzAZ09._+-'\u017f\u0130\u00e9 @", min_size=0, max_size=12)
ENDS = st.sampled_from(
    ["com", "co.uk", "de", "COM", "c0m", "x", "", "xn--p1ai", "-a.com", "a-.com"]
)
LABELS = st.text("abAZ09-\u00fc", min_size=0, max_size=6) | st.just("xn--bcher-kva")


def either(clean, text):
    try:
        return clean(text)
    except InvalidMessage:
        return "refused"


@given(PIECES, LABELS, ENDS)
def test_the_short_way_judges_addresses_as_the_parser_does(local, label, end):
    text = f"{local}@{label}.{end}".strip()

    assert either(clean_email, text) == either(parse_email, text)


@pytest.mark.parametrize("size", [63, 64, 65, 242, 243])
def test_the_short_way_has_the_parsers_limits(size):
    text = f"{'a' * size}@example.com"
    longer = f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * (size - 12)}.com"

    assert either(clean_email, text) == either(parse_email, text)
    assert either(clean_email, longer) == either(parse_email, longer)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Änna.ÖZ@example.com", "änna.öZ@example.com"),
        ("Ana@example.com", "Ana@example.com"),
        ("a\u0308ÉΣ@example.com", "äéσ@example.com"),
    ],
)
@pytest.mark.django_db
def test_capitals_beyond_ascii_are_found_again_by_the_database(typed, kept):
    cleaned = clean_address("email", typed)
    make_message(to_address=cleaned)

    [lower] = Message.objects.values_list(Lower("to_address"), flat=True)

    assert cleaned == kept
    assert lower == cleaned.lower()
