"""Channels, default providers and suppressions."""

from __future__ import annotations

import pytest

from omnichannel import backends
from omnichannel.models import Channel, FrequencyCap, ProviderRoute, Suppression
from omnichannel.statuses import seed_statuses
from tests.factories import make_channel, make_message, make_provider
from tests.omnichannel.admin.posted import errors_of

pytestmark = pytest.mark.django_db
APP = "/admin/omnichannel/"


def route_data(provider, **values):
    return {
        "channel_type": "email",
        "category": "promotional",
        "provider": provider.pk,
        "priority": 0,
        "weight": 100,
        "is_active": "on",
        **values,
    }


def channel_data(**values):
    return {
        "name": "Mailbox",
        "code": "mailbox",
        "default_action_type": "email",
        "bus_channel": "email",
        "is_active": "on",
        **values,
    }


def test_channel_is_added(admin_client):
    provider = make_provider()

    admin_client.post(f"{APP}channel/add/", channel_data(bus_provider=provider.pk))

    assert Channel.objects.get(code="mailbox").bus_provider == provider


def test_channel_refuses_a_provider_of_another_transport(admin_client):
    provider = make_provider(channel_type="sms")

    response = admin_client.post(f"{APP}channel/add/", channel_data(bus_provider=provider.pk))

    assert "sends SMS" in errors_of(response)["bus_provider"]


def test_default_provider_is_added(admin_client):
    admin_client.post(f"{APP}providerroute/add/", route_data(make_provider()))

    assert ProviderRoute.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"channel_type": "sms"}, "provider", "sends E-mail"),
        ({"country_prefix": "0044"}, "country_prefix", "+44"),
        ({"weight": "0"}, "weight", "greater than"),
    ],
)
def test_unfit_default_provider_is_refused(admin_client, values, field, words):
    response = admin_client.post(f"{APP}providerroute/add/", route_data(make_provider(), **values))

    assert words in errors_of(response)[field]


def test_deleting_the_last_default_provider_warns(admin_client):
    route = ProviderRoute.objects.create(
        channel_type="email", category="otp", provider=make_provider()
    )

    page = admin_client.post(
        f"{APP}providerroute/{route.pk}/delete/", {"post": "yes"}, follow=True
    ).content.decode()

    assert "no default provider is left" in page


def test_deleting_one_of_two_default_providers_does_not_warn(admin_client):
    routes = [
        ProviderRoute.objects.create(channel_type="email", category="otp", provider=make_provider())
        for _ in range(2)
    ]

    page = admin_client.post(
        f"{APP}providerroute/{routes[0].pk}/delete/", {"post": "yes"}, follow=True
    ).content.decode()

    assert "no default provider is left" not in page


def suppress(client, **values):
    data = {"channel_type": "email", "address": "Ana@Example.com", "reason": "manual", **values}
    return client.post(f"{APP}suppression/add/", data)


def test_suppressed_address_is_kept_as_the_queue_compares_it(admin_client):
    suppress(admin_client)
    suppress(admin_client, channel_type="sms", address="(202) 555-0143")

    assert set(Suppression.objects.values_list("address", flat=True)) == {
        "ana@example.com",
        "+12025550143",
    }


def test_address_is_suppressed_once(admin_client):
    suppress(admin_client)

    response = suppress(admin_client, address="ANA@example.com", note="Said again")

    assert response.status_code == 302
    assert Suppression.objects.get().note == "Said again"


def test_malformed_suppression_is_refused(admin_client):
    response = suppress(admin_client, address="nobody")

    assert "not an e-mail address" in errors_of(response)["address"]


def test_seeding_leaves_the_operators_codes_alone():
    provider = make_provider()
    code = backends.get("sandbox").statuses[0].code
    provider.statuses.create(code=code, reason="Mine")

    seed_statuses(provider)

    assert provider.statuses.get(code=code).reason == "Mine"
    assert provider.statuses.count() == len(backends.get("sandbox").statuses)


@pytest.mark.parametrize("noun", ["channel", "channelprovider"])
def test_what_messages_name_is_not_deleted(admin_client, noun):
    channel = make_channel()
    message = make_message(channel=channel)
    row = channel if noun == "channel" else message.provider

    page = admin_client.post(f"{APP}{noun}/{row.pk}/delete/", {"post": "yes"}).content.decode()

    assert "switch “active” off instead" in page
    assert type(row).objects.filter(pk=row.pk).exists()


def test_unused_provider_is_deleted(admin_client):
    provider = make_provider()

    admin_client.post(f"{APP}channelprovider/{provider.pk}/delete/", {"post": "yes"})

    assert not type(provider).objects.filter(pk=provider.pk).exists()


@pytest.mark.parametrize(("days", "warned"), [(6, True), (7, False)])
def test_saving_a_cap_says_when_it_forgets_what_is_deleted(admin_client, settings, days, warned):
    settings.KEEP_MESSAGES_DAYS = days
    data = {"channel_type": "email", "number": 3, "period": "week", "is_active": "on"}

    answer = admin_client.post(f"{APP}frequencycap/add/", data, follow=True).content.decode()

    assert FrequencyCap.objects.count() == 1
    assert ("This cap forgets" in answer) == warned
