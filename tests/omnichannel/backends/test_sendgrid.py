from __future__ import annotations

import base64
import datetime
import time
from email.utils import format_datetime

import pytest

from omnichannel.backends.base import Attachment
from omnichannel.backends.sendgrid import SendGrid
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

ACCEPTED = Answer(202, headers={"X-Message-Id": "sg-1"})


def make_sendgrid(server: HttpServer, **values) -> SendGrid:
    return SendGrid(make_config(service_url=server.url, app_key="SG.secret", **values))


def error_of(answer: Answer, deadline: float = 5.0):
    with HttpServer(answer) as server:
        backend = make_sendgrid(server, deadline=deadline)
        with pytest.raises(Exception) as caught:
            backend.send(make_outgoing())
    return caught.value


def test_message_is_handed_over_with_all_it_has():
    message = make_outgoing(
        cc=("cc@example.com", "ANN@example.com"),
        bcc=("bcc@example.com", "cc@example.com"),
        reply_to="desk@example.com",
        headers={"List-Unsubscribe": "<https://example.com/u>"},
        attachments=(Attachment("a.pdf", b"12345", "application/pdf"),),
    )

    with HttpServer(ACCEPTED) as server:
        result = make_sendgrid(server, track_opens=True).send(message)

    request = server.requests[0]
    assert (result.outcome, result.code, result.external_id) == (Outcome.ACCEPTED, "202", "sg-1")
    assert (request.method, request.path) == ("POST", "/v3/mail/send")
    assert request.headers["authorization"] == "Bearer SG.secret"
    assert request.json["personalizations"] == [
        {
            "to": [{"email": "ann@example.com"}],
            "cc": [{"email": "cc@example.com"}],
            "bcc": [{"email": "bcc@example.com"}],
        }
    ]
    assert request.json["custom_args"] == {"key": message.key}
    assert request.json["from"] == {"email": "studio@example.com", "name": "The Studio"}
    assert request.json["reply_to"] == {"email": "desk@example.com"}
    assert [part["type"] for part in request.json["content"]] == ["text/plain", "text/html"]
    assert request.json["headers"]["List-Unsubscribe"] == "<https://example.com/u>"
    assert request.json["tracking_settings"]["open_tracking"] == {"enable": True}
    assert request.json["tracking_settings"]["click_tracking"]["enable"] is False
    assert base64.b64decode(request.json["attachments"][0]["content"]) == b"12345"


def test_connection_is_kept_for_the_next_message():
    with HttpServer(ACCEPTED) as server:
        backend = make_sendgrid(server, options={"connections": 1})
        results = list(backend.deliver([make_outgoing() for _ in range(3)]))

    assert [result.code for result in results] == ["202"] * 3
    assert server.connections == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, Rejected),
        (204, OutcomeUnknown),
        (302, ProviderRefused),
        (400, Rejected),
        (401, ProviderRefused),
        (403, ProviderRefused),
        (404, ProviderRefused),
        (413, Rejected),
        (415, Rejected),
        (429, Throttled),
        (500, TemporaryError),
        (503, TemporaryError),
    ],
)
def test_answer_is_judged_by_its_status(status, error):
    body = {"errors": [{"message": "Does not conform.", "field": "subject"}]}

    caught = error_of(Answer(status, body, {"Location": "https://example.com/"}))

    assert type(caught) is error
    if status >= 300:
        assert caught.code == str(status)
        assert "subject: Does not conform." in str(caught)


def test_redirect_is_not_followed():
    with HttpServer(ACCEPTED) as target:
        error_of(Answer(307, headers={"Location": target.url}))

    assert target.requests == []


def in_minutes(minutes: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": lambda: format_datetime(in_minutes(2))}, 120),
        ({"X-RateLimit-Reset": lambda: str(in_minutes(1).timestamp())}, 60),
        ({"Retry-After": "99999999999"}, 3600),
        ({"Retry-After": "-5"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
    ],
)
@pytest.mark.fault(20)
def test_wait_that_was_asked_for_is_honoured_within_reason(headers, seconds):
    now = {name: value() if callable(value) else value for name, value in headers.items()}

    waited = error_of(Answer(429, headers=now)).retry_after

    assert waited == (None if seconds is None else pytest.approx(seconds, abs=20))


@pytest.mark.parametrize("manner", [http.HANG, http.DRIP_HEAD, http.FLOOD_HEAD, http.CLOSE])
def test_no_answer_in_time_leaves_the_outcome_unknown(manner):
    started = time.monotonic()

    caught = error_of(Answer(202, manner=manner), deadline=1.0)

    assert isinstance(caught, OutcomeUnknown)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("manner", [http.DRIP_BODY, http.FLOOD_BODY])
def test_endless_body_does_not_change_what_the_status_said(manner):
    started = time.monotonic()

    with HttpServer(Answer(202, headers={"X-Message-Id": "sg-1"}, manner=manner)) as server:
        result = make_sendgrid(server, deadline=1.0).send(make_outgoing())

    assert result.external_id == "sg-1"
    assert time.monotonic() - started < 10


def test_request_that_never_got_through_is_safe_to_try_again():
    message = make_outgoing(html="x" * 30_000_000)

    with HttpServer(Answer(manner=http.STOP_READING)) as server, pytest.raises(TemporaryError):
        make_sendgrid(server, deadline=1.0).send(message)


def test_nobody_listening_means_nothing_was_handed_over():
    with HttpServer() as server:
        pass

    with pytest.raises(ProviderUnavailable):
        list(make_sendgrid(server).deliver([make_outgoing()]))


@pytest.mark.parametrize("url", ["ftp://example.com", "file:///etc/passwd", "http://"])
def test_service_url_that_is_none_stops_the_provider(url):
    backend = SendGrid(make_config(service_url=url, app_key="SG.secret"))

    with pytest.raises(ProviderRefused):
        backend.send(make_outgoing())


def test_key_that_cannot_be_a_header_stops_the_provider():
    with HttpServer(ACCEPTED) as server, pytest.raises(ProviderRefused):
        SendGrid(make_config(service_url=server.url, app_key="SG.☃")).send(make_outgoing())


def test_sandbox_mode_is_asked_for():
    with HttpServer(Answer(200)) as server, pytest.raises(Rejected) as caught:
        make_sendgrid(server, options={"sandbox_mode": True}).send(make_outgoing())

    assert server.requests[0].json["mail_settings"] == {"sandbox_mode": {"enable": True}}
    assert caught.value.code == "200"


def test_check_says_whether_the_key_may_send():
    with HttpServer(Answer(200, {"scopes": ["alerts.read"]})) as server:
        text = make_sendgrid(server).check()

    assert "may NOT send" in text
    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/v3/scopes")


def test_check_of_a_wrong_key_says_so():
    answer = Answer(401, {"errors": [{"message": "authorization required"}]})

    with HttpServer(answer) as server, pytest.raises(ProviderRefused, match="authorization"):
        make_sendgrid(server).check()
