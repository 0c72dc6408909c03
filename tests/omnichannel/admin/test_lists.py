from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnichannel import outbox
from omnichannel.admin import paginator
from omnichannel.choices import ChannelType
from omnichannel.models import (
    Consent,
    FrequencyCap,
    Label,
    Message,
    MessageEvent,
    ProviderRoute,
    ReceivedEvent,
    Suppression,
)
from tests.factories import NOW, make_channel, make_message, make_provider
from tests.factories_api import make_api_key
from tests.factories_outgoing_webhooks import make_delivery
from tests.omnichannel.admin.posted import client_with

pytestmark = pytest.mark.django_db
APP = "/admin/omnichannel/"
CEILING = {
    "apikey": 8,
    "channel": 8,
    "channelprovider": 8,
    "consent": 8,
    "frequencycap": 8,
    "job": 9,
    "label": 8,
    "message": 12,
    "messageevent": 9,
    "outgoingwebhook": 8,
    "providerroute": 9,
    "receivedevent": 9,
    "suppression": 8,
    "uncertainmessage": 15,
    "webhookdelivery": 9,
}
NOUNS = sorted(CEILING)


def make_job(provider):
    return outbox.open_job(
        name="Spring",
        source="test",
        channel_type="email",
        category="promotional",
        provider=provider,
        at=NOW,
    )


def make_rows(number):
    provider = make_provider()
    make_channel(bus_provider=provider)
    make_api_key("read")
    Label.objects.create(name=f"Label {number}")
    ProviderRoute.objects.create(channel_type="email", category="otp", provider=provider)
    Suppression.objects.create(channel_type="email", address=f"a{number}@example.com")
    FrequencyCap.objects.get_or_create(channel_type=ChannelType.values[number % 3])
    message = make_message(provider=provider, job=make_job(provider))
    make_message(provider=provider, status="uncertain")
    ReceivedEvent.objects.create(
        provider=provider, event_id=f"e{number}", type="opened", at=timezone.now()
    )
    make_delivery()
    Consent.objects.create(channel_type="email", address=f"a{number}@example.com")
    MessageEvent.objects.create(
        message=message, provider=provider, type="opened", at=timezone.now()
    )


@pytest.mark.parametrize("noun", NOUNS)
def test_list_asks_no_more_when_it_has_more_rows(admin_client, noun):
    for number in range(12):
        make_rows(number)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = admin_client.get(f"{APP}{noun}/")

    assert response.status_code == 200
    assert len(queries) <= CEILING[noun], "\n".join(q["sql"][:150] for q in queries)


@pytest.mark.parametrize("noun", NOUNS)
def test_list_can_be_searched_and_sorted(admin_client, noun):
    make_rows(1)

    assert admin_client.get(f"{APP}{noun}/", {"q": "a", "o": "1"}).status_code == 200


@pytest.mark.parametrize("noun", NOUNS)
def test_empty_list_says_what_to_do(admin_client, noun):
    response = admin_client.get(f"{APP}{noun}/")

    hint = response.context["cl"].model_admin.empty_hint
    assert hint
    assert hint in response.content.decode()


@pytest.mark.parametrize(
    ("noun", "name"), [("message", "Message queue"), ("emailtemplate", "E-mail templates")]
)
def test_list_is_called_what_the_menu_calls_it(admin_client, noun, name):
    page = admin_client.get(f"{APP}{noun}/").content.decode()

    assert f"{name} | Omnichannel Studio</title>" in page


def test_list_without_a_match_offers_to_reset(admin_client):
    make_message()

    page = admin_client.get(f"{APP}message/", {"q": "nobody@example.com"}).content.decode()

    assert "Nothing matches the search and the filters" in page


@pytest.mark.parametrize("noun", NOUNS)
def test_list_needs_the_permission_to_view(noun):
    other = "view_label" if noun != "label" else "view_channel"

    assert client_with(other).get(f"{APP}{noun}/").status_code == 403


@pytest.mark.parametrize("noun", ["job", "messageevent"])
def test_what_the_product_writes_is_never_edited(admin_client, noun):
    make_rows(1)

    assert admin_client.get(f"{APP}{noun}/add/").status_code == 403


def test_count_stops_at_a_cap(admin_client, monkeypatch):
    monkeypatch.setattr(paginator, "CAP", 3)
    for _ in range(5):
        make_message()

    response = admin_client.get(f"{APP}message/")

    assert response.context["cl"].result_count == 3
    assert "The newest 3 rows" in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "status__exact=new",
        "category__exact=otp",
        "channel_type=sms",
        "error_code=550",
        "created_at_from_0=2020-01-01&created_at_from_1=00:00",
    ],
)
def test_messages_are_filtered(admin_client, query):
    make_message(status="sent")

    response = admin_client.get(f"{APP}message/?{query}")

    assert response.status_code == 200
    expected = 1 if "created_at" in query else 0
    assert response.context["cl"].result_count == expected


@pytest.mark.parametrize("state", ["working", "resting", "stopped"])
def test_providers_are_filtered_by_their_state(admin_client, state):
    later = timezone.now() + timezone.timedelta(hours=1)
    make_provider(name="working")
    make_provider(name="resting", resting_until=later)
    make_provider(name="stopped", stopped_at=timezone.now(), trouble="535 refused")

    response = admin_client.get(f"{APP}channelprovider/", {"state": state})

    assert [each.name for each in response.context["cl"].result_list] == [state]


def test_job_page_counts_by_status_in_one_query(admin_client):
    job = make_job(make_provider())
    for status in ("sent", "sent", "failed"):
        make_message(job=job, provider=job.provider, status=status)

    page = admin_client.get(f"{APP}job/{job.pk}/change/").content.decode()
    linked = admin_client.get(f"{APP}message/?job__id__exact={job.pk}&status__exact=sent")

    assert "Sent: 2" in page
    assert linked.context["cl"].result_count == 2
    assert Message.objects.count() == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("created_at_from_0=2026-03-02", 1),
        ("created_at_from_0=2026-03-03", 0),
        ("created_at_to_0=2026-03-02", 1),
        ("created_at_to_0=2026-03-02&created_at_to_1=11:59", 0),
        ("created_at_from_0=2026-03-02&created_at_from_1=12:00:00", 1),
    ],
)
def test_a_date_without_a_time_is_its_whole_day(admin_client, query, expected):
    make_message()  # at noon on 2 March 2026, UTC

    response = admin_client.get(f"{APP}message/?{query}")

    assert response.context["cl"].result_count == expected


@pytest.mark.parametrize("junk", ["yesterday", "2026-13-40", "2026-03-02&created_at_from_1=99:99"])
def test_what_is_no_moment_is_told_and_left_out(admin_client, junk):
    make_message()

    response = admin_client.get(f"{APP}message/?created_at_from_0={junk}")

    assert response.context["cl"].result_count == 1
    assert "is no moment" in response.content.decode()
