from __future__ import annotations

import pytest

from omnichannel.models import Channel, Label, ProviderRoute
from tests.factories import make_channel, make_message, make_provider
from tests.factories_api import caller
from tests.factories_templates import make_template

pytestmark = pytest.mark.django_db

CHANNELS = "/api/v1/channels/"
ROUTES = "/api/v1/provider-routes/"
LABELS = "/api/v1/labels/"


@pytest.fixture
def client():
    return caller("provider")


def fields_of(answer):
    assert answer.status_code == 400, answer.content
    return [error["field"] for error in answer.json()["errors"]]


def test_channel_is_created_changed_and_deleted(client):
    provider = make_provider()
    made = client.post(
        CHANNELS,
        {
            "code": "news",
            "name": "News",
            "bus_provider": provider.pk,
            "extended_properties_model": "omnichannel.Label",
        },
    )
    one = f"{CHANNELS}{made.data['id']}/"

    assert made.status_code == 201, made.content
    assert made.data["extended_properties_model"] == "omnichannel.label"
    assert client.patch(one, {"bus_provider": None}).data["bus_provider"] is None
    assert Channel.history.first().history_change_reason == f"API key {client.key}"
    assert client.delete(one).status_code == 204


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"code": "a b"}, "code"),
        ({"code": 5}, "code"),
        ({"bus_provider": 999}, "bus_provider"),
        ({"bus_provider": "1"}, "bus_provider"),
        ({"bus_channel": "pigeon"}, "bus_channel"),
        ({"extended_properties_model": "no.thing"}, "extended_properties_model"),
        ({"extended_properties_model": 5}, "extended_properties_model"),
    ],
)
def test_bad_value_of_a_channel_is_named(client, values, field):
    assert fields_of(client.post(CHANNELS, {"code": "c", "name": "C", **values})) == [field]


def test_provider_of_another_channel_is_refused(client):
    channel, sms = make_channel(), make_provider(channel_type="sms")
    one = f"{CHANNELS}{channel.pk}/"

    assert fields_of(client.patch(one, {"bus_provider": sms.pk})) == ["bus_provider"]
    both = client.patch(one, {"bus_provider": sms.pk, "bus_channel": "sms"})
    assert both.status_code == 200
    assert fields_of(client.patch(one, {"bus_channel": "email"})) == ["bus_provider"]


def test_channel_that_messages_name_is_not_deleted(client):
    channel = make_channel()
    make_message(channel=channel)

    assert client.delete(f"{CHANNELS}{channel.pk}/").status_code == 409
    assert Channel.objects.exists()


def test_channels_are_filtered_and_searched(client, django_assert_max_num_queries):
    for number in range(4):
        make_channel(code=f"x{number}", name="X", bus_provider=make_provider())

    assert client.get(f"{CHANNELS}?code=x1").data["count"] == 1
    assert client.get(f"{CHANNELS}?search=x2").data["count"] == 1
    assert client.get(f"{CHANNELS}?ordering=-code").data["results"][0]["code"] == "x3"
    with django_assert_max_num_queries(4):
        client.get(CHANNELS)


def test_default_provider_is_created_changed_and_deleted(client):
    provider = make_provider(channel_type="sms")
    values = {"channel_type": "sms", "category": "otp", "provider": provider.pk}
    made = client.post(ROUTES, {**values, "country_prefix": "+44"})
    one = f"{ROUTES}{made.data['id']}/"

    assert made.status_code == 201, made.content
    assert client.post(ROUTES, values).data["country_prefix"] == ""
    assert client.patch(one, {"weight": 10}).data["weight"] == 10
    assert client.post(ROUTES, values).status_code == 400  # it exists
    assert fields_of(client.patch(one, {"country_prefix": "44"})) == ["country_prefix"]
    assert fields_of(client.patch(one, {"channel_type": "email"})) == ["provider"]
    assert fields_of(client.post(ROUTES, {"channel_type": "sms"})) == ["category", "provider"]
    assert client.delete(one).status_code == 204
    assert ProviderRoute.objects.count() == 1


def test_default_providers_are_filtered(client, django_assert_max_num_queries):
    for number in range(4):
        ProviderRoute.objects.create(
            channel_type="email", category="otp", provider=make_provider(name=f"P{number}")
        )
    provider = ProviderRoute.objects.first().provider

    assert client.get(f"{ROUTES}?provider={provider.pk}").data["count"] == 1
    assert client.get(f"{ROUTES}?category=promotional").data["count"] == 0
    assert client.get(f"{ROUTES}?search={provider.name}").data["count"] == 1
    with django_assert_max_num_queries(4):
        client.get(ROUTES)


def test_tags_need_the_content_scope(client):
    content = caller("content")
    made = content.post(LABELS, {"name": "Sale"})
    template = make_template()
    template.tags.set([made.data["id"]])

    assert made.status_code == 201
    assert client.post(LABELS, {"name": "Other"}).status_code == 403
    assert fields_of(content.post(LABELS, {"name": "Sale"})) == ["name"]
    assert content.get(f"{LABELS}?search=sal").data["count"] == 1
    assert content.patch(f"{LABELS}{made.data['id']}/", {"name": "New"}).data["name"] == "New"
    assert content.delete(f"{LABELS}{made.data['id']}/").status_code == 204
    assert not Label.objects.exists()
