from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile

from omnichannel import delivery
from omnichannel.models import Message, MessageAttachment, ProviderRoute
from tests.factories import make_channel, make_provider
from tests.omnichannel.admin.posted import (
    MESSAGES,
    client_with,
    errors_of,
    formset,
    message_data,
)

pytestmark = pytest.mark.django_db


def add(client, **values):
    return client.post(f"{MESSAGES}add/", message_data(**values))


@pytest.fixture
def provider():
    return make_provider()


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def attached(*files):
    rows = {f"attachments-{number}-file": file for number, file in enumerate(files)}
    return {**formset("attachments", len(files)), **rows}


def test_message_written_by_hand_is_queued_and_sent(admin_client, provider):
    response = add(
        admin_client,
        provider=provider.pk,
        cc_addresses="bob@example.com; carl@Example.com",
        bcc_addresses="dora@example.com",
        body_html="<p>Hello</p>",
        interval_min="00:00:00",
        interval_max="23:59:59",
        retry_max_attempt=2,
        pool_time_retry="00:01:00",
        priority=1,
    )
    delivery.drain(seconds=5)

    message = Message.objects.get()
    assert response.status_code == 302
    assert message.cc_addresses == "bob@example.com; carl@example.com"
    assert (message.retry_max_attempt, message.priority) == (2, 1)
    assert message.status in ("sent", "delivered", "scheduled")


def test_start_date_makes_it_wait(admin_client, provider):
    add(admin_client, provider=provider.pk, starts_at_0="2999-01-01", starts_at_1="10:00:00")

    assert Message.objects.get().status == "scheduled"


def test_channel_chooses_the_provider(admin_client, provider):
    channel = make_channel(bus_provider=provider)

    add(admin_client, channel=channel.pk)

    assert Message.objects.get().provider == provider


def test_default_provider_is_used_for_a_channel_without_one(admin_client, provider):
    ProviderRoute.objects.create(channel_type="email", category="transactional", provider=provider)

    add(admin_client, channel=make_channel().pk)

    assert Message.objects.get().provider == provider


def test_phone_number_is_stored_in_international_form(admin_client):
    provider = make_provider(channel_type="sms")

    add(admin_client, provider=provider.pk, to_address="(202) 555-0143", subject="")

    assert Message.objects.get().to_address == "+12025550143"


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"to_address": "ana@"}, "to_address", "not an e-mail address"),
        ({"to_address": "a@example.com; b@example.com"}, "to_address", "One address only"),
        ({"to_address": "a@example.com\r\nBcc: b@example.com"}, "to_address", "line break"),
        ({"cc_addresses": "a@example.com; nobody"}, "cc_addresses", "“nobody”"),
        ({"bcc_addresses": "a@example.com\nb@example.com"}, "bcc_addresses", "line break"),
        ({"subject": "Hi\r\nBcc: x@example.com"}, "subject", "line break"),
        ({"body_text": " "}, "body_html", "body is empty"),
        ({"provider": "999"}, "provider", "valid choice"),
        ({"provider": ""}, "provider", "Choose a channel or a provider"),
        ({"interval_min": "08:00", "interval_max": "08:00"}, "interval_max", "equal"),
        ({"interval_min": "25:00"}, "interval_min", "valid time"),
        ({"pool_time_retry": "-5"}, "pool_time_retry", "HH:MM:SS"),
        ({"pool_time_retry": "999999 00:00:00"}, "pool_time_retry", "seven days"),
        ({"ends_at_0": "2020-01-01", "ends_at_1": "00:00"}, "ends_at", "has passed"),
        ({"channel_provider_params": "[1]"}, "channel_provider_params", "JSON object"),
        ({"channel_provider_params": "{"}, "channel_provider_params", "valid JSON"),
        ({"extended_properties": '{"a": 1}'}, "extended_properties", "no Extended Properties"),
    ],
)
def test_bad_input_is_told_at_its_field(admin_client, provider, values, field, words):
    response = add(admin_client, **{"provider": provider.pk, **values})

    assert words in errors_of(response)[field]
    assert not Message.objects.exists()


def test_end_before_start_is_told(admin_client, provider):
    when = {"starts_at_0": "2999-01-02", "starts_at_1": "00:00"}
    when |= {"ends_at_0": "2999-01-01", "ends_at_1": "00:00"}

    response = add(admin_client, provider=provider.pk, **when)

    assert "after the Start Date" in errors_of(response)["ends_at"]


def test_windows_that_never_overlap_are_told(admin_client):
    provider = make_provider(interval_min="08:00", interval_max="10:00")

    response = add(admin_client, provider=provider.pk, interval_min="12:00", interval_max="13:00")

    assert "never overlap" in errors_of(response)["interval_min"]


def test_missing_default_provider_is_told(admin_client):
    response = add(admin_client, channel=make_channel().pk)

    assert "Default providers" in errors_of(response)["provider"]


def test_provider_of_another_channel_is_told(admin_client, provider):
    channel = make_channel(bus_channel="sms")

    response = add(admin_client, provider=provider.pk, channel=channel.pk)

    assert "does not send" in errors_of(response)["provider"]


def test_copies_of_an_sms_are_told(admin_client):
    provider = make_provider(channel_type="sms")

    response = add(
        admin_client, provider=provider.pk, to_address="+12025550143", cc_addresses="+12025550144"
    )

    assert "Only e-mails" in errors_of(response)["cc_addresses"]


def test_extended_properties_are_named_after_the_entity(admin_client, provider):
    entity = ContentType.objects.get_for_model(Group)
    channel = make_channel(bus_provider=provider, extended_properties_model=entity)

    refused = add(admin_client, channel=channel.pk, extended_properties='{"colour": 1}')
    add(admin_client, channel=channel.pk, extended_properties='{"name": "x"}')

    assert "colour: not a field" in errors_of(refused)["extended_properties"]
    assert Message.objects.get().extended_properties == {"name": "x"}


def test_attachment_is_kept_with_its_name_size_and_type(admin_client, provider, media):
    file = SimpleUploadedFile("offer.pdf", b"%PDF-1.4", "application/pdf")

    add(admin_client, provider=provider.pk, **attached(file))

    row = MessageAttachment.objects.get()
    assert (row.name, row.size, row.content_type) == ("offer.pdf", 8, "application/pdf")


def test_nonsensical_content_type_is_replaced(admin_client, provider, media):
    file = SimpleUploadedFile("offer.pdf", b"%PDF-1.4", "nonsense")

    add(admin_client, provider=provider.pk, **attached(file))

    assert MessageAttachment.objects.get().content_type == "application/pdf"


def test_attachments_over_the_limit_are_refused(admin_client, provider, media, settings):
    settings.ATTACHMENT_MAX_BYTES = 10
    files = [SimpleUploadedFile(f"{number}.txt", b"123456") for number in range(2)]

    response = add(admin_client, provider=provider.pk, **attached(*files))

    assert "at most 10" in response.content.decode().replace("\xa0", " ")
    assert not Message.objects.exists()


def test_attachment_of_an_sms_is_refused(admin_client, media):
    provider = make_provider(channel_type="sms")
    file = SimpleUploadedFile("a.txt", b"1")

    response = add(admin_client, provider=provider.pk, to_address="+12025550143", **attached(file))

    assert "Only e-mails carry attachments" in response.content.decode()


def test_adding_needs_its_permission(provider):
    response = add(client_with("view_message"), provider=provider.pk)

    assert response.status_code == 403
    assert not Message.objects.exists()
