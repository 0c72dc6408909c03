from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote

import pytest

from omnichannel.backends.base import Attachment
from omnichannel.backends.falconide import Falconide
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import (
    InvalidWebhook,
    OutcomeUnknown,
    ProviderRefused,
    Rejected,
    TemporaryError,
)
from tests.factories_outgoing import make_config, make_outgoing
from tests.omnichannel.backends.recorded import FORM, posted, recorded
from tests.servers import http
from tests.servers.http import Answer, HttpServer

ACCEPTED = Answer(200, recorded("falconide_accepted.json"))
KEY = "6f2c4b1e-0d5a-4b7e-9c3d-2a1b0c9d8e7f"


def make_falconide(url: str = "", **values) -> Falconide:
    return Falconide(make_config(service_url=url, app_key="secret", **values))


def sent_by(answer: Answer, **values):
    with HttpServer(answer) as server:
        result = make_falconide(server.url, deadline=1.0).send(make_outgoing(**values))
        return result, server


def document_of(server: HttpServer) -> dict:
    [request] = server.requests
    [data] = parse_qs(request.body.decode(), strict_parsing=True)["data"]
    return json.loads(data)


def test_message_is_one_parameter_with_a_document_of_encoded_texts():
    with HttpServer(ACCEPTED) as server:
        message = make_outgoing(
            to="ann+x@example.com",
            subject="50% & more",
            html="<p>é + 1</p>",
            cc=("cc@example.com",),
            reply_to="desk@example.com",
        )
        result = make_falconide(f"{server.url}/falconapi/web.send.json").send(message)

    document = document_of(server)
    details = {name: unquote(text) for name, text in document["email_details"].items()}
    assert server.requests[0].method == "POST"
    assert server.requests[0].path == "/falconapi/web.send.json"
    assert server.requests[0].headers["content-type"] == FORM
    assert details == {
        "fromname": "The Studio",
        "subject": "50% & more",
        "from": "studio@example.com",
        "replytoid": "desk@example.com",
        "content": "<p>é + 1</p>",
    }
    assert "%25" in document["email_details"]["subject"]
    assert document["api_key"] == "secret"
    assert document["X-APIHEADER"] == [message.key]
    assert document["recipients"] == ["ann%2Bx@example.com"]
    assert document["recipients_cc"] == ["cc@example.com"]
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "0")


def test_headers_that_have_no_place_are_told_of():
    result, server = sent_by(ACCEPTED, headers={"List-Unsubscribe": "<https://example.com/u>"})

    assert "headers were left out" in result.text
    assert "List-Unsubscribe" not in json.dumps(document_of(server))


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"bcc": ("bcc@example.com",)}, "leave Bcc empty"),
        ({"attachments": (Attachment("a.pdf", b"1"),)}, "use another provider"),
        ({"html": "", "text": ""}, "no content"),
    ],
)
def test_what_nobody_documents_is_refused_before_it_is_sent(values, advice):
    with HttpServer(ACCEPTED) as server, pytest.raises(Rejected, match=advice):
        make_falconide(server.url).send(make_outgoing(**values))

    assert server.requests == []


def test_failure_with_http_200_keeps_its_code_and_words_for_the_status_table():
    answer = Answer(200, {"message": "ERROR", "errorcode": "17", "errormessage": "Try later"})

    with pytest.raises(TemporaryError, match="17: Try later") as caught:
        sent_by(answer)

    assert caught.value.code == "17"


def test_wrong_key_stops_the_provider_and_fails_no_message():
    answer = Answer(200, {"message": "ERROR", "errorcode": 3, "errormessage": "Invalid API key"})

    with pytest.raises(ProviderRefused):
        sent_by(answer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, b"<html>"), OutcomeUnknown),
        (Answer(200, b"[" * 100_000), OutcomeUnknown),
        (Answer(200, {"errorcode": {"a": 1}}), OutcomeUnknown),
        (Answer(200, ["0"]), OutcomeUnknown),
        (Answer(202, recorded("falconide_accepted.json")), OutcomeUnknown),
        (Answer(200, recorded("falconide_accepted.json"), manner=http.CUT_BODY), OutcomeUnknown),
        (Answer(401), ProviderRefused),
        (Answer(500), TemporaryError),
    ],
)
def test_any_other_answer_is_never_taken_for_success(answer, error):
    with pytest.raises(error):
        sent_by(answer)


def test_check_says_that_somebody_is_there():
    with HttpServer(Answer(200)) as server:
        said = make_falconide(server.url).check()

    assert "127.0.0.1 is there (HTTP 200)" in said


def test_events_come_as_an_array_an_object_or_the_fields_of_a_form():
    item = {"EVENT": "open", "TRANSID": 7, "X-APIHEADER": KEY, "TIMESTAMP": 1700000000}
    calls = (
        posted(json.dumps([item]).encode()),
        posted(json.dumps(item).encode()),
        posted(f"event=open&TRANSID=7&X-APIHEADER={KEY}&TIMESTAMP=1700000000".encode(), kind=FORM),
    )

    events = [event for call in calls for event in make_falconide().parse_webhook(call)]

    assert len(events) == 3
    assert {(e.type, e.key, e.external_id, e.at.year) for e in events} == {
        (EventType.OPENED, KEY, "7", 2023)
    }


def test_call_that_is_not_understood_is_refused():
    with pytest.raises(InvalidWebhook):
        make_falconide().parse_webhook(posted(b"name=value", kind=FORM))
