"""A user's own devices."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from otp.models import BackupCodes, Requirement, TotpDevice
from tests.otp.two_factor.people import (
    DEVICES,
    PASSWORD,
    SECRET,
    STEP,
    code_now,
    give_password,
    is_in,
    make_app,
    make_user,
    sign_in,
)

pytestmark = pytest.mark.django_db
APP = f"{DEVICES}app/"


def shown_secret(page) -> str:
    return re.search(r"two-factor-secret\">([A-Z2-7 ]+)<", page.text)[1].replace(" ", "")


def enrol_app(client, **more):
    secret = shown_secret(client.get(APP))
    return client.post(APP, {"code": code_now(secret), **more})


def shown_codes(page) -> list[str]:
    return re.findall(r"<li><code>([a-z2-9]{5}-[a-z2-9]{5})</code>", page.text)


def test_an_app_counts_once_its_code_was_entered(client):
    user = make_user()
    give_password(client, user)
    page = client.get(APP)
    assert "<svg" in page.text
    assert not TotpDevice.objects.exists()

    wrong = client.post(APP, {"code": "000"})
    answer = enrol_app(client, name="Phone")

    assert "This is not the code that your app shows now." in wrong.text
    assert len(shown_codes(answer)) == 10
    assert TotpDevice.objects.get().name == "Phone"
    assert is_in(client)  # the code was a second factor
    assert not is_in_with_password(user)


def is_in_with_password(user) -> bool:
    someone = Client()
    give_password(someone, user)
    return is_in(someone)


def test_the_code_that_enrolled_does_not_sign_in_as_well(client):
    user = make_user()
    give_password(client, user)
    secret = shown_secret(client.get(APP))
    code = code_now(secret)
    client.post(APP, {"code": code})
    someone = Client()

    answer = sign_in(someone, user, code)

    assert "This code was used already" in answer.text


def test_the_secret_is_sealed_in_the_database(client):
    user = make_user()
    give_password(client, user)
    secret = shown_secret(client.get(APP))
    assert secret not in str(dict(client.session))
    enrol_app(client)

    assert secret not in str(TotpDevice.objects.values())
    assert TotpDevice.objects.get().secret == secret


def test_backup_codes_are_shown_once_and_the_rest_are_counted(client):
    user = make_user()
    give_password(client, user)
    codes = shown_codes(enrol_app(client))
    someone = Client()
    give_password(someone, user)
    sheet = BackupCodes.objects.get()
    someone.post(f"{STEP}send/", {"device": sheet.persistent_id})
    someone.post(STEP, {"code": codes[0]})

    page = client.get(DEVICES)

    assert "9 of 10 left" in page.text
    assert not shown_codes(page)


def test_renewed_codes_replace_those_of_before(client):
    user = make_user()
    give_password(client, user)
    old = shown_codes(enrol_app(client))

    new = shown_codes(client.post(f"{DEVICES}codes/"))

    assert len(new) == 10
    assert not set(old) & set(new)


def test_removing_a_device_needs_the_password_again_after_a_while(client):
    user = make_user()
    device = make_app(user)
    sign_in(client, user)
    url = f"{DEVICES}app/{device.pk}/remove/"

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        answer = client.post(url)
        assert answer.headers["Location"].startswith("/admin/two-factor/confirm/")
        assert TotpDevice.objects.exists()
        assert (
            "not your password" in client.post("/admin/two-factor/confirm/", {"password": "x"}).text
        )

        form = {"password": PASSWORD, "next": url}
        assert client.post("/admin/two-factor/confirm/", form).headers["Location"] == url
        client.post(url)

    assert not TotpDevice.objects.exists()


def test_with_the_last_device_the_backup_codes_go_and_the_password_is_enough(client):
    user = make_user()
    give_password(client, user)
    enrol_app(client)

    client.post(f"{DEVICES}app/{TotpDevice.objects.get().pk}/remove/")

    assert not BackupCodes.objects.exists()
    assert is_in(client)
    assert is_in_with_password(user)


def test_the_session_goes_on_when_its_device_is_removed_and_another_stays(client):
    user = make_user()
    make_app(user)
    make_app(user, name="Other")
    sign_in(client, user)
    pk = int(client.session["otp_device_id"].rpartition("/")[2])

    client.post(f"{DEVICES}app/{pk}/remove/")

    assert TotpDevice.objects.count() == 1
    assert is_in(client)


def test_nobody_removes_the_devices_of_others(client):
    device = make_app(make_user())
    give_password(client, make_user(is_superuser=True))

    assert client.post(f"{DEVICES}app/{device.pk}/remove/").status_code == 404
    assert TotpDevice.objects.exists()


def test_what_was_done_is_in_the_history_of_the_user(client):
    user = make_user()
    give_password(client, user)
    enrol_app(client, name="Phone")
    client.post(f"{DEVICES}app/{TotpDevice.objects.get().pk}/remove/")

    told = LogEntry.objects.filter(object_id=user.pk).order_by("pk")
    assert [entry.change_message for entry in told] == [
        "Two-factor device added: Phone.",
        "Two-factor device removed: Phone.",
    ]


class TestRequired:
    @pytest.fixture(params=["user", "group"])
    def required(self, request):
        user = make_user(is_superuser=True)
        if request.param == "user":
            Requirement.objects.create(user=user)
        else:
            group = Group.objects.create(name="Operators")
            user.groups.add(group)
            Requirement.objects.create(group=group)
        return user

    def test_who_has_no_device_is_led_to_enrolment_and_nowhere_else(self, client, required):
        answer = client.post(
            "/admin/login/", {"username": required.username, "password": PASSWORD}, follow=True
        )

        assert answer.redirect_chain[-1][0].startswith(DEVICES)
        assert "Your account needs a second factor" in answer.text
        assert not is_in(client)

    def test_a_first_device_signs_in(self, client, required):
        give_password(client, required)

        enrol_app(client)

        assert is_in(client)

    def test_the_last_device_stays(self, client, required):
        device = make_app(required)
        sign_in(client, required)

        answer = client.post(f"{DEVICES}app/{device.pk}/remove/", follow=True)

        assert "add another device before you remove this" in answer.text
        assert TotpDevice.objects.exists()

    def test_enrolment_needs_the_password_again_when_it_was_given_long_ago(self, client, required):
        give_password(client, required)

        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            answer = client.get(APP)

        assert answer.headers["Location"].startswith("/admin/two-factor/confirm/")

    def test_a_session_from_before_is_led_there_too(self, client):
        user = make_user()
        give_password(client, user)
        assert is_in(client)

        Requirement.objects.create(user=user)

        assert not is_in(client)


def test_a_secret_that_no_key_opens_is_said_to_be_so(client, settings):
    user = make_user()
    make_app(user, secret=SECRET)
    settings.FIELD_ENCRYPTION_KEYS = ["another-key"]

    answer = sign_in(client, user)

    assert answer.status_code == 200
    assert "Use another way, or ask an administrator" in answer.text
