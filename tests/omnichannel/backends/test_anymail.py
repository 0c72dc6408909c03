"""Every provider behind the bridge, against a loopback server that answers as the vendor does."""

from __future__ import annotations

import time

import pytest

from omnichannel import backends
from omnichannel.backends.base import Attachment
from omnichannel.choices import Outcome
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    Rejected,
    TemporaryError,
    Throttled,
)
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers import http
from tests.servers.http import Answer, HttpServer

TO = "ann@example.com"
ACCEPTED = {
    "anymail-brevo": Answer(201, {"messageId": "<id-1@mx>"}),
    "anymail-mailersend": Answer(
        202, headers={"X-Message-ID": "id-1", "Content-Type": "text/html"}
    ),
    "anymail-mailgun": Answer(200, {"id": "<id-1@mx>", "message": "Queued. Thank you."}),
    "anymail-mailjet": Answer(
        200, {"Messages": [{"Status": "success", "To": [{"Email": TO, "MessageID": "id-1"}]}]}
    ),
    "anymail-mailtrap": Answer(200, {"success": True, "message_ids": ["id-1"]}),
    "anymail-mandrill": Answer(200, [{"email": TO, "status": "sent", "_id": "id-1"}]),
    "anymail-postal": Answer(
        200,
        {
            "status": "success",
            "data": {"message_id": "x", "messages": {TO: {"id": 1, "token": "t"}}},
        },
    ),
    "anymail-postmark": Answer(
        200, {"To": TO, "MessageID": "id-1", "ErrorCode": 0, "Message": "OK"}
    ),
    "anymail-resend": Answer(200, {"id": "id-1"}),
    "anymail-scaleway": Answer(200, {"emails": [{"mail_rcpt": TO, "status": "new", "id": "id-1"}]}),
    "anymail-sparkpost": Answer(
        200,
        {"results": {"id": "id-1", "total_accepted_recipients": 1, "total_rejected_recipients": 0}},
    ),
    "anymail-unisender-go": Answer(200, {"status": "success", "job_id": "1", "emails": [TO]}),
}
SLUGS = sorted(ACCEPTED)


def make_backend(slug: str, server: HttpServer, options=None, **values):
    return backends.registry()[slug](
        make_config(
            service_url=server.url,
            app_key="secret-key",
            app_password="secret-password",
            options={"project_id": "11111111-2222-3333-4444-555555555555", **(options or {})},
            **values,
        )
    )


def error_of(slug: str, answer: Answer, **values):
    with HttpServer(answer) as server:
        backend = make_backend(slug, server, **values)
        with pytest.raises(Exception) as caught:
            backend.send(make_outgoing())
    return caught.value


def test_every_provider_of_the_bridge_is_tried_here():
    assert {slug for slug in backends.registry() if slug.startswith("anymail-")} == set(SLUGS)


@pytest.mark.parametrize("slug", SLUGS)
def test_accepted_message_has_the_providers_id(slug):
    message = make_outgoing(attachments=(Attachment("a.pdf", b"12345", "application/pdf"),))

    with HttpServer(ACCEPTED[slug]) as server:
        result = make_backend(slug, server, track_opens=True).send(message)

    assert result.outcome == Outcome.ACCEPTED
    assert result.external_id
    assert TO.encode() in server.requests[0].body
    assert b"studio@example.com" in server.requests[0].body


@pytest.mark.parametrize("slug", SLUGS)
def test_key_of_the_message_is_given_where_it_comes_back(slug):
    message = make_outgoing()

    with HttpServer(ACCEPTED[slug]) as server:
        backend = make_backend(slug, server)
        backend.send(message)

    assert (message.key.encode() in server.requests[0].body) == backend.takes_metadata


@pytest.mark.parametrize("slug", SLUGS)
def test_two_messages_share_a_connection(slug):
    with HttpServer(ACCEPTED[slug]) as server:
        backend = make_backend(slug, server, options={"connections": 1, "messages_per_call": 1})
        results = list(backend.deliver([make_outgoing(), make_outgoing()]))

    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 2
    assert server.connections == 1


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (307, ProviderRefused),
        (400, Rejected),
        (401, ProviderRefused),
        (429, Throttled),
        (503, TemporaryError),
    ],
)
def test_answer_is_judged_by_its_status(slug, status, error):
    answer = Answer(status, {"message": "No."}, {"Retry-After": "9", "Location": "/elsewhere"})

    caught = error_of(slug, answer)

    assert type(caught) is error
    assert caught.code == str(status)
    if error is Throttled:
        assert caught.retry_after == 9


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize(
    "answer", [Answer(200, b"{not json"), Answer(manner=http.CLOSE), Answer(manner=http.DRIP_HEAD)]
)
def test_answer_that_says_nothing_leaves_the_outcome_unknown(slug, answer):
    started = time.monotonic()

    caught = error_of(slug, answer, deadline=0.5)

    assert isinstance(caught, OutcomeUnknown)
    assert time.monotonic() - started < 8


@pytest.mark.parametrize("slug", SLUGS)
def test_nobody_listening_means_nothing_was_handed_over(slug):
    with HttpServer() as server:
        pass

    with pytest.raises(ProviderUnavailable):
        make_backend(slug, server).send(make_outgoing())


@pytest.mark.parametrize("slug", SLUGS)
def test_check_says_what_it_does_not_prove(slug):
    with HttpServer(Answer(404)) as server:
        text = make_backend(slug, server).check()

    assert "127.0.0.1 is there (HTTP 404)" in text
    assert "only a test message can tell" in text


def test_settings_of_the_project_are_never_used(settings):
    settings.ANYMAIL = {
        "SEND_DEFAULTS": {"tags": ["foreign"]},
        "POSTMARK_SERVER_TOKEN": "foreign",
        "POSTMARK_MESSAGE_STREAM": "foreign",
        "IGNORE_RECIPIENT_STATUS": True,
    }

    with HttpServer(ACCEPTED["anymail-postmark"]) as server:
        make_backend("anymail-postmark", server).send(make_outgoing())

    assert b"foreign" not in server.requests[0].body
    assert server.requests[0].headers["x-postmark-server-token"] == "secret-key"


def test_inactive_recipient_of_postmark_is_rejected():
    text = "You tried to send to a recipient that has been marked as inactive. Found inactive "
    text += f"addresses: {TO}. Inactive recipients are ones that have generated a hard bounce."

    caught = error_of("anymail-postmark", Answer(422, {"ErrorCode": 406, "Message": text}))

    assert isinstance(caught, Rejected)
    assert "marked as inactive" in str(caught)


def test_refused_copy_of_mandrill_is_noted():
    states = [
        {"email": TO, "status": "sent", "_id": "1"},
        {"email": "cc@example.com", "status": "rejected", "_id": "2"},
    ]

    with HttpServer(Answer(200, states)) as server:
        backend = make_backend("anymail-mandrill", server)
        result = backend.send(make_outgoing(cc=("cc@example.com",)))

    assert result.outcome == Outcome.ACCEPTED
    assert "cc@example.com was not taken" in result.text


def test_refused_recipient_counts_even_when_a_copy_was_taken():
    states = [
        {"email": TO, "status": "rejected", "_id": "1"},
        {"email": "cc@example.com", "status": "sent", "_id": "2"},
    ]

    with HttpServer(Answer(200, states)) as server:
        backend = make_backend("anymail-mandrill", server)
        with pytest.raises(Rejected):
            backend.send(make_outgoing(cc=("cc@example.com",)))


def test_wrong_key_of_mandrill_stops_the_provider():
    answer = Answer(500, {"status": "error", "code": -1, "name": "Invalid_Key"})

    assert isinstance(error_of("anymail-mandrill", answer), ProviderRefused)


@pytest.mark.parametrize(
    ("code", "error"),
    [("InvalidServerAPIKey", ProviderRefused), ("UnauthenticatedFromAddress", Rejected)],
)
def test_failure_of_postal_within_status_200_is_seen(code, error):
    answer = Answer(200, {"status": "error", "data": {"code": code, "message": "No."}})

    assert type(error_of("anymail-postal", answer)) is error


def test_domain_beyond_ascii_is_matched_in_the_answer():
    answer = Answer(200, [{"email": "ann@xn--bcher-kva.example", "status": "sent", "_id": "1"}])

    with HttpServer(answer) as server:
        backend = make_backend("anymail-mandrill", server)
        result = backend.send(make_outgoing(to="ann@bücher.example"))

    assert result.outcome == Outcome.ACCEPTED
