"""What is found and exported of an address."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from omnichannel import people
from omnichannel.addresses import clean_address
from omnichannel.consents import Proof, give
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import MessageEvent, Suppression
from tests.factories import NOW, make_message, make_provider

pytestmark = pytest.mark.django_db


def exported(text: str) -> dict:
    return json.loads("".join(people.export(people.parse(text), at=NOW)))


@pytest.mark.parametrize(
    ("typed", "channel_type", "text"),
    [
        (" Ana@Example.COM ", "email", "ana@example.com"),
        ("(202) 555-0143", "sms", "+12025550143"),
        ("+1 202 555 0143", "sms", "+12025550143"),
        ("Token:AbC", "push", "token:abc"),
        ("not@n address", "email", "not@n address"),
    ],
)
def test_an_address_is_read_as_a_person_types_it(typed, channel_type, text):
    found = people.parse(typed)

    assert (found.channel_type, found.text) == (channel_type, text)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("  ", "Enter an e-mail address"),
        ("a" * 321, "at most 320"),
        ("a\0b@example.com", "no control characters"),
        ("a\nb@example.com", "no control characters"),
        ("a\u202eb@example.com", "no control characters"),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(typed, reason):
    with pytest.raises(InvalidMessage, match=reason):
        people.parse(typed)


def test_messages_are_found_in_whatever_case_they_were_written():
    mine = [
        make_message(to_address=text)
        for text in ("ana@example.com", "Ana@example.com", "ANA@EXAMPLE.COM")
    ]
    make_message(to_address="nana@example.com")

    found = people.messages_to(people.parse("aNa@example.com"))

    assert set(found) == set(mine)


def test_copies_are_found_by_whole_addresses_only():
    mine = make_message(cc_addresses="ben@example.com; Ana@example.com")
    also = make_message(bcc_addresses="ana@example.com")
    make_message(cc_addresses="nana@example.com; ana@example.com.invalid")

    assert set(people.copies_to(people.parse("ana@example.com"))) == {mine, also}


def test_a_wildcard_in_an_address_stands_for_itself():
    mine = make_message(cc_addresses="a_a@example.com")
    make_message(cc_addresses="aba@example.com; a%a@example.com")

    assert list(people.copies_to(people.parse("a_a@example.com"))) == [mine]


def test_many_messages_are_found_as_well_as_few(monkeypatch):
    monkeypatch.setattr(people, "FEW", 2)
    provider = make_provider()
    mine = [make_message(provider=provider, to_address="ana@example.com") for _ in range(4)]
    make_message(provider=provider)

    assert list(people.messages_of(people.parse("ana@example.com")).order_by("pk")) == mine


def test_export_holds_all_of_it(monkeypatch):
    monkeypatch.setattr(people, "PAGE", 2)
    provider = make_provider(name="Relay")
    for number in range(5):
        make_message(provider=provider, to_address="Ana@example.com", subject=f"Hi “{number}”")
    message = make_message(provider=provider, cc_addresses="ana@example.com")
    MessageEvent.objects.create(
        message=message, provider=provider, type="clicked", at=NOW, url="https://example.com/"
    )
    Suppression.objects.create(
        channel_type="email", address="ana@example.com", created_at=timezone.now()
    )
    give("email", "ana@example.com", "promotional", Proof(at=NOW, wording="Yes."))

    found = exported("ANA@example.com")

    subjects = [each["subject"] for each in found["messages"]]
    assert subjects == ["Hello", *(f"Hi “{number}”" for number in (4, 3, 2, 1, 0))]
    assert found["messages"][0]["events"][0]["url"] == "https://example.com/"
    assert found["messages"][0]["provider"] == "Relay"
    assert found["suppressions"][0]["reason"] == "manual"
    assert found["consents"][0]["wording"] == "Yes."
    assert found["audience_records"] == []


def test_export_of_nobody_is_a_whole_file():
    found = exported("nobody@example.com")

    assert (found["address"], found["messages"]) == ("nobody@example.com", [])


def test_seal_names_an_address_without_telling_it(settings):
    seal = people.parse("Ana@example.com").seal

    assert seal == people.parse("ana@EXAMPLE.com").seal
    assert "ana" not in seal
    settings.SECRET_KEY = "another"
    assert seal != people.parse("ana@example.com").seal


@pytest.mark.parametrize("typed", ["änna@example.com", "ÄNNA@example.com", "Änna@example.com"])
def test_capitals_beyond_ascii_make_no_difference(typed):
    mine = make_message(to_address=clean_address("email", "Änna@example.com"))

    assert list(people.messages_to(people.parse(typed))) == [mine]


def test_a_message_that_came_with_such_a_capital_is_found_as_it_was_written():
    mine = make_message(to_address="Änna@example.com")

    assert list(people.messages_to(people.parse("Änna@example.com"))) == [mine]
