"""A code that does not arrive by SMS comes by e-mail, and the first one is void."""

from __future__ import annotations

import datetime

import pytest

from omnichannel.choices import MessageStatus, Outcome
from omnichannel.exceptions import ProviderRefused, ProviderUnavailable
from omnichannel.models import Message, Suppression
from otp import engine, fallback
from otp.asking import OtpRefused
from otp.choices import ChallengeStatus, Verdict
from otp.models import OtpChallenge, OtpEntry
from tests.omnichannel.scripted import accept, fails_with, results
from tests.otp.conftest import CALLER, EMAIL, MOBILE
from tests.otp.factories import make_configuration

WAIT = datetime.timedelta(seconds=20)


@pytest.fixture
def falls_back(phone):
    make_configuration(is_default=True, fallback_after=20)
    return phone


def both(phone, **asked):
    return phone.ask(mobile=MOBILE, email=EMAIL, **asked)


def tick(phone):
    return fallback.run_due(phone.now, lambda: False)


def sms_fails(scripted, answer):
    scripted.answer = staticmethod(lambda one: accept(one) if "@" in one.to else answer(one))


def test_without_a_report_in_time_the_email_goes_and_the_first_code_is_void(falls_back):
    (sent,) = both(falls_back)
    old = falls_back.code()
    assert tick(falls_back) == 0
    falls_back.later(WAIT)

    assert tick(falls_back) == 1
    assert tick(falls_back) == 0

    assert [one.to for one in falls_back.seen] == [MOBILE, EMAIL]
    assert falls_back.check(sent, old).verdict == Verdict.INCORRECT
    assert falls_back.check(sent, falls_back.code()).verdict == Verdict.APPROVED
    kinds = list(OtpEntry.objects.order_by("id").values_list("kind", "channel"))
    assert kinds[:3] == [("sent", "sms"), ("fell_back", "sms"), ("sent", "email")]


def test_request_that_fell_back_is_looked_at_by_its_first_id(falls_back):
    (sent,) = both(falls_back)
    falls_back.later(WAIT)
    tick(falls_back)

    found = engine.status_of(sent.request_id, at=falls_back.now, caller=CALLER)

    assert (found.channel, found.status) == ("email", ChallengeStatus.PENDING)
    assert engine.cancel(sent.request_id, at=falls_back.now, caller=CALLER)


def test_code_that_was_delivered_stays_good(falls_back):
    (sent,) = both(falls_back)
    Message.objects.update(status=MessageStatus.DELIVERED)
    falls_back.later(WAIT)

    assert tick(falls_back) == 0
    assert falls_back.check(sent, falls_back.code()).verdict == Verdict.APPROVED


def test_failure_that_is_reported_later_is_not_waited_for(falls_back):
    both(falls_back)
    Message.objects.update(status=MessageStatus.FAILED)

    assert tick(falls_back) == 1


def test_nothing_more_is_sent_to_who_entered_the_code(falls_back):
    (sent,) = both(falls_back)
    falls_back.check(sent, falls_back.code())
    falls_back.later(WAIT)

    assert tick(falls_back) == 0


@pytest.mark.parametrize(
    "answer",
    [
        results(Outcome.REJECTED, "550"),
        results(Outcome.TEMPORARY, "451"),
        fails_with(ProviderUnavailable("No connection.")),
        fails_with(ProviderRefused("Wrong password.")),
    ],
    ids=["refused", "later", "down", "locked out"],
)
def test_when_no_sms_can_go_the_email_goes_at_once(falls_back, scripted, answer):
    sms_fails(scripted, answer)

    by_sms, by_email = both(falls_back)

    assert (by_sms.success, by_sms.code) == (False, "provider")
    assert by_email.success
    assert falls_back.check(by_sms, falls_back.code()).verdict == Verdict.APPROVED


def test_asking_again_and_again_while_no_sms_can_go_waits_for_the_email(falls_back, scripted):
    sms_fails(scripted, results(Outcome.REJECTED, "550"))

    _, by_email = both(falls_back)
    (refused,) = both(falls_back)

    assert refused.code == "cool_down"
    assert falls_back.check(by_email, falls_back.code()).verdict == Verdict.APPROVED


def test_refused_number_falls_back_too(falls_back):
    by_sms, by_email = falls_back.ask(mobile="+12025550143", email=EMAIL)

    assert (by_sms.code, by_email.success) == ("country", True)


@pytest.mark.parametrize(
    "answer",
    [results(Outcome.REJECTED, "550"), fails_with(ProviderUnavailable("No connection."))],
    ids=["refused", "down"],
)
def test_without_a_fallback_the_caller_is_told_and_may_ask_again_at_once(phone, scripted, answer):
    scripted.answer = staticmethod(answer)
    (sent,) = phone.ask()
    scripted.answer = staticmethod(accept)
    Message.objects.first().provider.__class__.objects.update(resting_until=None)

    (again,) = phone.ask()

    assert (sent.success, sent.code, sent.resend_after) == (False, "provider", 0)
    assert OtpChallenge.objects.last().status == ChallengeStatus.FAILED
    assert OtpEntry.objects.filter(kind="not_sent").count() == 1
    assert again.success


def test_both_go_at_once_where_the_caller_wants_no_fallback(falls_back):
    assert len(both(falls_back, no_fallback=True)) == 2


def test_fallback_that_is_barred_leaves_the_first_code_good(falls_back):
    (sent,) = both(falls_back)
    Suppression.objects.create(channel_type="email", address=EMAIL)
    falls_back.later(WAIT)

    assert tick(falls_back) == 0
    assert tick(falls_back) == 0
    assert falls_back.check(sent, falls_back.code()).verdict == Verdict.APPROVED


def test_caller_may_switch_the_channel(falls_back):
    (sent,) = both(falls_back)

    by_email = falls_back.resend(sent, channel="email")

    assert (by_email.success, by_email.channel) == (True, "email")
    assert by_email.request_id != sent.request_id
    assert falls_back.check(sent, falls_back.code()).verdict == Verdict.APPROVED


def test_other_channel_of_a_send_gets_a_new_code_of_its_own(phone):
    by_sms, by_email = both(phone)
    old = phone.code(1)
    phone.later(datetime.timedelta(seconds=31))

    again = phone.resend(by_sms, channel="email")

    assert again.request_id == by_email.request_id
    assert phone.check(by_email, old).verdict == Verdict.INCORRECT
    assert phone.check(by_email, phone.code()).verdict == Verdict.APPROVED
    assert phone.check(by_sms, phone.code(0)).verdict == Verdict.APPROVED


def test_channel_without_an_address_is_no_channel(phone):
    (sent,) = phone.ask()

    with pytest.raises(OtpRefused) as refused:
        phone.resend(sent, channel="email")

    assert refused.value.code == "no_other_channel"


def test_switch_to_the_other_channel_counts_for_the_address_that_asks(falls_back):
    make_configuration(purpose="login", fallback_after=20, sends_per_ip_hour=1)
    (sent,) = both(falls_back, purpose="login")

    first = falls_back.resend(sent, channel="email", client_ip="192.0.2.1")
    (other,) = falls_back.ask(mobile="+447700900124", email="bo@example.com", purpose="login")
    second = falls_back.resend(other, channel="email", client_ip="192.0.2.1")

    assert (first.success, second.code) == (True, "too_many_sends")
    assert OtpChallenge.objects.get(destination=EMAIL).client_ip == "192.0.2.1"


@pytest.mark.parametrize("channel", ["", "email"])
def test_request_that_is_long_over_sends_nothing(falls_back, channel):
    (sent,) = both(falls_back)
    falls_back.later(datetime.timedelta(minutes=66))

    with pytest.raises(OtpRefused) as refused:
        falls_back.resend(sent, channel=channel)

    assert refused.value.code == "unknown"
    assert len(falls_back.seen) == 1
