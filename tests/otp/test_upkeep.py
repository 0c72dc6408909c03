"""The trail, what a person may ask for, what is deleted, and how it is configured."""

from __future__ import annotations

import datetime
import json
import math
import time

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from omnichannel import people
from omnichannel.erasing import erase
from otp import cleaning, tasks
from otp.asking import ChannelAsked
from otp.choices import ChallengeStatus, EntryKind, Verdict
from otp.models import BlockedPrefix, OtpChallenge, OtpConfiguration, OtpCount, OtpEntry
from otp.models.numbers import TestNumber as FixedCode
from tests.factories import NOW, make_provider
from tests.factories_templates import make_template, make_version
from tests.otp.conftest import EMAIL, MOBILE
from tests.otp.factories import make_challenge, make_configuration, make_entry

DAY = datetime.timedelta(days=1)


def test_trail_tells_who_asked_and_checked_from_where_and_what_it_came_to(phone):
    (sent,) = phone.ask(client_ip="192.0.2.1", user_agent="Browser", purpose="login")
    phone.check(sent, phone.wrong(), client_ip="192.0.2.2")
    phone.check(sent, phone.code(), client_ip="192.0.2.3")

    entries = OtpEntry.objects.order_by("id")
    assert [(one.kind, one.outcome, one.client_ip) for one in entries] == [
        (EntryKind.SENT, "", "192.0.2.1"),
        (EntryKind.CHECKED, Verdict.INCORRECT, "192.0.2.2"),
        (EntryKind.CHECKED, Verdict.APPROVED, "192.0.2.3"),
    ]
    for one in entries:
        assert (one.caller, one.purpose, one.destination) == ("key test", "login", MOBILE)
        assert (one.provider, one.template) == ("OTP sms", "One-time code (original) v1")
        assert one.request_id.hex == sent.request_id


def test_check_of_a_request_that_does_not_exist_is_in_the_trail(phone):
    phone.check("0" * 32, "123456", client_ip="192.0.2.4")

    entry = OtpEntry.objects.get()
    assert (entry.kind, entry.outcome, entry.client_ip) == ("checked", "unknown", "192.0.2.4")


def test_entry_is_never_changed(db):
    make_entry()

    with pytest.raises(TypeError, match="never changed"):
        OtpEntry.objects.update(outcome="other")


def test_person_gets_and_loses_all_there_is_on_them(phone):
    phone.ask(mobile=MOBILE, email=EMAIL, variables={"name": "Ana"})
    phone.ask(mobile="+447700900555")
    code = phone.code(0)
    address = people.parse(MOBILE)

    told = json.loads("".join(people.export(address, at=phone.now)))
    erased = erase(address, keep_barred=False, at=phone.now)

    assert [row["destination"] for row in told["otp_requests"]] == [MOBILE]
    assert [row["kind"] for row in told["otp_entries"]] == ["sent"]
    assert code not in json.dumps(told)
    assert erased.others["OTP request"] == erased.others["OTP entry"] == 1
    left = OtpChallenge.objects.values_list("destination", flat=True)
    assert set(left) == {EMAIL, "+447700900555"}
    assert not OtpEntry.objects.filter(destination=MOBILE).exists()


def test_erasing_does_not_reset_what_is_counted(phone):
    phone.ask()
    before = OtpCount.objects.count()

    erase(people.parse(MOBILE), keep_barred=False, at=phone.now)

    assert OtpCount.objects.count() == before


def clean(at=NOW):
    return cleaning.clean(at, until=math.inf, stopped=lambda: False)


def test_what_is_old_is_deleted_in_chunks(db, settings, monkeypatch):
    monkeypatch.setattr(cleaning, "CHUNK", 2)
    settings.OTP_KEEP_REQUESTS_DAYS, settings.OTP_KEEP_ENTRIES_DAYS = 30, 60
    for _ in range(5):
        make_challenge(created_at=NOW - 31 * DAY)
        make_entry(at=NOW - 61 * DAY)
    kept = make_challenge(created_at=NOW - 29 * DAY, status=ChallengeStatus.APPROVED)
    make_entry(at=NOW - 59 * DAY)
    OtpCount.objects.create(kind="ip", key="old", touched_at=NOW - 3 * DAY)
    OtpCount.objects.create(kind="ip", key="new", touched_at=NOW - DAY)

    assert clean() == 11

    assert OtpChallenge.objects.get() == kept
    assert OtpEntry.objects.count() == 1
    assert OtpCount.objects.get().key == "new"


def test_nothing_is_deleted_where_all_is_kept(db, settings):
    settings.OTP_KEEP_REQUESTS_DAYS = settings.OTP_KEEP_ENTRIES_DAYS = 0
    make_challenge(created_at=NOW - 900 * DAY, status=ChallengeStatus.APPROVED)
    make_entry(at=NOW - 900 * DAY)

    assert clean() == 0


def test_deleting_stops_when_its_time_is_over(db):
    make_entry(at=NOW - 900 * DAY)

    assert cleaning.clean(NOW, until=time.monotonic() - 1, stopped=lambda: False) == 0


def test_ticks_run(db):
    make_challenge(created_at=timezone.now() - datetime.timedelta(hours=1))

    assert tasks.otp_cleanup() == 1
    assert tasks.otp_fallback() == 0
    assert OtpChallenge.objects.get().status == ChallengeStatus.EXPIRED


@pytest.mark.parametrize(
    "values",
    [
        {"expiry_duration": 11},
        {"expiry_duration": 601, "expiry_unit": "s"},
        {"tries": 11},
        {"tries": 0},
        {"length": 5},
        {"length": 4},
        {"length": 4, "tries": 3},
        {"length": 4, "failures_per_destination_day": 3},
        {"purpose": ""},
        {"countries": ["XX"]},
        {"countries": "GB"},
        {"webotp_domain": "https://example.com"},
    ],
)
def test_configuration_out_of_bounds_is_refused(db, values):
    row = OtpConfiguration(**{"purpose": "login", "name": "Sign-in", **values})

    with pytest.raises(ValidationError):
        row.full_clean()


@pytest.mark.parametrize(
    "values", [{"expiry_duration": 11}, {"length": 4, "tries": 4}, {"purpose": ""}, {"tries": 11}]
)
def test_database_holds_the_bounds_too(db, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_configuration(**values)


def test_four_digits_with_tight_limits_are_allowed(db):
    OtpConfiguration(
        purpose="door", name="Door", length=4, tries=3, failures_per_destination_day=3
    ).full_clean()


def test_one_configuration_is_the_default(db):
    make_configuration(is_default=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_configuration(is_default=True)


def test_destination_has_one_live_code(db):
    make_challenge(destination=MOBILE)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_challenge(destination=MOBILE)


def test_prefix_is_digits_or_a_domain(db):
    for good in ("+44", "+4477009", "example.com"):
        BlockedPrefix(prefix=good).full_clean()
    for bad in ("44", "+", "exa mple", "Example.com", "a@example.com"):
        with pytest.raises(ValidationError):
            BlockedPrefix(prefix=bad).full_clean()


@pytest.fixture
def listed(phone):
    make_provider(backend="scripted", channel_type="sms", name="Not the sandbox")
    make_provider(backend="sandbox", channel_type="sms", name="Sandbox")
    FixedCode.objects.create(destination=MOBILE, code="424242")
    return phone


def test_test_number_is_kept_as_requests_have_it(db, settings):
    settings.DEFAULT_PHONE_REGION = "GB"
    row = FixedCode(destination="07700 900123", code="424242")

    row.full_clean()

    assert row.destination == MOBILE
    with pytest.raises(ValidationError):
        FixedCode(destination="nobody", code="424242").full_clean()


def test_listed_number_has_its_code_with_a_test_key(listed):
    for _ in range(12):  # no wait and no cap
        (sent,) = listed.ask(is_test=True)
        checked = listed.check(sent, "424242", is_test=True)
        assert checked.verdict == Verdict.APPROVED
    assert not listed.seen


@pytest.mark.parametrize(
    ("asked", "is_test"),
    [({"is_test": False}, False), ({"is_test": True, "mobile": "+447700900999"}, True)],
    ids=["live key", "other number"],
)
def test_listed_code_opens_nothing_else(listed, asked, is_test):
    (sent,) = listed.ask(**asked)

    assert listed.check(sent, "424242", is_test=is_test).verdict == Verdict.INCORRECT


def test_request_of_a_test_key_is_nothing_to_a_live_one(listed):
    (sent,) = listed.ask(is_test=True)

    assert listed.check(sent, "424242", is_test=False).verdict == Verdict.UNKNOWN


def test_last_line_names_the_site(phone):
    from omnichannel import webotp

    make_configuration(is_default=True, webotp_domain="example.com")
    phone.ask()

    assert webotp.read(phone.seen[0].text) == ("example.com", phone.code())


def test_template_without_the_line_does_not_go_with_a_domain(db):
    template = make_version(
        make_template(channel_type="sms", category="otp"), text="{{ code }}", html=""
    ).template
    row = OtpConfiguration(
        purpose="login", name="Sign-in", webotp_domain="example.com", sms_template=template
    )

    with pytest.raises(ValidationError, match="no such line"):
        row.full_clean()


def test_override_of_the_template_by_its_code(phone):
    (sent,) = phone.ask(overrides={"sms": ChannelAsked(template="otp-code")})

    assert sent.success
