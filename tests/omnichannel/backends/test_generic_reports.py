from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json

import pytest

from omnichannel.backends.generic_http import GenericHttp
from omnichannel.backends.generic_path import find
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import InvalidWebhook
from tests.factories_outgoing import make_config
from tests.omnichannel.backends.recorded import FORM, got, posted, recorded

KEY = "6f2c4b1e-0d5a-4b7e-9c3d-2a1b0c9d8e7f"
AT = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)
WORDS = "DELIVRD = delivered\nUNDELIV = failed\nBUSY = bounced temporary\nopen = opened"
LIST = {
    "reports": "json",
    "report_list": "events",
    "report_event": "status.name",
    "report_words": WORDS,
    "report_key": "custref",
    "report_id": "id",
    "report_event_id": "uuid",
    "report_address": "msisdn",
    "report_time": "done",
    "report_time_format": "milliseconds",
    "report_code": "status.code",
    "report_description": "status.text",
}
FIELDS = {
    "reports": "form",
    "report_methods": "either",
    "report_event": "stat",
    "report_words": WORDS,
    "report_id": "id",
    "report_time": "at",
    "report_time_format": "iso",
}
SECRET = "a long secret"


def told(call, **options):
    return GenericHttp(make_config(options=options)).parse_webhook(call)


def signed(body: bytes) -> bytes:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).digest()


def test_recorded_list_is_read_as_the_settings_say():
    delivered, failed = told(posted(recorded("generic_events.json")), **LIST)

    assert (delivered.type, delivered.key, delivered.external_id) == (
        EventType.DELIVERED,
        KEY,
        "v-1",
    )
    assert (delivered.at, delivered.event_id, delivered.code) == (AT, "e-1", "0")
    assert delivered.address == "12025550143"
    assert (failed.type, failed.outcome) == (EventType.FAILED, Outcome.REJECTED)
    assert (failed.code, failed.description) == ("27", "Absent subscriber")


@pytest.mark.parametrize(
    "call",
    [
        got("stat=DELIVRD&id=7&at=2023-11-14T22:13:20Z"),
        posted(b"stat=delivrd&id=7&at=2023-11-14T23:13:20%2B01:00", kind=FORM),
    ],
)
def test_fields_come_by_get_or_post(call):
    [event] = told(call, **FIELDS)

    assert (event.type, event.external_id, event.at) == (EventType.DELIVERED, "7", AT)


def test_temporary_bounce_is_told_apart():
    [event] = told(got("stat=busy&id=7"), **FIELDS)

    assert (event.type, event.outcome) == (EventType.BOUNCED, Outcome.TEMPORARY)


def test_word_that_is_not_in_the_table_is_a_note_with_its_code():
    [event] = told(got("stat=LOST&id=7"), **FIELDS)

    assert (event.type, event.code, event.outcome) == (EventType.UNKNOWN, "lost", "")


@pytest.mark.parametrize("value", ["", "soon", "1e400", "-9", "nan", "99999999999999"])
def test_event_without_a_possible_time_is_kept_with_the_present(value):
    before = datetime.datetime.now(datetime.UTC)

    [event] = told(got(f"stat=open&id=7&at={value}"), **{**FIELDS, "report_time_format": "seconds"})

    assert event.at >= before


def test_telspiel_finds_our_key_by_itself():
    options = {**FIELDS, "vendor": "telspiel"}

    [event] = told(got(f"stat=open&custref={KEY}"), **options)

    assert event.key == KEY


VERIFIED = {**LIST, "report_secret": SECRET, "report_name": "X-Mark"}
BODY = recorded("generic_events.json")


@pytest.mark.parametrize(
    ("check", "call"),
    [
        ("header", posted(BODY, X_Mark=SECRET)),
        ("query", posted(BODY, query="X-Mark=a%20long%20secret")),
        ("hmac", posted(BODY, X_Mark=signed(BODY).hex())),
        ("hmac", posted(BODY, X_Mark=f"sha256={signed(BODY).hex().upper()}")),
        ("hmac", posted(BODY, X_Mark=base64.b64encode(signed(BODY)).decode())),
    ],
)
def test_verified_call_is_taken(check, call):
    assert len(told(call, **VERIFIED, report_check=check)) == 2


@pytest.mark.parametrize(
    ("check", "call"),
    [
        ("header", posted(BODY)),
        ("header", posted(BODY, X_Mark="a long secreu")),
        ("header", posted(BODY, query=f"X-Mark={SECRET}")),
        ("query", posted(BODY, query="X-Mark=guess")),
        ("query", posted(BODY, X_Mark=SECRET)),
        ("hmac", posted(BODY, X_Mark=SECRET)),
        ("hmac", posted(BODY + b" ", X_Mark=signed(BODY).hex())),
        ("hmac", posted(BODY, X_Mark=signed(BODY).hex()[:-1])),
        ("hmac", posted(BODY, X_Mark="é")),
        ("magic", posted(BODY, X_Mark=SECRET)),
    ],
)
def test_forged_call_is_refused(check, call):
    with pytest.raises(InvalidWebhook):
        told(call, **VERIFIED, report_check=check)


@pytest.mark.parametrize("missing", ["report_secret", "report_name"])
@pytest.mark.parametrize("check", ["header", "query", "hmac"])
def test_nothing_is_taken_while_the_secret_is_not_set(check, missing):
    call = posted(BODY, X_Mark=hmac.new(b"", BODY, hashlib.sha256).hexdigest())

    with pytest.raises(InvalidWebhook, match="not set"):
        told(call, **{**VERIFIED, missing: ""}, report_check=check)


def test_signature_of_nothing_does_not_open_a_get():
    options = {**FIELDS, "report_secret": SECRET, "report_name": "X-Mark", "report_check": "hmac"}

    with pytest.raises(InvalidWebhook):
        told(got("stat=open&id=7", X_Mark=signed(b"").hex()), **options)


@pytest.mark.parametrize(
    ("call", "options"),
    [
        (posted(BODY), {}),
        (posted(BODY), {**LIST, "reports": ""}),
        (got("stat=open"), LIST),
        (posted(BODY), {**LIST, "report_list": "meta.count"}),
        (posted(BODY), {**LIST, "report_list": "nothing"}),
        (posted(BODY), {**LIST, "report_words": "x = y"}),
        (posted(b"{"), LIST),
        (posted(b"[" * 50_000), LIST),
        (posted(b"\xff", kind=FORM), FIELDS),
        (posted(b"&".join(b"a%d=1" % n for n in range(300)), kind=FORM), FIELDS),
        (posted(json.dumps({"events": [{}] * 10_001}).encode()), LIST),
    ],
)
def test_call_that_does_not_fit_the_settings_is_refused(call, options):
    with pytest.raises(InvalidWebhook):
        told(call, **options)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[1].c", 3),
        ("a.b.1.c", 3),
        ("a.b[9]", None),
        ("a.b.c", None),
        ("a.b.\u0661", None),
        ("x.y", 7),
        ("no.such", None),
        ("", None),
    ],
)
def test_path_leads_through_objects_and_lists(path, found):
    assert find({"a": {"b": [1, {"c": 3}]}, "x.y": 7}, path) == found
