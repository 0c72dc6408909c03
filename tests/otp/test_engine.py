"""A code is sent, checked once, sent again and cancelled."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel.choices import Category, MessageStatus
from omnichannel.models import Message, Suppression
from otp import engine, guard
from otp.asking import ChannelAsked, InvalidOtp, OtpRefused
from otp.choices import ChallengeStatus, Verdict
from otp.models import OtpChallenge
from tests.factories import make_provider
from tests.factories_templates import make_template, make_version
from tests.otp.conftest import CALLER, EMAIL, MOBILE
from tests.otp.factories import make_configuration

SECOND = datetime.timedelta(seconds=1)
WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in "123456")


def sms_template(text):
    return make_version(
        make_template(channel_type="sms", category="otp"), text=text, html=""
    ).template


def test_code_that_arrives_is_approved_once(phone):
    (sent,) = phone.ask()

    first = phone.check(sent, phone.code())
    again = phone.check(sent, phone.code())

    assert sent.success
    assert len(sent.request_id) == 32
    assert (sent.masked_to, sent.resend_after, sent.tries_left) == ("+4*********23", 30, 5)
    assert sent.expires_at == phone.now + datetime.timedelta(minutes=5)
    assert first.verdict == Verdict.APPROVED
    assert first.challenge.status == ChallengeStatus.APPROVED
    assert again.verdict == Verdict.USED


def test_message_goes_in_the_lane_and_by_the_provider_of_one_time_passwords(phone, ways):
    phone.ask()

    row = Message.objects.get()
    assert (row.category, row.priority) == (Category.OTP, 0)
    assert row.provider == ways["sms"]
    assert row.status == MessageStatus.SENT


def test_wrong_code_uses_up_a_try(phone):
    (sent,) = phone.ask()

    checked = [phone.check(sent, phone.wrong()) for _ in range(6)]
    right = phone.check(sent, phone.code())

    assert [one.verdict for one in checked] == [Verdict.INCORRECT] * 5 + [Verdict.EXHAUSTED]
    assert [one.tries_left for one in checked] == [4, 3, 2, 1, 0, 0]
    assert right.verdict == Verdict.EXHAUSTED


@pytest.mark.parametrize(
    "typed",
    ["", " ", WIDE, "123456" * 40, "12345\0", "é" * 6, "12345", "1234567", None, 123456],
)
def test_what_is_no_code_is_incorrect_and_counts(phone, typed):
    (sent,) = phone.ask()

    checked = phone.check(sent, typed)

    assert (checked.verdict, checked.tries_left) == (Verdict.INCORRECT, 4)


def test_full_width_digits_of_the_right_code_are_refused(phone):
    (sent,) = phone.ask()
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in phone.code())

    assert phone.check(sent, wide).verdict == Verdict.INCORRECT


def test_blanks_and_hyphens_do_not_matter(phone):
    (sent,) = phone.ask()
    code = phone.code()

    assert phone.check(sent, f" {code[:3]}-{code[3:]} ").verdict == Verdict.APPROVED


def test_code_expires(phone):
    (sent,) = phone.ask()
    code = phone.code()

    phone.later(datetime.timedelta(minutes=5))

    assert phone.check(sent, code).verdict == Verdict.EXPIRED
    assert OtpChallenge.objects.get().status == ChallengeStatus.EXPIRED


def test_clock_that_was_set_back_neither_extends_nor_refuses(phone):
    (sent,) = phone.ask()

    phone.later(-datetime.timedelta(minutes=2))

    assert phone.check(sent, phone.code()).verdict == Verdict.APPROVED


def test_new_code_voids_the_old_one_which_counts_as_a_try(phone):
    (sent,) = phone.ask()
    old = phone.code()
    phone.later(31 * SECOND)

    again = phone.resend(sent)
    checked = phone.check(sent, old)

    assert again.success
    assert again.request_id == sent.request_id
    assert (checked.verdict, checked.tries_left) == (Verdict.INCORRECT, 4)
    assert phone.check(sent, phone.code()).verdict == Verdict.APPROVED


def test_new_request_takes_the_place_of_the_old_one(phone):
    (first,) = phone.ask()
    old = phone.code()
    phone.later(31 * SECOND)
    (second,) = phone.ask()

    assert phone.check(first, old).verdict == Verdict.UNKNOWN
    assert phone.check(second, old).verdict == Verdict.INCORRECT
    assert phone.check(second, phone.code()).verdict == Verdict.APPROVED


@pytest.mark.parametrize(
    "asked",
    [{"caller": "key other"}, {"purpose": "payment"}, {"is_test": True}],
    ids=["caller", "purpose", "test"],
)
def test_code_is_good_for_nothing_else(phone, asked):
    (sent,) = phone.ask(purpose="login")

    refused = phone.check(sent, phone.code(), **asked)

    assert refused == (Verdict.UNKNOWN, 0, None)
    assert phone.check(sent, phone.code(), purpose="login").verdict == Verdict.APPROVED


@pytest.mark.parametrize("text", ["", "x", "0" * 32, "g" * 32, "é" * 32, None])
def test_request_that_does_not_exist_is_unknown(phone, text):
    assert phone.check(text, "123456") == (Verdict.UNKNOWN, 0, None)


def test_cancelled_request_takes_no_code(phone):
    (sent,) = phone.ask()

    cancelled = engine.cancel(sent.request_id, at=phone.now, caller=CALLER)

    assert cancelled
    assert not engine.cancel(sent.request_id, at=phone.now, caller=CALLER)
    assert phone.check(sent, phone.code()).verdict == Verdict.UNKNOWN
    with pytest.raises(OtpRefused, match="ask for a new code"):
        phone.resend(sent)


def test_nobody_cancels_or_looks_at_another_caller_s_request(phone):
    (sent,) = phone.ask()

    assert not engine.cancel(sent.request_id, at=phone.now, caller="key other")
    assert engine.status_of(sent.request_id, at=phone.now, caller="key other") is None
    with pytest.raises(OtpRefused):
        engine.resend(sent.request_id, at=phone.now, caller="key other")


def test_status_tells_what_became_of_it(phone):
    (sent,) = phone.ask()

    pending = engine.status_of(sent.request_id, at=phone.now, caller=CALLER)
    phone.later(datetime.timedelta(minutes=6))
    over = engine.status_of(sent.request_id, at=phone.now, caller=CALLER)

    assert ChallengeStatus(pending.status).number == 1
    assert ChallengeStatus(over.status).number == 4


def test_two_channels_have_two_codes(phone):
    by_sms, by_email = phone.ask(mobile=MOBILE, email=EMAIL)

    assert (by_sms.channel, by_email.channel) == ("sms", "email")
    assert phone.check(by_email, phone.code(1)).verdict == Verdict.APPROVED
    assert phone.check(by_sms, phone.code(0)).verdict == Verdict.APPROVED


def test_same_code_on_both_channels_settles_both_and_has_the_tries_of_one(phone):
    by_sms, by_email = phone.ask(mobile=MOBILE, email=EMAIL, same_code=True)
    code = phone.code(0)

    wrong = [phone.check(one, "0") for one in (by_sms, by_email, by_sms)]
    right = phone.check(by_email, code)

    assert phone.code(1) == code
    assert [one.tries_left for one in wrong] == [4, 3, 2]
    assert right.verdict == Verdict.APPROVED
    assert phone.check(by_sms, code).verdict == Verdict.USED


def test_call_may_say_otherwise_than_the_configuration(phone):
    own = make_provider(backend="scripted", channel_type="sms")
    template = sms_template("{{ shop }}: {{ code }}")
    asked = ChannelAsked(8, 60 * SECOND, template.pk, own.pk)

    (sent,) = phone.ask(overrides={"sms": asked}, variables={"shop": "Corner"})

    message = Message.objects.get()
    assert phone.seen[0].text == f"Corner: {phone.code()}"
    assert len(phone.code()) == 8
    assert sent.expires_at == phone.now + 60 * SECOND
    assert message.provider == own
    assert phone.check(sent, phone.code()).verdict == Verdict.APPROVED


def test_letters_are_read_in_either_case(phone):
    make_configuration(is_default=True, kind="alphanumeric", length=8)
    (sent,) = phone.ask()

    assert phone.check(sent, phone.code().lower()).verdict == Verdict.APPROVED


def test_configuration_of_a_purpose_that_is_switched_off_sends_nothing(phone):
    make_configuration(purpose="login", is_active=False)

    with pytest.raises(OtpRefused) as refused:
        phone.ask(purpose="login")

    assert refused.value.code == "inactive"
    assert not phone.seen


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"mobile": "12"}, "mobile"),
        ({"email": "nobody"}, "email"),
        ({"mobile": ""}, "mobile"),
        ({"purpose": "a b"}, "purpose"),
        ({"client_ip": "1.2.3"}, "client_ip"),
        ({"client_ip": "fe80::1%eth0"}, "client_ip"),
        ({"user_agent": "Browser\0"}, "user_agent"),
        ({"user_agent": "Browser \ud800"}, "user_agent"),
        ({"variables": {"code": "1"}}, "variables.code"),
        ({"variables": {"x": "\0"}}, "variables"),
        ({"overrides": {"fax": ChannelAsked()}}, "overrides.fax"),
        ({"overrides": {"sms": ChannelAsked(length=5)}}, "overrides.sms.length"),
        ({"overrides": {"sms": ChannelAsked(expires_in=601 * SECOND)}}, "overrides.sms.expires_in"),
        ({"overrides": {"sms": ChannelAsked(template="none")}}, "overrides.sms.template"),
    ],
)
def test_what_cannot_be_sent_is_said_by_its_field(phone, asked, field):
    with pytest.raises(InvalidOtp) as refused:
        phone.ask(**asked)

    assert field in [name for name, _ in refused.value.faults]
    assert not phone.seen


def test_missing_variable_is_the_caller_s_to_mend(phone):
    template = sms_template("{{ shop }}: {{ code }}")

    with pytest.raises(InvalidOtp) as refused:
        phone.ask(overrides={"sms": ChannelAsked(template=template.pk)})

    assert refused.value.faults[0][0] == "variables.shop"
    assert OtpChallenge.objects.get().status == ChallengeStatus.FAILED


def test_code_to_a_suppressed_address_is_not_sent_and_its_caller_is_told(phone):
    Suppression.objects.create(channel_type="sms", address=MOBILE)

    (sent,) = phone.ask()

    assert (sent.success, sent.code) == (False, "suppressed")
    assert sent.message == "No code can be sent to this address now."
    assert not phone.seen


def test_answer_is_the_same_for_known_and_unknown_destinations(phone):
    (known,) = phone.ask(email="known@example.com")
    phone.check(known, phone.code())

    (again,) = phone.ask(email="known@example.com")
    (first,) = phone.ask(email="kreta@example.com")

    assert again._replace(request_id="") == first._replace(request_id="")


def test_same_work_is_done_for_known_and_unknown_destinations(phone):
    phone.ask(email="known@example.com")
    phone.later(datetime.timedelta(hours=2))
    counts = []
    for name in ("warm", "known", "stranger"):
        with CaptureQueriesContext(connection) as queries:
            phone.ask(email=f"{name}@example.com")
        counts.append(len(queries))

    assert counts[1] == counts[2]


def test_code_that_is_entered_while_a_new_one_is_made_counts(phone, monkeypatch):
    (sent,) = phone.ask()
    phone.later(31 * SECOND)
    passes, checked = guard.check, []

    def meanwhile(*given, **named):
        checked.append(phone.check(sent, phone.code()).verdict)
        return passes(*given, **named)

    monkeypatch.setattr(guard, "check", meanwhile)
    refused = phone.resend(sent)

    assert checked == [Verdict.APPROVED]
    assert refused.code == "unknown"
    assert OtpChallenge.objects.get().status == ChallengeStatus.APPROVED
    assert len(phone.seen) == 1
