from __future__ import annotations

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import removal
from campaigns.models import Audience
from omnichannel.models import Label
from tests.factories_api import caller
from tests.factories_audience import make_audience, make_member
from tests.factories_campaigns import make_campaign

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/audiences/"


@pytest.fixture
def client():
    return caller("audience")


def test_audience_is_made_changed_and_deleted(client):
    tag = Label.objects.create(name="Sale")

    made = client.post(ROUTE, {"name": "Newsletter", "tags": [tag.pk]})
    address = f"{ROUTE}{made.data['id']}/"
    changed = client.patch(address, {"description": "Weekly"})

    assert (made.status_code, made.data["tags"], made.data["records_count"]) == (201, [tag.pk], 0)
    assert (changed.data["name"], changed.data["description"]) == ("Newsletter", "Weekly")
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_change_of_an_audience_leaves_what_an_import_counted(client):
    audience = make_audience(records_count=0)
    stale = Audience.objects.get(pk=audience.pk)
    Audience.objects.filter(pk=audience.pk).update(records_count=7)

    client.patch(f"{ROUTE}{stale.pk}/", {"description": "New", "records_count": 0})

    assert Audience.objects.get(pk=stale.pk).records_count == 7


def test_large_audience_is_hidden_at_once_and_deleted_in_the_background(client, monkeypatch):
    monkeypatch.setattr(removal, "AT_ONCE", 1)
    audience = make_audience(name="Large")
    make_member(audience)
    make_member(audience)
    address = f"{ROUTE}{audience.pk}/"

    answer = client.delete(address)

    assert answer.status_code == 202
    assert client.get(address).status_code == 404
    assert client.get(f"{address}members/").status_code == 404
    removal.remove_asked(until=time.monotonic() + 60, stopped=lambda: False)
    assert not Audience.objects.filter(pk=audience.pk).exists()


def test_audience_of_a_campaign_is_kept(client):
    campaign = make_campaign()

    answer = client.delete(f"{ROUTE}{campaign.audience_id}/")

    assert answer.status_code == 409
    assert campaign.name in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Taken"}, "name"),
        ({"name": "New", "tags": [0]}, "tags.0"),
        ({"name": "New", "tags": {}}, "tags"),
        ({"name": "New", "tags": [1] * 101}, "tags"),
    ],
)
def test_what_is_wrong_with_an_audience_is_named(client, body, field):
    make_audience(name="Taken")

    answer = client.post(ROUTE, body)

    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [
        field.split(".")[0]
    ]


def test_list_finds_audiences(client):
    tag = Label.objects.create(name="Sale")
    make_audience(name="Spring").tags.add(tag)
    make_audience(name="Autumn", is_active=False)

    def names(query):
        return [row["name"] for row in client.get(f"{ROUTE}?{query}").data["results"]]

    assert names("search=spr") == ["Spring"]
    assert names(f"tags={tag.pk}") == ["Spring"]
    assert names("is_active=false") == ["Autumn"]
    assert names("ordering=name") == ["Autumn", "Spring"]


def test_list_asks_the_same_number_of_queries_however_long_it_is(client):
    for _ in range(10):
        make_audience().tags.add(Label.objects.get_or_create(name="Sale")[0])

    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(ROUTE)

    assert len(asked) <= 6
