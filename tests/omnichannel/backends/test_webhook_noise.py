"""Whatever a call holds, a backend tells events or refuses it: nothing else may happen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.falconide import Falconide
from omnichannel.backends.generic_http import GenericHttp
from omnichannel.backends.netcore_sms import NetcoreSms
from omnichannel.backends.pepipost import Pepipost
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import InvalidWebhook
from tests.factories_outgoing import make_config
from tests.omnichannel.backends.recorded import FORM, got, posted
from tests.omnichannel.backends.test_generic_reports import FIELDS, LIST, VERIFIED

RECEIVERS = [
    Pepipost(make_config()),
    Falconide(make_config()),
    NetcoreSms(make_config()),
    GenericHttp(make_config(options=LIST)),
    GenericHttp(make_config(options=FIELDS)),
    GenericHttp(make_config(options={**VERIFIED, "report_check": "hmac"})),
]
EVERY = pytest.mark.parametrize("backend", RECEIVERS, ids=lambda b: b.slug)
WORDS = "EVENT TRANSID TIMESTAMP X-APIHEADER BOUNCE_TYPE EMAIL URL events status name code custref"
NAMES = st.sampled_from([*WORDS.split(), "id", "uuid", "done", "reqid", "event_time", "mobile"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from([10**400, -(10**18), 1e308, "\0", "\ud800", "9" * 5000, "bounce", "delivered"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(NAMES | st.text(), inner, max_size=6)
    ),
    max_leaves=25,
)
EVENTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=8), max_size=3)


def assert_told_or_refused(backend, call):
    try:
        events = backend.parse_webhook(call)
    except InvalidWebhook:
        return
    for event in events:
        assert isinstance(event, TrackingEvent)
        assert event.type in EventType.values
        assert event.outcome in ("", *Outcome.values)
        assert 2000 <= event.at.year < 10_000
        assert event.at.tzinfo is not None
        texts = (event.key, event.external_id, event.event_id, event.code, event.description)
        for text in (*texts, event.url, event.address):
            assert isinstance(text, str)
            assert len(text) <= 2000
            assert "\0" not in text
            text.encode()


@EVERY
@given(body=st.binary(max_size=500), kind=st.sampled_from([FORM, "application/json", "x"]))
def test_any_bytes(backend, body, kind):
    assert_told_or_refused(backend, posted(body, kind=kind))


@EVERY
@given(value=VALUES | EVENTS | st.fixed_dictionaries({"events": EVENTS}))
def test_any_json(backend, value):
    assert_told_or_refused(backend, posted(json.dumps(value).encode()))


@EVERY
@given(query=st.text(max_size=200), method=st.sampled_from(["GET", "HEAD", "POST", "PUT"]))
def test_any_query(backend, query, method):
    assert_told_or_refused(backend, got(query, method=method))


@EVERY
@given(mark=st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=80))
def test_any_signature(backend, mark):
    assert_told_or_refused(backend, posted(b'{"events": []}', X_Mark=mark))
