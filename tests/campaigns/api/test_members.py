from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.choices import ImportStatus
from campaigns.models import AudienceMember
from tests.factories_api import caller
from tests.factories_audience import make_audience, make_import, make_member

pytestmark = pytest.mark.django_db

ANA = {"email": "Ana@Example.com", "phone": "(202) 555-0101", "variables": {"city": "Austin"}}


@pytest.fixture
def client():
    return caller("audience")


@pytest.fixture
def audience():
    return make_audience()


@pytest.fixture
def route(audience):
    return f"/api/v1/audiences/{audience.pk}/members/"


def test_record_is_cleaned_as_a_row_of_a_file_is(client, audience, route):
    answer = client.post(route, ANA)

    assert answer.status_code == 201
    assert {**answer.data, "id": 0} == {
        "id": 0,
        "key": "ana@example.com",
        "email": "Ana@example.com",
        "phone": "+12025550101",
        "variables": {"city": "Austin"},
    }
    audience.refresh_from_db()
    assert (audience.records_count, audience.columns) == (1, ["city"])


def test_record_that_is_there_is_not_added_twice(client, audience, route):
    client.post(route, ANA)

    answer = client.post(route, {"email": "ana@example.com"})

    assert answer.status_code == 409
    audience.refresh_from_db()
    assert audience.records_count == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"email": "a@example.com", "variables": {"Bad Name": "x"}}, "variables"),
        ({"email": "a@example.com", "variables": {"event": "x"}}, "variables"),
        ({"email": "a@example.com", "variables": {"age": 5}}, "variables.age"),
        ({"email": "a@example.com", "key": "k" * 321}, "key"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(client, route, body, field):
    answer = client.post(route, body)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_many_are_added_and_known_ones_updated(client, audience, route):
    client.post(route, ANA)
    client.post(route, {"email": "bob@example.com"})

    answer = client.post(
        f"{route}bulk/",
        {
            "members": [
                {"email": "ana@example.com", "variables": {"plan": "gold"}},
                {"email": "bob@example.com"},
                {"key": "7", "phone": "+12025550107"},
            ]
        },
    )

    assert answer.data == {"added": 1, "updated": 1, "unchanged": 1}
    ana = AudienceMember.objects.get(key="ana@example.com")
    assert (ana.phone, ana.variables) == ("+12025550101", {"city": "Austin", "plan": "gold"})
    audience.refresh_from_db()
    assert (audience.records_count, audience.columns) == (3, ["city", "plan"])


def test_of_two_with_the_same_key_the_later_one_counts(client, audience, route):
    people = [{"email": "a@example.com", "variables": {"n": text}} for text in "12"]

    answer = client.post(f"{route}bulk/", {"members": people})

    assert answer.data == {"added": 1, "updated": 0, "unchanged": 0}
    assert audience.members.get().variables == {"n": "2"}


def test_many_are_added_all_or_none(client, audience, route):
    answer = client.post(
        f"{route}bulk/", {"members": [{"email": "a@example.com"}, {"email": "nobody"}]}
    )

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["members.1.email"]
    assert not audience.members.exists()


def test_a_thousand_are_the_most_at_once(client, audience, route):
    people = [{"email": f"p{n}@example.com"} for n in range(1001)]

    assert client.post(f"{route}bulk/", {"members": people}).status_code == 400
    assert client.post(f"{route}bulk/", {"members": people[:1000]}).data["added"] == 1000
    audience.refresh_from_db()
    assert audience.records_count == 1000


def test_repeated_call_adds_nothing_and_says_the_same(client, audience, route):
    body = {"members": [ANA]}

    first = client.post(f"{route}bulk/", body, headers={"Idempotency-Key": "one"})
    again = client.post(f"{route}bulk/", body, headers={"Idempotency-Key": "one"})

    assert first.json() == again.json() == {"added": 1, "updated": 0, "unchanged": 0}


def test_key_that_is_the_address_goes_with_it(client, route):
    made = client.post(route, ANA).data
    address = f"{route}{made['id']}/"

    moved = client.patch(address, {"email": "ana.marin@example.com"}).data

    assert (moved["key"], moved["phone"]) == ("ana.marin@example.com", "+12025550101")
    assert moved["variables"] == {"city": "Austin"}


def test_key_of_its_own_stays(client, route):
    made = client.post(route, {**ANA, "key": "C-17"}).data

    moved = client.patch(f"{route}{made['id']}/", {"email": "ana.marin@example.com"}).data

    assert moved["key"] == "C-17"


def test_no_two_records_get_the_same_key(client, route):
    made = client.post(route, ANA).data
    client.post(route, {"email": "bob@example.com"})

    answer = client.patch(f"{route}{made['id']}/", {"email": "bob@example.com"})

    assert answer.status_code == 409


def test_record_is_deleted_and_counted_down(client, audience, route):
    made = client.post(route, ANA).data

    assert client.delete(f"{route}{made['id']}/").status_code == 204
    audience.refresh_from_db()
    assert audience.records_count == 0


def test_record_of_another_audience_is_not_here(client, route):
    other = make_member(make_audience())

    assert client.get(f"{route}{other.pk}/").status_code == 404
    assert client.delete(f"{route}{other.pk}/").status_code == 404
    assert AudienceMember.objects.filter(pk=other.pk).exists()


def test_nothing_is_added_beside_an_import(client, audience, route):
    member = make_member(audience)
    make_import("email\na@example.com\n", audience=audience, status=ImportStatus.QUEUED)

    answers = [
        client.post(route, ANA),
        client.patch(f"{route}{member.pk}/", {"phone": "+12025550101"}),
        client.delete(f"{route}{member.pk}/"),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert audience.members.count() == 1


def test_records_are_read_page_by_page_and_searched_by_their_beginning(client, audience, route):
    for number in range(5):
        make_member(audience, email=f"p{number}@example.com")

    first = client.get(f"{route}?page_size=3").data
    rest = client.get(first["next"]).data

    found = [row["email"] for row in first["results"] + rest["results"]]
    assert found == [f"p{number}@example.com" for number in (4, 3, 2, 1, 0)]
    assert rest["next"] is None
    search = client.get(f"{route}?search=p3").data["results"]
    assert [row["email"] for row in search] == ["p3@example.com"]
    assert len(client.get(f"{route}?key=p2@example.com").data["results"]) == 1


def test_list_asks_the_same_number_of_queries_however_long_it_is(client, audience, route):
    for _ in range(20):
        make_member(audience)

    with CaptureQueriesContext(connection) as asked:
        client.get(route)

    assert len(asked) <= 5
