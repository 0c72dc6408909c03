"""From the queue to a vendor's server and back by its report, for vendors with a code of ours."""

from __future__ import annotations

import json

import pytest

from omnichannel import receipts
from omnichannel.choices import ChannelType, MessageStatus
from omnichannel.models import Message
from omnichannel.outgoing import backend_of
from omnichannel.statuses import seed_statuses
from omnichannel.trials import send_text
from tests.factories import NOW, make_provider
from tests.omnichannel.backends.recorded import got, posted, recorded
from tests.servers.http import Answer, HttpServer

pytestmark = pytest.mark.django_db

GENERIC = {
    "method": "POST",
    "body_kind": "json",
    "body": '{"to": "{to}", "text": "{text}", "custref": "{key}", "p": "{password}"}',
    "vendor": "telspiel",
    "taken_by": "value",
    "success_path": "status",
    "success_values": "ok",
    "id_path": "id",
    "reports": "form",
    "report_methods": "get",
    "report_event": "stat",
    "report_words": "DELIVRD = delivered",
}


def by_generic(message):
    return got(f"stat=DELIVRD&custref={message.key}")


def by_netcore(message):
    return got(f"reqid={message.external_id}&status=Delivered")


def by_event(message):
    event = {"EVENT": "delivered", "X-APIHEADER": str(message.key), "TRANSID": 1}
    return posted(json.dumps([event]).encode())


CASES = {
    "pepipost": (ChannelType.EMAIL, {}, recorded("pepipost_accepted.json"), by_event),
    "falconide": (ChannelType.EMAIL, {}, recorded("falconide_accepted.json"), by_event),
    "netcore-sms": (
        ChannelType.SMS,
        {"feed_id": "1"},
        recorded("netcore_sms_accepted.xml"),
        by_netcore,
    ),
    "generic-http": (ChannelType.SMS, GENERIC, b'{"status": "OK", "id": 5}', by_generic),
}


@pytest.mark.parametrize("slug", CASES)
def test_message_is_sent_and_its_delivery_is_told(slug):
    channel_type, options, answer, report = CASES[slug]
    address = "ann@example.com" if channel_type == ChannelType.EMAIL else "+12025550143"
    with HttpServer(Answer(200, answer)) as server:
        provider = make_provider(
            backend=slug,
            channel_type=channel_type,
            service_url=server.url,
            app_user="user",
            app_password="pass",
            app_key="key",
            app_config=options,
        )
        seed_statuses(provider)
        send_text(provider, address, "Hello")
    message = Message.objects.get()
    assert message.status == MessageStatus.SENT
    assert len(server.requests) == 1

    events = backend_of(provider).parse_webhook(report(message))
    receipts.record(provider, events, at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED
    # The words of a provider that is data are the operator's own: there is no table of them.
    new = provider.statuses.filter(is_classified=False).count()
    assert new == (1 if slug == "generic-http" else 0)


def test_new_error_code_is_put_into_the_status_table_and_the_message_waits():
    answer = {"message": "ERROR", "errorcode": "17", "errormessage": "Try later"}
    with HttpServer(Answer(200, answer)) as server:
        provider = make_provider(backend="falconide", service_url=server.url, app_key="key")
        send_text(provider, "ann@example.com", "Hello")

    message = Message.objects.get()
    assert message.status == MessageStatus.ERROR
    assert provider.statuses.get(code="17").is_classified is False
