"""What holds for every backend of ours that takes calls, by payload files as vendors write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import RequestFactory
from django.utils import timezone

from omnichannel import backends
from omnichannel.choices import EventType, Outcome, SuppressionReason
from omnichannel.exceptions import ForgedWebhook, InvalidWebhook
from tests.factories_outgoing import make_config
from tests.omnichannel.backends.webhook_signers import PATH, VENDORS, call

FOLDER = Path(__file__).parent / "payloads"
PAYLOADS = {slug: json.loads((FOLDER / f"{slug}.json").read_text()) for slug in VENDORS}
CASES = [
    pytest.param(slug, case, id=f"{slug} {case['name']}")
    for slug, cases in PAYLOADS.items()
    for case in cases
]
EVERY = pytest.mark.parametrize("slug", VENDORS)
HOSTILE = [
    *(b"", b"null", b"1", b'"x"', b"[]]", b"{", b"\xff\xfe", b"\x00", b"[null]", b"[1]", b"[[]]"),
    *(b"{}", b'{"event": []}', b'[{"event": {}}]', b'{"data": 3}', b'{"type": {"a": 1}}'),
    *(b'[{"event": "open", "timestamp": 1e400}]', b'[{"event": "open", "timestamp": "x"}]'),
    *(b'[{"event": "open", "timestamp": -1e18}]', b'[{"msys": []}]', b'[{"msys": {"a": 1}}]'),
    *(b'{"events": [{"event": "x", "timestamp": %s}]}' % moment for moment in (b"1e17", b"1e18")),
    *(b'{"event": "x", "ts_epoch": 1e22, "time": 1e18}', b'[{"event": "x", "ts": 1e18}]'),
    *(b'{"RecordType": "Bounce", "Type": []}', b'{"RecordType": "Open", "ReceivedAt": 7}'),
    *(b'{"events": [{"event": 3}]}', b'{"events": {"a": 1}}', b'{"payload": [], "timestamp": "x"}'),
    *(b'{"event-data": []}', b'{"signature": 5}', b'{"type": "email.bounced", "data": []}'),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000, b'"\\ud800"'),
]


def backend_of(slug, *, is_filled=True):
    name, secret, _ = VENDORS[slug]
    if not is_filled:
        return backends.get(slug)(make_config())
    if name == "app_key":
        return backends.get(slug)(make_config(app_key=secret))
    return backends.get(slug)(make_config(options={name: secret}))


def now() -> float:
    return timezone.now().timestamp()


def body_of(slug):
    return PAYLOADS[slug][0]["body"]


def test_every_receiving_anymail_backend_has_a_payload_file():
    anymail = {
        slug for slug, b in backends.registry().items() if slug.startswith("anymail-") if b.receives
    }

    assert anymail | {"sendgrid"} == set(VENDORS)


@pytest.mark.parametrize(("slug", "case"), CASES)
def test_a_payload_is_told_in_our_words(slug, case):
    told = backend_of(slug).parse_webhook(call(slug, case["body"], now()))

    assert [
        {k: getattr(e, k) for k in wanted} for e, wanted in zip(told, case["told"], strict=True)
    ] == case["told"]
    for event in told:
        assert event.event_id
        assert event.at.tzinfo
        assert event.type in EventType.values
        assert event.outcome in ("", *Outcome.values)
        assert event.reason in ("", *SuppressionReason.values)


@pytest.mark.parametrize(("slug", "case"), CASES)
def test_the_same_call_told_again_has_the_same_ids(slug, case):
    backend = backend_of(slug)

    first = backend.parse_webhook(call(slug, case["body"], now()))
    again = backend.parse_webhook(call(slug, case["body"], now()))

    assert [event.event_id for event in first] == [event.event_id for event in again]


@pytest.mark.parametrize(("slug", "case"), CASES)
def test_every_code_told_is_in_the_table_of_statuses(slug, case):
    known = {status.code for status in backends.get(slug).statuses}

    told = backend_of(slug).parse_webhook(call(slug, case["body"], now()))

    unknown = {event.code for event in told if event.type != EventType.UNKNOWN} - known
    assert not {code for code in unknown if "proxy" not in code}


@EVERY
def test_a_call_without_a_signature_is_forged(slug):
    bare = RequestFactory().post(PATH, json.dumps(body_of(slug)), content_type="application/json")

    with pytest.raises(InvalidWebhook):
        backend_of(slug).parse_webhook(bare)


@EVERY
def test_a_call_signed_with_another_secret_is_forged(slug, monkeypatch):
    signed = call(slug, body_of(slug), now())
    name = VENDORS[slug][0]
    other = {"sendgrid": VENDORS["sendgrid"][1][:-8] + "AAAAAAA=", "anymail-resend": "whsec_AAAA"}
    value = other.get(slug, "studio:another-password")
    values = {"app_key": value} if name == "app_key" else {"options": {name: value}}

    with pytest.raises(InvalidWebhook):
        backends.get(slug)(make_config(**values)).parse_webhook(signed)


@EVERY
def test_without_a_secret_every_call_is_forged(slug, settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": "studio:a-long-password"}  # never looked at

    with pytest.raises(ForgedWebhook):
        backend_of(slug, is_filled=False).parse_webhook(call(slug, body_of(slug), now()))


@EVERY
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.fault(31)
def test_what_is_signed_but_senseless_is_refused_or_about_nobody(slug, body):
    try:
        told = backend_of(slug).parse_webhook(call(slug, body, now()))
    except InvalidWebhook:
        return

    assert not any(event.key or event.external_id or event.address for event in told)


@pytest.mark.parametrize("slug", ["anymail-brevo", "anymail-postmark", "anymail-sparkpost"])
def test_short_webhook_passwords_are_refused(slug):
    form = backends.get(slug).config_form({"webhook_login": "studio:short"})

    assert "webhook_login" in form.errors


@pytest.mark.parametrize(("slug", "age"), [("anymail-resend", 400), ("anymail-mailgun", 90_000)])
def test_an_old_signature_is_refused(slug, age):
    with pytest.raises(ForgedWebhook):
        backend_of(slug).parse_webhook(call(slug, body_of(slug), now() - age))


def test_mandrill_signs_the_address_that_the_outside_sees(settings):
    signed = call("anymail-mandrill", body_of("anymail-mandrill"), now())
    settings.PUBLIC_URL = "http://testserver"
    signed.META["HTTP_HOST"] = "127.0.0.1:8000"  # behind a proxy

    assert len(backend_of("anymail-mandrill").parse_webhook(signed)) == 1
