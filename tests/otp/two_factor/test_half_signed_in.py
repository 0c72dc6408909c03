"""A session in which only the password was given, at every address there is."""

from __future__ import annotations

import pytest
from django.test import Client

from otp.models import Requirement
from tests.otp.two_factor.people import give_password, make_app, make_user, sign_in
from tests.test_access import DIALOG, ROUTES, contents, filled, rows

pytestmark = pytest.mark.django_db
__all__ = ["rows"]  # a fixture

# The second step's own pages, which know who it is that signs in.
OWN = "admin/two-factor/"
ANSWERS_ALL = ("admin/login/", "healthz", "readyz")


def seen(response) -> tuple[int, str]:
    return response.status_code, response.headers.get("Location", "")


def make_half_signed_in(client):
    user = make_user(is_superuser=True)
    make_app(user)
    give_password(client, user)
    assert "_auth_user_id" in client.session
    return client


def make_not_enrolled(client):
    user = make_user(is_superuser=True)
    Requirement.objects.create(user=user)
    give_password(client, user)
    assert "_auth_user_id" in client.session
    return client


def others(client, rows, method: str) -> dict[str, list]:
    """Where the session is answered in another way than nobody's is."""
    client.raise_request_exception = False
    nobody = Client(raise_request_exception=False)
    found = {}
    for route in ROUTES:
        if route in ANSWERS_ALL or route.startswith(OWN):
            continue
        address = filled(route, rows)
        mine = seen(getattr(client, method)(address, DIALOG))
        if mine != (theirs := seen(getattr(nobody, method)(address, DIALOG))):
            found[address] = [mine, theirs]
    return found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("make", [make_half_signed_in, make_not_enrolled])
def test_it_is_answered_like_nobody_everywhere(client, rows, method, make):
    make(client)
    before = contents()

    assert others(client, rows, method) == {}
    assert contents() == before


@pytest.mark.slow
def test_the_same_addresses_are_open_to_who_gave_both(client, rows):
    user = make_user(is_superuser=True)
    make_app(user)
    sign_in(client, user)

    assert len(others(client, rows, "get")) > 100


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_pages_of_devices_are_shut_to_who_owes_the_second_factor(client, rows, method):
    make_half_signed_in(client)
    before = contents()
    own = [route for route in ROUTES if route.startswith(f"{OWN}devices/")]
    assert len(own) > 8

    for route in [*own, f"{OWN}confirm/"]:
        response = getattr(client, method)(filled(route, rows), DIALOG)
        assert seen(response) in ((302, "/admin/two-factor/"), (405, "")), route
    assert contents() == before


def test_nothing_else_notices_it(client):
    make_half_signed_in(client)

    assert client.get("/healthz").status_code == 200
    assert client.get("/static/studio/studio.css").status_code == 200
    assert client.get("/api/v1/messages/").status_code == 401
