from __future__ import annotations

import json
import socket

import pytest
from django.utils import timezone

from omnichannel import backends
from omnichannel.models import ChannelProvider, Lane
from tests.factories import make_channel, make_endpoint, make_message, make_provider
from tests.factories_api import caller

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/providers/"
SECRET = "correct horse battery"
SMTP = {
    "name": "Relay",
    "backend": "smtp",
    "channel_type": "email",
    "app_user": "studio",
    "app_password": SECRET,
    "app_config": {"host": "smtp.example.com", "port": 2525},
}


@pytest.fixture
def client():
    return caller("provider")


@pytest.fixture
def deaf_port():
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def relay(client):
    return ChannelProvider.objects.get(pk=client.post(ROUTE, SMTP).data["id"])


def change(client, provider, **values):
    answer = client.patch(f"{ROUTE}{provider.pk}/", values)
    provider.refresh_from_db()
    return answer


def faults(answer):
    assert answer.status_code == 400, answer.content
    return {error["field"] for error in answer.json()["errors"]}


def test_provider_is_created_with_its_types_codes(client):
    answer = client.post(ROUTE, SMTP)

    assert answer.status_code == 201, answer.content
    provider = ChannelProvider.objects.get()
    assert provider.app_password == SECRET
    assert provider.app_config["security"] == "starttls"
    declared = {status.code for status in backends.get("smtp").statuses}
    assert set(provider.statuses.values_list("code", flat=True)) == declared


def test_secrets_never_come_out(client, relay):
    hook = make_endpoint().provider
    answers = [
        client.post(ROUTE, {**SMTP, "name": "Another"}),
        client.get(ROUTE),
        client.get(f"{ROUTE}{relay.pk}/"),
        client.get(f"{ROUTE}{hook.pk}/"),
        change(client, relay, app_password=SECRET),
        client.patch(f"{ROUTE}{relay.pk}/", {"app_password": SECRET, "name": 5}),
    ]

    said = b"".join(answer.content for answer in answers)
    assert SECRET.encode() not in said
    assert hook.app_key.encode() not in said.replace(b'"app_key"', b"")
    assert hook.webhook.token.encode() not in said
    assert answers[2].data["stored_secrets"] == ["app_password"]
    assert not {"app_password", "app_key", "app_secrets"} & set(answers[2].data)


@pytest.mark.parametrize("values", [{}, {"app_password": ""}])
def test_blank_secret_is_kept(client, relay, values):
    answer = change(client, relay, from_name="Studio", **values)

    assert answer.status_code == 200
    assert (relay.from_name, relay.app_password) == ("Studio", SECRET)


def test_null_forgets_a_secret(client, relay):
    answer = change(client, relay, app_password=None)

    assert (answer.data["stored_secrets"], relay.app_password) == ([], "")


def test_secret_is_replaced(client, relay):
    change(client, relay, app_password="another")

    assert relay.app_password == "another"


def test_where_secrets_go_changes_only_with_them(client, relay):
    moved = {"app_config": {"host": "evil.example.com"}}

    assert faults(change(client, relay, **moved)) == {"app_password"}
    assert relay.app_config["host"] == "smtp.example.com"
    assert change(client, relay, **moved, app_password=SECRET).status_code == 200
    assert relay.app_config["host"] == "evil.example.com"


def test_service_url_changes_only_with_the_key(client):
    provider = make_provider(backend="sendgrid", app_key=SECRET)

    moved = {"service_url": "https://evil.example.com/"}

    assert faults(change(client, provider, **moved)) == {"app_key"}
    assert provider.service_url == ""
    assert change(client, provider, **moved, app_key=SECRET).status_code == 200


def test_other_type_forgets_what_it_does_not_use(client, relay):
    answer = change(client, relay, backend="sandbox")

    assert answer.status_code == 200
    assert (relay.backend, relay.app_password) == ("sandbox", "")
    assert "host" not in relay.app_config


def test_secret_option_is_stored_apart(client):
    provider = make_provider(backend="anymail-mailgun", app_key="key")

    answer = change(client, provider, app_secrets={"webhook_secret": SECRET})

    assert answer.data["stored_secrets"] == ["app_key", "webhook_secret"]
    assert provider.app_secrets == {"webhook_secret": SECRET}
    assert SECRET not in json.dumps(provider.app_config)
    change(client, provider, app_config={"sender_domain": "mail.example.com"})
    assert provider.app_secrets == {"webhook_secret": SECRET}
    change(client, provider, app_secrets={"webhook_secret": None})
    assert (provider.app_secrets, provider.app_key) == ({}, "key")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"app_config": {"host": "a b"}}, "app_config.host"),
        ({"app_config": {}}, "app_config.host"),
        ({"app_config": {"host": ["a"]}}, "app_config.host"),
        ({"app_config": []}, "app_config"),
        ({"app_key": "x"}, "app_key"),
        ({"app_secrets": {"token": "x"}}, "app_secrets.token"),
        ({"app_password": 5}, "app_password"),
        ({"service_url": "https://a:b@example.com/"}, "service_url"),
        ({"service_url": "ftp://example.com/"}, "service_url"),
        ({"channel_type": "sms"}, "backend"),
        ({"from_address": "nobody"}, "from_address"),
        ({"from_name": "a\r\nBcc: b"}, "from_name"),
        ({"pool_time_retry": "00:00:00"}, "pool_time_retry"),
        ({"pool_time_retry": 300}, "pool_time_retry"),
        ({"days_before_expire": 9999}, "days_before_expire"),
        ({"interval_min": "08:00", "interval_max": "08:00"}, "interval_max"),
        ({"interval_min": "08:00:00+02:00"}, "interval_min"),
        ({"bulk_no": 0}, "bulk_no"),
        ({"takes_calls": True}, "takes_calls"),
        ({"backend": "none"}, "backend"),
        ({"is_active": "yes"}, "is_active"),
    ],
)
def test_what_the_studio_refuses_is_refused(client, relay, values, field):
    before = ChannelProvider.objects.values().get()

    assert field in faults(change(client, relay, **values))
    assert ChannelProvider.objects.values().get() == before


def test_what_a_type_needs_is_named(client):
    answer = client.post(ROUTE, {"name": "A", "backend": "sendgrid", "channel_type": "email"})

    assert faults(answer) == {"app_key"}


def test_secret_among_the_settings_is_refused(client):
    provider = make_provider(backend="anymail-mailgun", app_key="key")

    answer = change(client, provider, app_config={"webhook_secret": "x"})

    assert faults(answer) == {"app_secrets.webhook_secret"}
    assert provider.app_config == {}


def test_calls_are_taken_once_they_can_be_verified(client):
    provider = make_provider(backend="anymail-mailgun", app_key="")
    provider.app_key = "key"
    provider.save()

    refused = change(client, provider, takes_calls=True)
    answer = change(client, provider, takes_calls=True, app_secrets={"webhook_secret": "x"})

    assert faults(refused) == {"app_secrets.webhook_secret"}
    assert (answer.status_code, answer.data["takes_calls"]) == (200, True)
    assert change(client, provider, app_secrets={"webhook_secret": None}).status_code == 400
    assert change(client, provider, takes_calls=False).data["takes_calls"] is False


def test_channel_of_a_used_provider_stays(client):
    provider = make_provider()
    make_channel(bus_provider=provider)

    assert faults(change(client, provider, channel_type="sms")) == {"channel_type"}


def test_change_leaves_the_send_loops_columns_alone(client, relay):
    stale = ChannelProvider.objects.get(pk=relay.pk)
    ChannelProvider.objects.update(failures=3, stopped_at=timezone.now(), trouble="Broken")

    answer = change(client, stale, from_name="Studio")

    assert (answer.data["state"], answer.data["trouble"]) == ("stopped", "Broken")
    assert relay.history.first().history_change_reason == f"API key {client.key}"
    assert client.post(f"{ROUTE}{relay.pk}/resume/").data["state"] == "working"


def test_secret_that_no_key_opens_leaves_the_list_usable(client, relay, settings):
    settings.FIELD_ENCRYPTION_KEYS = ["another-key-of-the-ring"]

    answer = client.get(ROUTE)

    assert (answer.status_code, answer.data["results"][0]["stored_secrets"]) == (200, [])


def test_provider_that_messages_name_is_not_deleted(client):
    used, free = make_message().provider, make_provider()

    assert client.delete(f"{ROUTE}{used.pk}/").status_code == 409
    assert client.delete(f"{ROUTE}{free.pk}/").status_code == 204
    assert list(ChannelProvider.objects.all()) == [used]
    assert Lane.objects.exists()


def test_check_tells_what_was_answered(client, deaf_port):
    sandbox = make_provider()
    deaf = make_provider(
        backend="smtp", app_config={"host": "127.0.0.1", "port": deaf_port, "security": "none"}
    )

    good = client.post(f"{ROUTE}{sandbox.pk}/check/")
    bad = client.post(f"{ROUTE}{deaf.pk}/check/")

    assert (good.status_code, good.data["good"], good.data["outcome"]) == (200, True, "It works")
    assert (bad.status_code, bad.data["good"]) == (200, False)
    assert bad.data["text"]


def test_list_is_filtered_searched_and_ordered(client):
    make_provider(name="B")
    make_provider(name="A", channel_type="sms", provider_name="Acme", is_active=False)

    def names(query):
        return [row["name"] for row in client.get(f"{ROUTE}?{query}").data["results"]]

    assert names("channel_type=sms") == ["A"]
    assert names("is_active=true") == ["B"]
    assert names("search=acme") == ["A"]
    assert names("ordering=name") == ["A", "B"]
    assert names("backend=sandbox&name=B") == ["B"]
    assert client.get(f"{ROUTE}?backend=none").status_code == 400


def test_list_asks_no_more_of_many(client, django_assert_max_num_queries):
    for _ in range(5):
        make_endpoint(make_provider())

    with django_assert_max_num_queries(4):
        assert client.get(ROUTE).data["count"] == 5


def test_other_scopes_change_nothing(relay):
    other = caller("content", "read")

    assert other.patch(f"{ROUTE}{relay.pk}/", {"name": "x"}).status_code == 403
    assert other.post(f"{ROUTE}{relay.pk}/check/").status_code == 403
