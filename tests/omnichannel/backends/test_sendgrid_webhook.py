"""SendGrid's signature: the published example, ages, and keys that are none."""

from __future__ import annotations

import datetime

import pytest
from django.test import RequestFactory

from omnichannel.backends import sendgrid_webhook
from omnichannel.backends.sendgrid import SendGrid, SendGridForm
from omnichannel.exceptions import ForgedWebhook, InvalidWebhook
from tests.factories_outgoing import make_config
from tests.omnichannel.backends.webhook_signers import curve_key, public, sendgrid

# The example of SendGrid's own libraries: sendgrid-python, test/unit/test_eventwebhook.py.
KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
    "2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
STAMP = "1600112502"
SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtE"
    "ZtM="
)
BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",'
    b'"timestamp":1600112492}]\r\n'
)


def request(body=BODY, stamp=STAMP, signature=SIGNATURE):
    headers = {sendgrid_webhook.SIGNATURE: signature, sendgrid_webhook.TIMESTAMP: stamp}
    return RequestFactory().post("/", body, content_type="application/json", headers=headers)


def backend(**options) -> SendGrid:
    return SendGrid(make_config(options={"webhook_key": KEY, "webhook_max_age": 0, **options}))


def test_the_published_example_is_verified_and_read():
    [event] = backend().parse_webhook(request())

    assert event.external_id == "LRzXl_NHStOGhQ4kofSm_A"
    assert event.event_id == "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA"
    assert event.at == datetime.datetime(2020, 9, 14, 19, 41, 32, tzinfo=datetime.UTC)
    assert (event.type, event.reason, event.address) == ("rejected", "bounce", "hello@world.com")


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY.rstrip(b"\r\n")},
        {"body": BODY + b" "},
        {"stamp": "1600112503"},
        {"stamp": ""},
        {"signature": ""},
        {"signature": "AAAA"},
        {"signature": "\u00e4"},
        {"signature": SIGNATURE[:-1]},
    ],
    ids=str,
)
@pytest.mark.fault(31)
def test_the_example_with_anything_changed_is_forged(changed):
    with pytest.raises(ForgedWebhook):
        backend().parse_webhook(request(**changed))


@pytest.mark.parametrize(
    ("max_age", "age", "is_taken"),
    [
        (None, 299, True),
        (None, 301, False),
        (None, -301, False),
        (0, 10**6, True),
        (3600, 3599, True),
        (3600, 3601, False),
    ],
)
@pytest.mark.fault(31)
def test_a_call_is_taken_up_to_the_age_that_the_provider_allows(
    time_machine, max_age, age, is_taken
):
    now = 1_772_452_800
    time_machine.move_to(now, tick=False)
    body, headers = sendgrid([], now - age)
    asked = RequestFactory().post("/", body, content_type="application/json", headers=headers)
    mine = backend(webhook_key=public(curve_key()), webhook_max_age=max_age)

    if is_taken:
        assert mine.parse_webhook(asked) == []
    else:
        with pytest.raises(ForgedWebhook, match="ago"):
            mine.parse_webhook(asked)


@pytest.mark.parametrize("key", ["x", "AAAA", KEY[:-4], "\u00e4", KEY.replace("B", "C", 1)])
def test_the_form_refuses_what_is_no_key(key):
    form = SendGridForm({"webhook_key": key})

    assert "webhook_key" in form.errors


@pytest.mark.parametrize(
    "key", [KEY, f" {KEY}\n", f"-----BEGIN PUBLIC KEY-----\n{KEY}\n-----END PUBLIC KEY-----"]
)
def test_the_form_takes_a_key_as_it_is_copied(key):
    form = SendGridForm({"webhook_key": key})

    assert form.is_valid(), form.errors


def test_an_event_without_a_time_does_not_cost_the_others_of_its_call():
    [event] = sendgrid_webhook.events(
        ["junk", {"event": "open"}, {"event": "open", "timestamp": 1_600_112_492, "key": "k"}]
    )

    assert event.key == "k"


def test_events_of_which_none_is_understood_are_refused():
    with pytest.raises(InvalidWebhook, match="KeyError"):
        sendgrid_webhook.events([{"event": "open"}, {"event": "click"}])
