from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from omnichannel import consents, suppressions
from omnichannel.models import Consent, Suppression
from omnichannel.suppressions import Word
from tests.factories import NOW
from tests.factories_api import caller

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/suppressions/"
CONSENTS = "/api/v1/consents/"


@pytest.fixture
def client():
    return caller("suppression")


def make_suppression(address="a@example.com", **values):
    return Suppression.objects.create(channel_type="email", address=address, **values)


def field_of(answer):
    assert answer.status_code == 400, answer.content
    return answer.json()["errors"][0]["field"]


def test_suppression_is_added_in_the_form_that_is_compared(client):
    answer = client.post(ROUTE, {"channel_type": "email", "address": " Ann@EXAMPLE.com"})

    assert answer.status_code == 201, answer.content
    row = Suppression.objects.get()
    assert (row.address, row.reason, row.category) == ("ann@example.com", "manual", "")
    assert row.note == f"API key {client.key}"
    assert answer.data["state"] == "in force"


def test_what_is_known_may_be_said_again(client):
    row = make_suppression(lifted_at=NOW, created_at=NOW)

    answer = client.post(
        ROUTE, {"channel_type": "email", "address": row.address, "note": "By phone"}
    )

    assert (answer.status_code, answer.data["id"]) == (201, row.pk)
    row.refresh_from_db()
    assert (row.lifted_at, row.note) == (None, "By phone")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"address": "nobody"}, "address"),
        ({"address": ""}, "address"),
        ({"channel_type": "sms"}, "address"),
        ({"channel_type": "pigeon"}, "channel_type"),
        ({"reason": "dislike"}, "reason"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_bad_value_is_named(client, values, field):
    given = {"channel_type": "email", "address": "a@example.com", **values}

    assert field_of(client.post(ROUTE, given)) == field
    assert not Suppression.objects.exists()


def test_lifted_row_stays_and_is_lifted_once(client):
    row = make_suppression()

    answer = client.post(f"{ROUTE}{row.pk}/lift/")

    assert (answer.status_code, answer.data["state"]) == (200, "lifted")
    assert client.post(f"{ROUTE}{row.pk}/lift/").status_code == 409
    assert client.delete(f"{ROUTE}{row.pk}/").status_code == 405
    assert client.patch(f"{ROUTE}{row.pk}/", {"note": "x"}).status_code == 405


@pytest.mark.parametrize("reason", ["bounce", "complaint"])
def test_what_a_mailbox_said_is_lifted_by_who_is_sure(client, reason):
    row = make_suppression(reason=reason)

    assert client.post(f"{ROUTE}{row.pk}/lift/").status_code == 422
    assert client.post(f"{ROUTE}{row.pk}/lift/", {"sure": "yes"}).status_code == 400
    assert Suppression.objects.in_force().exists()
    assert client.post(f"{ROUTE}{row.pk}/lift/", {"sure": True}).status_code == 200
    assert not Suppression.objects.in_force().exists()


def test_list_is_filtered_and_followed_by_cursor(client, django_assert_max_num_queries):
    day = datetime.timedelta(days=1)
    make_suppression("a@example.com")
    make_suppression("b@example.com", expires_at=timezone.now() - day)
    make_suppression("c@example.com", lifted_at=NOW, reason="bounce", created_at=NOW)

    def found(query):
        return [row["address"][0] for row in client.get(f"{ROUTE}?{query}").data["results"]]

    assert found("") == ["c", "b", "a"]
    assert found("state=in%20force") == ["a"]
    assert found("state=expired") == ["b"]
    assert found("state=lifted&reason=bounce") == ["c"]
    assert found("address=A@example.com") == ["a"]
    assert found("search=b@") == ["b"]
    assert found("created_at__lt=2026-03-03T00:00:00Z") == ["c"]
    assert client.get(f"{ROUTE}?state=odd").status_code == 400
    first = client.get(f"{ROUTE}?page_size=2").data
    assert [row["address"][0] for row in client.get(first["next"]).data["results"]] == ["a"]
    with django_assert_max_num_queries(3):
        client.get(ROUTE)


def test_reader_adds_and_lifts_nothing():
    row = make_suppression()
    reader = caller("read", "content")

    assert reader.get(ROUTE).status_code == 200
    assert reader.post(ROUTE, {}).status_code == 403
    assert reader.post(f"{ROUTE}{row.pk}/lift/").status_code == 403


def test_api_word_is_held_against_later_ones(client):
    client.post(ROUTE, {"channel_type": "sms", "address": "+1 202 555 0143"})

    old = Word("sms", "+12025550143", "manual", at=NOW, lifts=True)
    suppressions.say([old])

    assert Suppression.objects.in_force().get().address == "+12025550143"


def test_consent_is_recorded_and_withdrawn(client):
    given = {
        "address": "Ann@example.com",
        "at": "2026-03-01T10:00:00Z",
        "source": "Shop",
        "ip": "192.0.2.7",
        "wording": "I agree.",
    }
    answer = client.post(CONSENTS, given)

    assert answer.status_code == 201, answer.content
    row = Consent.objects.get()
    assert (row.address, row.channel_type, row.category) == (
        "ann@example.com",
        "email",
        "promotional",
    )
    assert (row.is_granted, row.ip, row.wording) == (True, "192.0.2.7", "I agree.")
    assert consents.latest("email", "promotional", [row.address]) == {row.address: True}
    client.post(CONSENTS, {"address": row.address, "is_granted": False})
    assert consents.latest("email", "promotional", [row.address]) == {row.address: False}
    assert client.delete(f"{CONSENTS}{row.pk}/").status_code == 405


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"at": "2999-01-01T00:00:00Z"}, "at"),
        ({"ip": "300.1.1.1"}, "ip"),
        ({"is_granted": "no"}, "is_granted"),
        ({"address": "nobody"}, "address"),
    ],
)
def test_bad_consent_is_named(client, values, field):
    assert field_of(client.post(CONSENTS, {"address": "a@example.com", **values})) == field
    assert not Consent.objects.exists()


def test_consents_are_filtered(client, django_assert_max_num_queries):
    for name, is_granted in (("a", True), ("b", False)):
        Consent.objects.create(address=f"{name}@example.com", is_granted=is_granted, at=NOW)

    def count(query):
        return len(client.get(f"{CONSENTS}?{query}").data["results"])

    assert count("is_granted=false") == 1
    assert count("address=A@EXAMPLE.COM") == 1
    assert count("at__gte=2026-03-03T00:00:00Z") == 0
    assert count("channel_type=email&category=promotional") == 2
    with django_assert_max_num_queries(3):
        client.get(CONSENTS)
