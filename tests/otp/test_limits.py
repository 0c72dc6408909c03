"""Nobody asks or guesses more often than the limits say, however they go about it."""

from __future__ import annotations

import datetime

import pytest

from omnichannel.choices import Outcome
from otp import limits
from otp.asking import ChannelAsked
from otp.choices import EntryKind, Verdict
from otp.models import OtpChallenge, OtpCount, OtpEntry
from tests.factories import NOW
from tests.omnichannel.scripted import results
from tests.otp.conftest import MOBILE
from tests.otp.factories import make_configuration

SECOND = datetime.timedelta(seconds=1)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)


def test_second_code_must_be_waited_for(phone):
    phone.ask()
    phone.later(20 * SECOND)

    (sent,) = phone.ask()

    assert (sent.success, sent.code, sent.resend_after) == (False, "cool_down", 10)
    assert len(phone.seen) == 1


def test_wait_doubles_up_to_a_quarter_of_an_hour(phone):
    make_configuration(is_default=True, sends_per_destination_hour=20, sends_per_destination_day=20)
    waits = []
    for _ in range(7):
        (sent,) = phone.ask()
        waits.append(sent.resend_after)
        phone.later(sent.resend_after * SECOND)

    assert waits == [30, 60, 120, 240, 480, 900, 900]


def test_asking_for_the_same_request_again_waits_as_long(phone):
    (sent,) = phone.ask()

    refused = phone.resend(sent)
    phone.later(30 * SECOND)
    again = phone.resend(sent)

    assert (refused.code, refused.resend_after) == ("cool_down", 30)
    assert again.resend_after == 60


def test_cancelling_does_not_shorten_the_wait(phone):
    from otp import engine

    (sent,) = phone.ask()
    engine.cancel(sent.request_id, at=phone.now, caller="key test")

    assert phone.ask()[0].code == "cool_down"


def test_who_was_approved_need_not_wait(phone):
    (sent,) = phone.ask()
    phone.check(sent, phone.code())

    assert phone.ask()[0].success


def test_one_destination_gets_so_many_within_an_hour_whoever_asks(phone):
    sent = [phone.ask(caller=f"key {n}", purpose=f"p{n}")[0] for n in range(6)]
    phone.later(61 * MINUTE)
    later = phone.ask(caller="key 9")[0]

    assert [one.code for one in sent] == [""] * 5 + ["too_many_sends"]
    assert 0 < sent[-1].resend_after <= 3660
    assert later.success


def test_one_destination_gets_so_many_within_a_day(phone):
    taken = 0
    for n in range(30):
        taken += phone.ask(caller=f"key {n}")[0].success
        phone.later(40 * MINUTE)

    assert taken == 10


def test_one_network_asks_so_often_within_an_hour(phone):
    def ask(n, ip):
        return phone.ask(email=f"p{n}@example.com", client_ip=ip)[0].code

    asked = [ask(n, f"2001:db8::{n + 1}") for n in range(21)]

    assert asked == [""] * 20 + ["too_many_sends"]
    assert ask(30, "2001:db8:0:1::1") == ""
    assert ask(31, "::ffff:192.0.2.1") == ""


def test_one_mailbox_has_one_limit_however_its_address_is_written(phone):
    def ask(address):
        phone.later(HOUR / 10)
        return phone.ask(email=address)[0].code

    asked = [ask(f"{name}@Example.com") for name in ("ana", "Ana+1", "ana+2+3", "ANA+", "ana+x")]

    assert asked == [""] * 5
    assert ask("ana+another@example.com") == "too_many_sends"
    assert ask("anna@example.com") == ask("+ana@example.com") == ""


def test_wrong_codes_for_one_mailbox_count_together(phone):
    make_configuration(is_default=True, failures_per_destination_day=3)
    for name in ("ana+1", "ana+2", "ana+3"):
        (sent,) = phone.ask(email=f"{name}@example.com")
        phone.check(sent, phone.wrong())

    (sent,) = phone.ask(email="ana+4@example.com")

    assert phone.check(sent, phone.code()).verdict == Verdict.EXHAUSTED


def test_numbers_that_differ_in_their_last_digits_share_a_limit(phone):
    asked = [phone.ask(mobile=f"+447700900{n:03}")[0].code for n in range(31)]

    assert asked == [""] * 30 + ["too_many_sends"]


def test_purpose_has_a_cap_for_the_day(phone):
    make_configuration(purpose="login", sends_per_day=2)

    asked = [phone.ask(purpose="login", email=f"p{n}@example.com")[0].code for n in range(3)]

    assert asked == ["", "", "too_many_sends"]
    assert phone.ask(email="p9@example.com")[0].success


def guesses_of_a_day(phone, minutes, **asked):
    """Wrong codes that were compared, with a fresh request as often as there may be one."""
    evaluated = 0
    for _ in range(24 * 60 // minutes):
        for sent in phone.ask(**asked):
            if sent.success:
                wrong = "0" * len(phone.code())
                while phone.check(sent, wrong).verdict == Verdict.INCORRECT:
                    evaluated += 1
        phone.later(minutes * MINUTE)
    return evaluated


def test_fresh_requests_give_no_fresh_failures(phone):
    assert guesses_of_a_day(phone, 90) == 20


def test_four_digits_have_three_failures_a_day(phone):
    short = {"sms": ChannelAsked(length=4)}

    assert guesses_of_a_day(phone, 180, overrides=short) == 3


def test_destination_without_failures_left_is_told_apart_in_the_trail(phone):
    make_configuration(is_default=True, failures_per_destination_day=1)
    (sent,) = phone.ask()
    phone.check(sent, phone.wrong())

    locked = phone.check(sent, phone.code())

    assert locked.verdict == Verdict.EXHAUSTED
    assert OtpEntry.objects.filter(kind=EntryKind.LOCKED).count() == 1


def test_lock_is_over_after_a_day_and_holds_up_no_other_channel(phone):
    make_configuration(is_default=True, failures_per_destination_day=1)
    (sent,) = phone.ask()
    phone.check(sent, phone.wrong())

    (other,) = phone.ask(email="ana@example.com")
    assert phone.check(other, phone.code()).verdict == Verdict.APPROVED
    phone.later(25 * HOUR)
    (later,) = phone.ask()
    assert phone.check(later, phone.code()).verdict == Verdict.APPROVED


def test_right_codes_are_no_failures(phone):
    make_configuration(is_default=True, failures_per_destination_day=1)
    for _ in range(3):
        (sent,) = phone.ask()
        assert phone.check(sent, phone.code()).verdict == Verdict.APPROVED


def test_test_key_uses_up_nothing_of_a_real_person_s(phone):
    from tests.factories import make_provider

    make_provider(backend="sandbox", channel_type="sms")
    for n in range(6):
        phone.ask(caller=f"key {n}", is_test=True)

    assert phone.ask()[0].success


@pytest.mark.parametrize("window", [limits.HOUR, limits.DAY])
def test_within_no_window_more_than_the_limit_passes(db, window):
    one = limits.limit("kind", "what", 7, window)
    step = window / 37
    passed = []
    for n in range(37 * 3):
        locked = limits.Locked([one], NOW + n * step)
        if not locked.full():
            locked.take()
            passed.append(n)

    most = max(sum(first <= n < first + 37 for n in passed) for first in passed)
    assert most == 7
    assert len(passed) >= 14


def test_count_names_nobody(phone):
    phone.ask(client_ip="192.0.2.1")

    kept = str(list(OtpCount.objects.values_list("kind", "key")))
    assert MOBILE not in kept
    assert "192.0.2" not in kept
    assert OtpChallenge.objects.count() == 1


def test_mailbox_under_many_names_is_one_destination(phone):
    asked = [phone.ask(email=f"ana+{n}@example.com")[0].code for n in range(6)]

    assert asked == [""] * 5 + ["too_many_sends"]
    assert phone.ask(email="bo@example.com")[0].success


def test_what_was_handed_to_nobody_is_not_counted(phone, ways):
    resting = ways["sms"]
    resting.resting_until = phone.now + HOUR
    resting.save()
    asked = [phone.ask(client_ip="192.0.2.1")[0].code for _ in range(8)]
    resting.resting_until = None
    resting.save()

    assert asked == ["provider"] * 8
    assert [phone.ask(caller=f"key {n}")[0].code for n in range(6)] == [""] * 5 + ["too_many_sends"]


def test_asking_on_and_on_while_nothing_goes_is_counted_at_last(phone, ways):
    ways["sms"].resting_until = phone.now + HOUR
    ways["sms"].save()

    asked = [phone.ask()[0].code for _ in range(26)]

    assert asked == ["provider"] * 25 + ["too_many_sends"]


def test_code_that_a_provider_refused_is_counted(phone, scripted):
    scripted.answer = staticmethod(results(Outcome.REJECTED, "550"))

    asked = [phone.ask()[0].code for _ in range(6)]

    assert asked == ["provider"] * 5 + ["too_many_sends"]
