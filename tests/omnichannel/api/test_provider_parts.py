from __future__ import annotations

import pytest

from omnichannel import backends
from omnichannel.models import ProviderStatus, SenderAddress
from tests.factories import make_provider
from tests.factories_api import caller

pytestmark = pytest.mark.django_db

TYPES = "/api/v1/provider-types/"


@pytest.fixture
def client():
    return caller("provider")


@pytest.fixture
def provider():
    return make_provider()


def address_of(provider, parts):
    return f"/api/v1/providers/{provider.pk}/{parts}/"


def test_status_is_added_changed_and_deleted(client, provider):
    route = address_of(provider, "statuses")
    made = client.post(route, {"code": "429", "reason": "Slow down", "outcome": "throttled"})
    one = f"{route}{made.data['id']}/"

    assert made.status_code == 201
    assert client.patch(one, {"outcome": "temporary"}).data["outcome"] == "temporary"
    assert client.patch(one, {"code": "429"}).status_code == 200
    assert client.post(route, {"code": "429"}).status_code == 400
    assert client.post(route, {"code": "430", "outcome": "maybe"}).status_code == 400
    assert client.delete(one).status_code == 204
    assert not provider.statuses.exists()


def test_parts_of_another_provider_are_not_there(client, provider):
    other = ProviderStatus.objects.create(provider=make_provider(), code="1")

    assert client.get(address_of(provider, "statuses")).data["count"] == 0
    assert client.delete(f"{address_of(provider, 'statuses')}{other.pk}/").status_code == 404
    assert client.get("/api/v1/providers/999/statuses/").status_code == 404
    assert client.get(f"/api/v1/providers/{'9' * 40}/statuses/").status_code == 404


def test_statuses_are_filtered_and_searched(client, provider):
    for code, is_classified in (("1", True), ("2", False)):
        ProviderStatus.objects.create(provider=provider, code=code, is_classified=is_classified)
    route = address_of(provider, "statuses")

    found = client.get(f"{route}?is_classified=false").data["results"]

    assert [row["code"] for row in found] == ["2"]
    assert client.get(f"{route}?search=1").data["count"] == 1
    assert client.get(f"{route}?ordering=-code").data["results"][0]["code"] == "2"


def test_senders_are_checked(client, provider):
    route = address_of(provider, "senders")
    made = client.post(route, {"address": "A@EXAMPLE.com", "name": "Ann", "is_default": True})

    assert (made.status_code, made.data["address"]) == (201, "A@example.com")
    assert client.post(route, {"address": "nobody"}).status_code == 400
    assert client.post(route, {"address": "A@example.com"}).status_code == 400
    assert client.post(route, {"address": "b@example.com", "name": "a\nb"}).status_code == 400
    second = client.post(route, {"address": "b@example.com", "is_default": True})
    assert second.json()["errors"][0]["field"] == "is_default"
    assert SenderAddress.objects.get().name == "Ann"


def test_types_tell_what_they_need(client):
    answer = client.get(f"{TYPES}?page_size=200")

    assert answer.data["count"] == len(backends.registry())
    smtp = client.get(f"{TYPES}smtp/").data
    host = next(each for each in smtp["settings"] if each["name"] == "host")
    assert (host["type"], host["is_required"], host["is_secret"]) == ("text", True, False)
    security = next(each for each in smtp["settings"] if each["name"] == "security")
    assert (security["choices"], security["default"]) == (["starttls", "ssl", "none"], "starttls")
    mailgun = client.get(f"{TYPES}anymail-mailgun/").data
    assert {"name": "app_key", "label": "API key", "is_required": True} in mailgun["columns"]
    assert [each["name"] for each in mailgun["settings"] if each["is_secret"]] == ["webhook_secret"]


def test_type_that_is_not_there_is_404(client):
    assert client.get(f"{TYPES}none/").status_code == 404
    assert client.get(f"{TYPES}?kind=sms").status_code == 400
