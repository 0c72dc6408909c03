"""Providers that take an array of whole messages: one result for each of them."""

from __future__ import annotations

from collections import Counter

import pytest

from omnichannel import backends
from omnichannel.backends.base import Attachment
from omnichannel.choices import Category, Outcome
from omnichannel.exceptions import ProviderRefused
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers import http
from tests.servers.http import Answer, HttpServer, Request

SLUGS = ["anymail-mailjet", "anymail-postmark", "anymail-resend"]
EACH = pytest.mark.parametrize("slug", SLUGS)
INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive. Found inactive addresses: "
    "{}. Inactive recipients are ones that have generated a hard bounce or a spam complaint."
)


def recipients(request: Request) -> list[str]:
    """Of the messages in an array, or of the only one."""
    found = request.json
    if isinstance(found, dict):
        found = found.get("Messages", [found])
    people = [item.get("To") or item.get("to") for item in found]
    return [
        person[0].get("Email")
        if isinstance(person, list) and isinstance(person[0], dict)
        else person[0]
        if isinstance(person, list)
        else person
        for person in people
    ]


def postmark(request: Request, bad: str) -> Answer:
    def one(to: str) -> dict:
        if to == bad:
            return {"ErrorCode": 406, "Message": INACTIVE.format(to)}
        return {"ErrorCode": 0, "Message": "OK", "MessageID": f"id-{to}", "To": to}

    answers = [one(to) for to in recipients(request)]
    return Answer(200, answers if request.path.endswith("/batch") else answers[0])


def mailjet(request: Request, bad: str) -> Answer:
    def one(to: str) -> dict:
        if to == bad:
            error = {"ErrorCode": "mj-0013", "StatusCode": 400, "ErrorRelatedTo": ["To"]}
            return {"Status": "error", "Errors": [error]}
        return {"Status": "success", "To": [{"Email": to, "MessageID": f"id-{to}"}]}

    people = recipients(request)
    head = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(400 if bad in people else 200, {"Messages": [one(to) for to in people]}, head)


def resend(request: Request, bad: str) -> Answer:
    people = recipients(request)
    if bad in people:
        error = {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}
        return Answer(422, error)
    ids = [{"id": f"id-{to}"} for to in people]
    return Answer(200, {"data": ids} if request.path.endswith("/batch") else ids[0])


VENDORS = {"anymail-postmark": postmark, "anymail-mailjet": mailjet, "anymail-resend": resend}


def vendor(slug: str, bad: str = ""):
    return lambda request: VENDORS[slug](request, bad)


def make_backend(slug: str, server: HttpServer, per_call: int = 5, **values):
    return backends.registry()[slug](
        make_config(
            service_url=server.url,
            app_key="secret-key",
            app_password="secret-password",
            options={"messages_per_call": per_call, "connections": 1},
            **values,
        )
    )


def people(count: int, **fields):
    return [make_outgoing(to=f"p{number}@example.com", **fields) for number in range(count)]


def outcomes(results) -> Counter:
    return Counter(result.outcome for result in results)


def sizes(server: HttpServer) -> list[int]:
    return [len(recipients(request)) for request in server.requests]


@EACH
def test_messages_go_together_and_each_has_its_id(slug):
    messages = people(12)

    with HttpServer(vendor(slug)) as server:
        results = list(make_backend(slug, server).deliver(messages))

    assert outcomes(results) == {Outcome.ACCEPTED: 12}
    assert {r.key: r.external_id for r in results} == {m.key: f"id-{m.to}" for m in messages}
    assert sizes(server) == [5, 5, 2]
    whole = b"".join(request.body for request in server.requests)
    assert all(whole.count(message.key.encode()) == 1 for message in messages)


@EACH
def test_what_a_message_says_is_in_its_own_place(slug):
    messages = [make_outgoing(to=f"p{n}@example.com", html=f"<p>{n}</p>") for n in range(3)]

    with HttpServer(vendor(slug)) as server:
        list(make_backend(slug, server).deliver(messages))

    found = server.requests[0].json
    found = found["Messages"] if isinstance(found, dict) else found
    for number, item in enumerate(found):
        assert f"p{number}@example.com" in str(item)
        assert f"<p>{number}</p>" in item.values()


@EACH
def test_a_bad_recipient_fails_alone(slug):
    messages = people(5)

    with HttpServer(vendor(slug, bad="p3@example.com")) as server:
        results = list(make_backend(slug, server).deliver(messages))

    by_key = {result.key: result.outcome for result in results}
    assert outcomes(results) == {Outcome.ACCEPTED: 4, Outcome.REJECTED: 1}
    assert by_key[messages[3].key] == Outcome.REJECTED


@EACH
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"{not json"),
        Answer(200, {"Messages": [], "data": []}),
        Answer(200, []),
        Answer(500, {"message": "Half of it is done."}),
        Answer(502),
        Answer(manner=http.CLOSE),
        Answer(200, b"[" + b" " * 1000 + b"]", manner=http.CUT_BODY),
    ],
)
def test_an_answer_that_does_not_speak_of_each_leaves_all_unknown(slug, answer):
    with HttpServer(answer, vendor(slug)) as server:
        results = list(make_backend(slug, server).deliver(people(10)))

    assert outcomes(results) == {Outcome.UNKNOWN: 5, Outcome.ACCEPTED: 5}


@EACH
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_array_goes_again_message_by_message(slug, status):
    with HttpServer(Answer(status, {"message": "No."}), vendor(slug)) as server:
        results = list(make_backend(slug, server).deliver(people(3)))

    assert outcomes(results) == {Outcome.ACCEPTED: 3}
    assert sizes(server) == [3, 1, 1, 1]


@EACH
@pytest.mark.parametrize(
    ("status", "outcome"), [(429, Outcome.THROTTLED), (503, Outcome.TEMPORARY)]
)
def test_an_array_that_is_put_off_puts_off_each(slug, status, outcome):
    with HttpServer(Answer(status, headers={"Retry-After": "9"})) as server:
        results = list(make_backend(slug, server).deliver(people(3)))

    assert outcomes(results) == {outcome: 3}


@EACH
def test_a_wrong_key_stops_the_provider(slug):
    with HttpServer(Answer(401)) as server, pytest.raises(ProviderRefused):
        list(make_backend(slug, server).deliver(people(3)))


@EACH
def test_a_one_time_password_goes_alone(slug):
    with HttpServer(vendor(slug)) as server:
        list(make_backend(slug, server).deliver(people(2, category=Category.OTP)))

    assert sizes(server) == [1, 1]


def test_resend_takes_no_attachments_in_arrays():
    files = (Attachment("a.pdf", b"12345", "application/pdf"),)

    with HttpServer(vendor("anymail-resend")) as server:
        results = list(make_backend("anymail-resend", server).deliver(people(2, attachments=files)))

    assert outcomes(results) == {Outcome.ACCEPTED: 2}
    assert sizes(server) == [1, 1]


def test_mailjet_answer_about_somebody_else_leaves_all_unknown():
    def mixed(request: Request) -> Answer:
        answer = mailjet(request, "")
        answer.body["Messages"].reverse()
        return answer

    with HttpServer(mixed) as server:
        results = list(make_backend("anymail-mailjet", server).deliver(people(3)))

    assert outcomes(results) == {Outcome.UNKNOWN: 3}
