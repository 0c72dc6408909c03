"""Codes by SMS and e-mail, through the sandbox."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from omnichannel import installation
from omnichannel.models import ChannelProvider
from otp.models import MessageDevice, OtpChallenge
from tests.otp.two_factor.people import (
    DEVICES,
    STEP,
    code_now,
    give_password,
    is_in,
    make_app,
    make_number,
    make_user,
)

NUMBER = "+12025550143"
ADDRESS = "operator@example.com"
VERIFY = f"{DEVICES}verify/"


def other_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


@pytest.mark.parametrize(
    ("page", "typed", "kept"),
    [("sms", "(202) 555-0143", NUMBER), ("sms", NUMBER, NUMBER), ("email", ADDRESS, ADDRESS)],
)
def test_a_device_counts_once_the_code_sent_there_was_entered(client, inbox, page, typed, kept):
    user = make_user()
    give_password(client, user)
    client.post(f"{DEVICES}{page}/", {"destination": typed})
    code = inbox.code(kept)

    wrong = client.post(VERIFY, {"code": other_code(code)})
    assert "This is not the code that we sent last." in wrong.text
    assert not MessageDevice.objects.exists()
    client.post(VERIFY, {"code": code})

    assert MessageDevice.objects.get().destination == kept
    assert is_in(client)
    someone = Client()
    give_password(someone, user)
    assert not is_in(someone)


@pytest.mark.parametrize(
    ("page", "typed", "told"),
    [
        ("sms", "12", "number"),
        ("sms", "+447700900123", "ask an administrator to allow it"),
        ("email", "x", "e-mail"),
    ],
)
def test_an_address_that_cannot_be_reached_is_said_so_at_once(client, inbox, page, typed, told):
    give_password(client, make_user())

    answer = client.post(f"{DEVICES}{page}/", {"destination": typed})

    assert answer.status_code == 200
    assert told in str(answer.context["form"].errors)
    assert client.get(VERIFY).headers["Location"] == DEVICES


def test_the_password_sends_a_code_and_the_code_signs_in(client, inbox):
    user = make_user()
    make_number(user)

    step = give_password(client, user).headers["Location"]
    assert inbox.count(NUMBER) == 1
    client.post(step, {"code": inbox.code(NUMBER)})

    assert is_in(client)


def test_looking_at_the_page_sends_nothing(client, inbox):
    user = make_user()
    make_number(user)
    give_password(client, user)

    for _ in range(3):
        client.get(STEP)

    assert inbox.count(NUMBER) == 1


def test_another_code_waits_for_the_cool_down_and_voids_the_first(client, inbox):
    user = make_user()
    device = make_number(user)
    give_password(client, user)
    first = inbox.code(NUMBER)
    again = {"device": device.persistent_id}

    early = client.post(f"{STEP}send/", again, follow=True)
    assert "A code was sent a moment ago." in early.text
    assert inbox.count(NUMBER) == 1

    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        client.post(f"{STEP}send/", again)
        assert inbox.count(NUMBER) == 2
        second = inbox.code(NUMBER)
        if first != second:
            client.post(STEP, {"code": first})
            assert not is_in(client)
        client.post(STEP, {"code": second})
        assert is_in(client)


def test_a_code_answers_only_the_session_that_asked_for_it(client, inbox):
    user = make_user()
    make_number(user)
    thief = Client()
    give_password(client, user)
    code = inbox.code(NUMBER)
    give_password(thief, user)  # within the cool-down: no code of its own

    thief.post(STEP, {"code": code})

    assert not is_in(thief)
    client.post(STEP, {"code": code})
    assert is_in(client)


def test_a_session_whose_code_was_replaced_gets_another_one(client, inbox):
    user = make_user()
    device = make_number(user)
    give_password(client, user)
    inbox.let_cool_down()
    give_password(Client(), user)  # at another desk: it voids the first
    inbox.let_cool_down()

    answer = client.post(f"{STEP}send/", {"device": device.persistent_id}, follow=True)

    assert "There is no such request" not in answer.text
    assert inbox.count(NUMBER) == 3
    client.post(STEP, {"code": inbox.code(NUMBER)})
    assert is_in(client)


def test_a_code_works_once(client, inbox):
    user = make_user()
    make_number(user)
    give_password(client, user)
    code = inbox.code(NUMBER)
    kept = client.session["two_factor.asked"]
    client.post(STEP, {"code": code})
    thief = Client()
    give_password(thief, user)
    session = thief.session
    session["two_factor.asked"] = kept
    session.save()

    answer = thief.post(STEP, {"code": code})

    assert "used already" in answer.text
    assert not is_in(thief)


def test_a_code_expires(client, inbox):
    user = make_user()
    make_number(user)
    give_password(client, user)

    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        answer = client.post(STEP, {"code": inbox.code(NUMBER)})

    assert "This code has expired: send another one." in answer.text
    assert not is_in(client)


def test_a_code_that_enrolls_another_number_signs_nobody_in(client, inbox):
    """A code is for the address it was sent to, whatever the session asks next."""
    user = make_user()
    make_number(user)
    give_password(client, user)
    session = client.session
    request_id, channel, _, resend_at = session["two_factor.asked"]
    code = inbox.code(NUMBER)
    session["two_factor.asked"] = [request_id, channel, "+12025550199", resend_at]
    session.save()

    client.post(STEP, {"code": code})

    assert not is_in(client)


def test_there_is_a_choice_between_devices(client, inbox):
    user = make_user()
    make_app(user, name="Phone")
    device = make_number(user)
    give_password(client, user)
    page = client.get(STEP).text
    assert "Use the app: Phone" in page or "SMS to" in page

    client.post(f"{STEP}send/", {"device": device.persistent_id})
    client.post(STEP, {"code": inbox.code(NUMBER)})

    assert is_in(client)
    someone = Client()
    give_password(someone, user)  # the last used comes first
    assert "SMS to +1\u2022\u2022\u202243" in someone.get(STEP).text


def test_a_provider_that_is_down_is_said_so_and_another_way_is_open(client, inbox):
    user = make_user()
    app = make_app(user)
    make_number(user)
    ChannelProvider.objects.filter(channel_type="sms").update(is_active=False)
    give_password(client, user)

    page = client.get(STEP).text

    assert "The code could not be sent. Try again in a moment." in page
    client.post(f"{STEP}send/", {"device": app.persistent_id})
    client.post(STEP, {"code": code_now()})
    assert is_in(client)


def test_who_gets_no_code_while_sending_is_held_is_told_how_to_release_it(
    client, inbox, monkeypatch
):
    user = make_user()
    make_number(user)
    monkeypatch.setattr(installation.known, "is_held", True)
    give_password(client, user)

    assert "manage.py release_hold" in client.get(STEP).text
    assert inbox.count(NUMBER) == 0


def test_no_code_is_sent_while_codes_are_locked(client, inbox):
    user = make_user()
    make_number(user)
    give_password(client, user)
    wrong = other_code(inbox.code(NUMBER))
    for _ in range(5):
        client.post(STEP, {"code": wrong})

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        give_password(Client(), user)

    assert inbox.count(NUMBER) == 1


def test_what_the_engine_keeps_names_who_asked_and_from_where(client, inbox):
    user = make_user()
    make_number(user)
    client.defaults["REMOTE_ADDR"] = "192.0.2.9"

    give_password(client, user)

    challenge = OtpChallenge.objects.get()
    assert (challenge.purpose, challenge.caller) == ("studio-sign-in", "studio")
    assert challenge.client_ip == "192.0.2.9"
