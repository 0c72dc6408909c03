"""Wrong passwords."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from tests.otp.two_factor.people import PASSWORD, give_password, is_in, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def locks_out(settings):
    settings.AXES_ENABLED = True


def guess(client, user, times=5, **headers):
    for _ in range(times):
        form = {"username": user.username, "password": "wrong-password"}
        answer = client.post("/admin/login/", form, **headers)
    return answer


def test_the_fifth_wrong_password_locks_out_with_a_page_of_ours(client):
    user = make_user()
    assert guess(client, user, 4).status_code == 200

    answer = guess(client, user, 1)

    assert answer.status_code == 429
    assert "From here nobody can sign in under this name for 15 minutes." in answer.text
    assert give_password(client, user).status_code == 429
    assert not is_in(client)


def test_the_lock_ends_and_guesses_meanwhile_do_not_make_it_longer(client):
    user = make_user()
    guess(client, user)
    with time_machine.travel(timezone.now() + timedelta(minutes=14)):
        assert guess(client, user, 3).status_code == 429

    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        give_password(client, user)

        assert is_in(client)


def test_others_and_other_places_are_not_locked_out(client):
    user, other = make_user(), make_user()
    guess(client, user)

    assert give_password(Client(), other).status_code == 302
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert give_password(elsewhere, user).status_code == 302


@pytest.mark.parametrize(
    ("place", "status"), [("2001:db8::9", 429), ("2001:db8:0:1::1", 302), ("192.0.2.9", 302)]
)
def test_one_network_has_no_more_guesses_for_all_its_addresses(place, status):
    user = make_user()
    for number in range(5):
        guess(Client(REMOTE_ADDR=f"2001:db8::{number + 1}"), user, 1)

    assert give_password(Client(REMOTE_ADDR=place), user).status_code == status


def test_a_right_password_starts_the_count_anew(client):
    user = make_user()
    guess(client, user, 4)
    give_password(client, user)

    assert guess(Client(), user, 4).status_code == 200


@pytest.mark.parametrize(("proxy", "locked"), [("127.0.0.1", False), ("", True)])
def test_the_address_is_the_one_that_the_trusted_proxy_tells(client, settings, proxy, locked):
    settings.TRUSTED_PROXY = proxy
    user = make_user()
    guess(client, user, headers={"X-Forwarded-For": "198.51.100.1, 192.0.2.1"})

    answer = client.post(
        "/admin/login/",
        {"username": user.username, "password": PASSWORD},
        headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.2"},
    )

    assert (answer.status_code == 429) is locked
    assert AccessAttempt.objects.get().ip_address == ("127.0.0.1" if locked else "192.0.2.1")


def test_what_is_kept_of_a_guess_names_no_password(client):
    guess(client, make_user(), 2)

    assert "wrong-password" not in str(AccessAttempt.objects.values())


def test_guesses_on_the_page_that_asks_again_count_too(client):
    user = make_user()
    give_password(client, user)

    for _ in range(5):
        answer = client.post("/admin/two-factor/confirm/", {"password": "wrong-password"})

    assert answer.status_code == 429
    assert give_password(Client(), user).status_code == 429


def test_an_administrator_lets_in_again(client, admin_client):
    user = make_user()
    guess(client, user)
    row = AccessAttempt.objects.get()
    page = admin_client.get("/admin/otp/failedsignin/")
    assert "Locked out" in page.text

    admin_client.post(f"/admin/otp/failedsignin/{row.pk}/delete/", {"post": "yes"})

    assert give_password(client, user).status_code == 302
