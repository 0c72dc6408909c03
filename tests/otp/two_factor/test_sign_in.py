from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from otp.models import RememberedBrowser, TotpDevice
from otp.two_factor import backup_codes
from tests.otp.two_factor.people import (
    DEVICES,
    LOGIN,
    PASSWORD,
    STEP,
    code_now,
    give_password,
    is_in,
    make_app,
    make_user,
    sign_in,
    wrong_code,
)

pytestmark = pytest.mark.django_db


def test_who_has_no_device_signs_in_as_before(client):
    answer = give_password(client, make_user(), next_page="/admin/password_change/")

    assert answer.headers["Location"] == "/admin/password_change/"
    assert is_in(client)


def test_the_password_alone_does_not_sign_in_who_has_a_device(client):
    user = make_user(is_superuser=True)
    make_app(user)

    answer = give_password(client, user, next_page="/admin/auth/user/")

    assert answer.headers["Location"] == "/admin/two-factor/?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert not is_in(client)


def test_the_second_factor_signs_in_and_goes_where_one_wanted(client):
    user = make_user()
    make_app(user)
    step = give_password(client, user, next_page="/admin/password_change/").headers["Location"]

    answer = client.post(step, {"code": code_now()})

    assert answer.headers["Location"] == "/admin/password_change/"
    assert is_in(client)


def test_the_session_gets_a_new_key_at_the_second_step(client):
    user = make_user()
    make_app(user)
    give_password(client, user)
    before = client.cookies["sessionid"].value

    client.post(STEP, {"code": code_now()})

    assert client.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_wrong_code_does_not_sign_in(client):
    user = make_user()
    make_app(user)

    answer = sign_in(client, user, wrong_code())

    assert "This is not the code that your app shows now. 4 tries left." in answer.text
    assert not is_in(client)


def test_a_code_that_was_used_does_not_sign_in_again(client):
    user = make_user()
    make_app(user)
    code = code_now()
    sign_in(client, user, code)
    thief = Client()

    answer = sign_in(thief, user, code)

    assert "This code was used already" in answer.text
    assert not is_in(thief)


def test_wrong_codes_of_all_sessions_count_together(client):
    user = make_user()
    make_app(user)
    for _ in range(5):
        answer = sign_in(Client(), user, wrong_code())
    assert answer.status_code == 429

    answer = sign_in(client, user)

    assert "Too many wrong codes. Try again in 15 minutes" in answer.text
    assert not is_in(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        sign_in(client, user)
        assert is_in(client)


def test_wrong_codes_do_not_end_a_session_that_is_signed_in(client):
    user = make_user()
    make_app(user)
    sign_in(client, user)

    for _ in range(6):
        sign_in(Client(), user, wrong_code())

    assert is_in(client)


def test_a_session_from_before_the_device_gives_the_second_factor_too(client):
    user = make_user()
    give_password(client, user)
    make_app(user)

    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0] == "/admin/two-factor/?next=%2Fadmin%2F"


def test_a_device_of_another_user_counts_for_nothing(client):
    user, other = make_user(), make_user()
    make_app(user)
    foreign = make_app(other)
    give_password(client, user)
    session = client.session
    session["otp_device_id"] = foreign.persistent_id
    session.save()

    assert not is_in(client)


def remove_the_used_one(client):
    """The device that vouches for this session; another one stays."""
    pk = client.session["otp_device_id"].rpartition("/")[2]
    TotpDevice.objects.get(pk=pk).delete()
    assert TotpDevice.objects.exists()


def test_a_device_that_was_removed_counts_for_nothing(client):
    user = make_user()
    make_app(user)
    make_app(user)
    sign_in(client, user)
    assert is_in(client)

    remove_the_used_one(client)

    assert not is_in(client)


def test_who_has_a_device_cannot_enrol_another_between_the_steps(client):
    user = make_user()
    make_app(user)
    give_password(client, user)

    for path in ("", "app/", "sms/", "email/", "verify/"):
        assert client.get(DEVICES + path).headers["Location"] == STEP, path


def test_a_backup_code_signs_in_once(client):
    user = make_user()
    make_app(user)
    code, *_ = backup_codes.renew(user, at=timezone.now())
    sheet = user.backupcodes_set.get()

    for expected in (True, False):
        someone = Client()
        give_password(someone, user)
        someone.post(f"{STEP}send/", {"device": sheet.persistent_id})
        someone.post(STEP, {"code": code})
        assert is_in(someone) is expected


@pytest.mark.parametrize("address", ["https://example.com/", "//example.com", "javascript:x()"])
def test_nobody_is_sent_to_another_host(client, address):
    user = make_user()
    make_app(user)
    give_password(client, user)

    answer = client.post(STEP, {"code": code_now(), "next": address})

    assert answer.headers["Location"] == "/admin/"


def test_one_may_sign_in_as_someone_else_instead(client):
    user = make_user()
    make_app(user)
    give_password(client, user)

    client.post(f"{STEP}leave/")

    assert client.get(STEP).headers["Location"] == f"{LOGIN}?next={STEP}"


def test_logging_out_and_changing_the_password_go_on_working(client):
    user = make_user()
    make_app(user)
    sign_in(client, user)
    new = "another-long-password"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    assert client.post("/admin/password_change/", form).status_code == 302
    assert is_in(client)
    client.post("/admin/logout/")
    assert not is_in(client)


class TestRememberedBrowsers:
    def test_it_is_not_asked_again(self, client):
        user = make_user()
        make_app(user)
        sign_in(client, user, remember="on")
        client.post("/admin/logout/")

        give_password(client, user)

        assert is_in(client)

    def test_the_cookie_is_for_the_studio_only_and_hidden_from_scripts(self, client):
        user = make_user()
        make_app(user)

        cookie = sign_in(client, user, remember="on").cookies[f"second_factor_{user.pk}"]

        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/admin/")
        assert cookie["max-age"] == 30 * 86_400

    def again(self, client, user):
        client.post("/admin/logout/")
        give_password(client, user)
        return is_in(client)

    def test_it_is_forgotten_after_its_time(self, client):
        user = make_user()
        make_app(user)
        sign_in(client, user, remember="on")

        with time_machine.travel(timezone.now() + timedelta(days=30, seconds=1)):
            assert not self.again(client, user)

    def test_a_new_password_voids_it(self, client):
        user = make_user()
        make_app(user)
        sign_in(client, user, remember="on")

        user.set_password(PASSWORD)  # the same one: its hash is another
        user.save()

        assert not self.again(client, user)

    def test_a_removed_device_voids_it(self, client):
        user = make_user()
        make_app(user)
        make_app(user)
        sign_in(client, user, remember="on")

        remove_the_used_one(client)

        assert not self.again(client, user)

    def test_it_can_be_forgotten_from_the_page(self, client):
        user = make_user()
        make_app(user)
        sign_in(client, user, remember="on")
        assert "This browser" in client.get(DEVICES).text
        row = RememberedBrowser.objects.get()

        client.post(f"{DEVICES}forget/", {"browser": row.pk})

        assert not self.again(client, user)

    def test_nobody_forgets_those_of_others(self, client):
        user = make_user()
        make_app(user)
        sign_in(client, user, remember="on")
        other = Client()
        give_password(other, make_user())

        other.post(f"{DEVICES}forget/", {"browser": RememberedBrowser.objects.get().pk})
        other.post(f"{DEVICES}forget/")

        assert RememberedBrowser.objects.count() == 1

    def test_the_cookie_of_another_user_counts_for_nothing(self, client):
        user, other = make_user(), make_user()
        make_app(user)
        make_app(other)
        sign_in(client, user, remember="on")
        client.cookies[f"second_factor_{other.pk}"] = client.cookies[
            f"second_factor_{user.pk}"
        ].value

        assert not self.again(client, other)

    @pytest.mark.parametrize("text", ["", "x", "a:b:c", "é"])
    def test_a_forged_cookie_counts_for_nothing(self, client, text):
        user = make_user()
        make_app(user)
        client.cookies[f"second_factor_{user.pk}"] = text

        assert not self.again(client, user)

    def test_zero_days_remember_nothing(self, client, settings):
        settings.TWO_FACTOR_REMEMBER_DAYS = 0
        user = make_user()
        make_app(user)
        give_password(client, user)

        assert "Do not ask" not in client.get(STEP).text
        client.post(STEP, {"code": code_now(), "remember": "on"})
        assert not RememberedBrowser.objects.exists()
