"""Codes are not sent where they only cost money."""

from __future__ import annotations

import datetime

import pytest

from otp import fraud
from otp.choices import BlockReason, EntryKind
from otp.models import BlockedPrefix, OtpEntry
from tests.otp.conftest import MOBILE
from tests.otp.factories import make_configuration, make_entry

HOUR = datetime.timedelta(hours=1)
OUTWARD = "No code can be sent to this address now."


@pytest.mark.parametrize(
    ("mobile", "code"),
    [
        ("+12025550143", "country"),
        ("+40712345678", "country"),
        ("+449098790000", "premium"),
        ("+448700000000", "premium"),
        ("+447012345678", "premium"),
        ("+88213555555", "country"),
        (MOBILE, ""),
    ],
)
def test_only_ordinary_numbers_of_the_country_get_one(phone, mobile, code):
    (sent,) = phone.ask(mobile=mobile)

    assert sent.code == code
    assert sent.message == (OUTWARD if code else "A code was sent.")
    assert len(phone.seen) == (not code)


def test_further_countries_are_listed(phone):
    make_configuration(is_default=True, countries=["RO", "US"])

    assert phone.ask(mobile="+40712345678")[0].success
    assert phone.ask(mobile="+12025550143")[0].success
    assert phone.ask(mobile=MOBILE)[0].code == "country"


def test_blocked_prefix_gets_none_and_says_what_a_foreign_country_says(phone):
    block = fraud.block_prefix("+447700", at=phone.now, note="Pumping")
    (refused,) = phone.ask()
    (foreign,) = phone.ask(mobile="+12025550143")

    fraud.lift_block(block, at=phone.now)

    assert refused.code == "blocked_prefix"
    assert refused[1:4] == foreign[1:4]
    assert phone.ask()[0].success
    assert not fraud.lift_block(block, at=phone.now)


def test_block_of_a_mail_domain_holds_for_the_domains_below_it(phone):
    fraud.block_prefix("example.com", at=phone.now)

    assert phone.ask(email="a@mail.example.com")[0].code == "blocked_prefix"
    assert phone.ask(email="a@notexample.com")[0].success


def test_block_ends_by_itself(phone):
    fraud.block_prefix("+447700", at=phone.now, until=phone.now + HOUR)
    phone.later(HOUR)

    assert phone.ask()[0].success


def test_blocking_twice_keeps_one_block(db):
    at = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
    first = fraud.block_prefix("+447700", at=at, until=at + HOUR)

    assert fraud.block_prefix("+447700", at=at) == first
    assert BlockedPrefix.objects.get().until is None


def sent_to(prefix, number, at, **values):
    OtpEntry.objects.bulk_create(
        OtpEntry(kind=EntryKind.SENT, channel="sms", prefix=prefix, at=at, **values)
        for _ in range(number)
    )


def test_prefix_whose_codes_nobody_enters_is_blocked_for_a_day(phone):
    sent_to("+447700900"[:-1], 49, phone.now - HOUR)
    assert phone.ask()[0].success  # the fiftieth

    (refused,) = phone.ask(mobile="+447700900124")

    block = BlockedPrefix.objects.get()
    assert refused.code == "blocked_prefix"
    assert (block.prefix, block.reason) == ("+44770090", BlockReason.CONVERSION)
    assert block.until == phone.now + datetime.timedelta(days=1)
    assert phone.ask(mobile="+447400123456")[0].success


def test_prefix_whose_codes_are_entered_goes_on(phone):
    sent_to("+44770090", 60, phone.now - HOUR)
    for _ in range(6):
        make_entry(kind="checked", outcome="approved", prefix="+44770090", at=phone.now - HOUR)

    assert phone.ask()[0].success


def test_codes_that_no_provider_took_are_not_held_against_a_prefix(phone):
    sent_to("+44770090", 60, phone.now - HOUR)
    for _ in range(60):
        make_entry(kind="not_sent", message_id=1, prefix="+44770090", at=phone.now - HOUR)

    assert phone.ask()[0].success


def test_lifted_block_judges_anew(phone):
    sent_to("+44770090", 60, phone.now - HOUR)
    assert not phone.ask()[0].success

    fraud.lift_block(BlockedPrefix.objects.get(), at=phone.now)

    assert phone.ask()[0].success


def test_pump_over_one_prefix_is_stopped_and_another_country_is_not(phone):
    make_configuration(is_default=True, countries=["GB", "RO"], sends_per_prefix_hour=10_000)
    pumped = sum(phone.ask(mobile=f"+44770090{n:04}")[0].success for n in range(80))

    assert pumped == 50
    assert phone.ask(mobile="+40712345678")[0].success


def test_figures_tell_what_went_where(db):
    at = datetime.datetime(2026, 3, 2, 12, 30, tzinfo=datetime.UTC)
    for kind, outcome in (("sent", ""), ("sent", ""), ("checked", "approved"), ("refused", "x")):
        make_entry(at=at, kind=kind, outcome=outcome, country="US")
    make_entry(at=at + HOUR, country="GB", prefix="+44770090")
    make_entry(at=at, country="GB", is_test=True)
    since, until = at - HOUR, at + 2 * HOUR

    by_country = fraud.by_country(since=since, until=until)
    by_prefix = fraud.by_prefix(since=since, until=until, most=1)
    over_time = fraud.over_time(since=since, until=until)

    assert by_country == [("US", 2, 1, 1), ("GB", 1, 0, 0)]
    assert by_country[0].conversion == 50
    assert by_prefix == [("+1202555", 2, 1, 1)]
    assert [(one.key.hour, one.sends) for one in over_time] == [(12, 2), (13, 1)]


def test_every_refusal_is_in_the_trail(phone):
    phone.ask(mobile="+12025550143", client_ip="192.0.2.9")

    entry = OtpEntry.objects.get()
    assert (entry.kind, entry.outcome, entry.country) == ("refused", "country", "US")
    assert (entry.caller, entry.client_ip) == ("key test", "192.0.2.9")


@pytest.mark.parametrize(
    ("mobile", "code"),
    [("+17005550123", "country"), ("+447012345678", "premium"), ("+447640123456", "premium")],
)
def test_numbers_of_no_known_country_and_dear_ones_get_none(phone, mobile, code):
    make_configuration(is_default=True, countries=["US", "GB"])

    assert phone.ask(mobile=mobile)[0].code == code


def test_trail_says_which_system_blocked_and_lifted(db):
    at = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
    block = fraud.block_prefix("+447700", at=at, caller="key abc")
    fraud.lift_block(block, at=at, caller="key def")

    assert list(OtpEntry.objects.order_by("id").values_list("kind", "caller")) == [
        ("blocked", "key abc"),
        ("lifted", "key def"),
    ]
