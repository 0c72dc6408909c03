from __future__ import annotations

import base64
import datetime
import json
from urllib.parse import quote_plus

import pytest

from omnichannel.backends.base import Attachment
from omnichannel.backends.pepipost import Pepipost, PepipostForm
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import (
    InvalidWebhook,
    OutcomeUnknown,
    ProviderRefused,
    Rejected,
    TemporaryError,
    Throttled,
)
from tests.factories_outgoing import make_config, make_outgoing
from tests.omnichannel.backends.recorded import FORM, posted, recorded
from tests.servers import http
from tests.servers.http import Answer, HttpServer

ACCEPTED = Answer(200, recorded("pepipost_accepted.json"))
KEY = "6f2c4b1e-0d5a-4b7e-9c3d-2a1b0c9d8e7f"
AT = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)


def make_pepipost(url: str = "", **values) -> Pepipost:
    return Pepipost(make_config(service_url=url, app_key="secret", **values))


def sent_by(answer: Answer, **values):
    with HttpServer(answer) as server:
        return make_pepipost(server.url, deadline=1.0).send(make_outgoing(**values)), server


def test_message_is_handed_over_with_all_it_has():
    message = make_outgoing(
        cc=("cc@example.com",),
        bcc=("bcc@example.com",),
        reply_to="desk@example.com",
        headers={"List-Unsubscribe": "<https://example.com/u>"},
        attachments=(Attachment("a.pdf", b"12345", "application/pdf"),),
    )

    with HttpServer(ACCEPTED) as server:
        backend = make_pepipost(
            server.url + "/v5.1/", track_opens=True, options={"ip_pool": "main"}
        )
        result = backend.send(message)

    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/v5.1/mail/send")
    assert request.headers["api_key"] == "secret"
    assert request.json == {
        "from": {"email": "studio@example.com", "name": "The Studio"},
        "reply_to": "desk@example.com",
        "subject": "Hello",
        "content": [{"type": "html", "value": "<p>Hello Ann</p>"}],
        "personalizations": [
            {
                "to": [{"email": "ann@example.com"}],
                "cc": [{"email": "cc@example.com"}],
                "bcc": [{"email": "bcc@example.com"}],
                "token_to": message.key,
                "headers": {"List-Unsubscribe": "<https://example.com/u>"},
            }
        ],
        "attachments": [{"name": "a.pdf", "content": base64.b64encode(b"12345").decode()}],
        "settings": {
            "open_track": True,
            "click_track": False,
            "unsubscribe_track": False,
            "footer": False,
            "ip_pool": "main",
        },
    }
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "200")
    assert result.external_id == "6d3a1f0e9b8c7d6e5f4a3b2c1d0e9f8a"


def test_plain_text_goes_as_html_with_nothing_of_it_read_as_a_tag():
    _, server = sent_by(ACCEPTED, html="", text="1 < 2\n& more")

    [content] = server.requests[0].json["content"]
    assert content["type"] == "html"
    assert "1 &lt; 2\n&amp; more</div>" in content["value"]


def test_message_that_is_held_counts_as_taken_and_says_so():
    result, _ = sent_by(Answer(202, b"Accepted"))

    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "202")
    assert "held" in result.text


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (401, ProviderRefused),
        (403, ProviderRefused),
        (405, ProviderRefused),
        (429, Throttled),
        (503, TemporaryError),
    ],
)
def test_refusal_is_judged_by_its_status(status, error):
    with pytest.raises(error, match="no such thing"):
        sent_by(Answer(status, {"status": "error", "message": "no such thing"}))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b""),
        Answer(200, b"[" * 100_000),
        Answer(200, {"status": "error", "message": "?"}),
        Answer(200, ["success"]),
        Answer(204),
        Answer(200, recorded("pepipost_accepted.json"), manner=http.CUT_BODY),
    ],
)
def test_what_does_not_say_that_it_was_taken_leaves_the_outcome_unknown(answer):
    with pytest.raises(OutcomeUnknown):
        sent_by(answer)


def test_strange_ids_are_not_kept():
    result, _ = sent_by(Answer(200, {"status": "success", "data": {"message_id": ["x"]}}))

    assert result.external_id == ""


def test_check_says_that_somebody_is_there():
    with HttpServer(Answer(404)) as server:
        said = make_pepipost(server.url).check()

    assert "127.0.0.1 is there (HTTP 404)" in said


def test_recorded_events_are_read():
    sent, clicked, hard, soft = make_pepipost().parse_webhook(
        posted(recorded("pepipost_events.json"))
    )

    assert (sent.type, sent.at, sent.key) == (EventType.DELIVERED, AT, KEY)
    assert sent.external_id == clicked.external_id == "15536250111702803"
    assert (clicked.type, clicked.key) == (EventType.CLICKED, KEY)
    assert clicked.url == "https://example.com/offer?a=1"
    assert (hard.type, hard.outcome) == (EventType.BOUNCED, Outcome.REJECTED)
    assert hard.address == "bob@example.com"
    assert hard.description == "10 User unknown 5.1.1 (bad destination mailbox address)"
    assert (soft.type, soft.outcome, soft.key) == (EventType.BOUNCED, Outcome.TEMPORARY, "")


@pytest.mark.parametrize(
    ("words", "type_", "code"),
    [
        (("sent", "send", "delivered", "Delivered"), EventType.DELIVERED, "sent"),
        (("opened", "open"), EventType.OPENED, "opened"),
        (("clicked", "click"), EventType.CLICKED, "clicked"),
        (("bounced", "bounce"), EventType.BOUNCED, "bounced"),
        (("unsubscribed", "unsub"), EventType.UNSUBSCRIBED, "unsubscribed"),
        (("dropped", "drop"), EventType.REJECTED, "dropped"),
        (("invalid",), EventType.BOUNCED, "invalid"),
        (("spam", "abuse"), EventType.COMPLAINED, "spam"),
        (("resurrected",), EventType.UNKNOWN, "resurrected"),
    ],
)
def test_every_generation_of_event_names_is_known(words, type_, code):
    body = json.dumps([{"EVENT": word, "TRANSID": 1} for word in words]).encode()

    events = make_pepipost().parse_webhook(posted(body))

    assert {(event.type, event.code) for event in events} == {(type_, code)}


def test_url_encoded_calls_are_read_too():
    body = quote_plus(recorded("pepipost_events.json")).encode()

    events = make_pepipost().parse_webhook(posted(body, kind=FORM))

    assert [event.key for event in events][:1] == [KEY]


@pytest.mark.parametrize("body", [b"", b"[]", b" [ ] "])
def test_empty_test_call_is_answered_well(body):
    assert make_pepipost().parse_webhook(posted(body)) == []


def test_test_call_about_no_message_of_ours_is_a_note():
    body = b'[{"EVENT": "sent", "TRANSID": 1, "X-APIHEADER": "UNIQUEID", "TIMESTAMP": "soon"}]'

    [event] = make_pepipost().parse_webhook(posted(body))

    assert (event.key, event.external_id) == ("", "1")


def test_repeated_event_has_the_same_id_and_another_one_has_not():
    first = make_pepipost().parse_webhook(posted(recorded("pepipost_events.json")))
    again = make_pepipost().parse_webhook(posted(recorded("pepipost_events.json")))

    assert [event.event_id for event in first] == [event.event_id for event in again]
    assert len({event.event_id for event in first}) == 4


@pytest.mark.parametrize("body", [b"hello", b"[1]", b"{", b"\xff\xfe", b"a=1&b=2", b"[" * 50_000])
def test_call_that_is_not_understood_is_refused(body):
    with pytest.raises(InvalidWebhook):
        make_pepipost().parse_webhook(posted(body))


def test_pool_with_a_space_is_refused_with_advice():
    form = PepipostForm({"ip_pool": "my pool"})

    assert form.errors == {"ip_pool": ["Write the pool's name without spaces."]}


def test_one_bad_event_does_not_cost_the_others_of_its_call(caplog):
    told = json.loads(recorded("pepipost_events.json"))

    events = make_pepipost().parse_webhook(posted(json.dumps(["junk", *told, None]).encode()))

    assert len(events) == len(told)
    assert "2 of 6 events are no objects" in caplog.text
