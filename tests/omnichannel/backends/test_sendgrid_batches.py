"""Several messages in one call to SendGrid: what each recipient gets, and what becomes of each."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnichannel.backends.base import Attachment
from omnichannel.backends.sendgrid import SendGrid
from omnichannel.backends.sendgrid_group import Group
from omnichannel.choices import Category, Outcome
from omnichannel.exceptions import ProviderRefused
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers import http
from tests.servers.http import Answer, HttpServer, Request

ACCEPTED = Answer(202, headers={"X-Message-Id": "sg-1"})
HTML = ("<p>Dear ", ", your plan is ", ".</p>")
TEXT = ("Dear ", ", your plan is ", ".")


def person(number: int, *values: str, **fields):
    values = values or (f"Ann {number}", "gold" if number % 2 else "silver")
    html = tuple(piece for pair in zip(HTML, (*values, ""), strict=True) for piece in pair)
    text = tuple(piece for pair in zip(TEXT, (*values, ""), strict=True) for piece in pair)
    return make_outgoing(
        **{
            "to": f"p{number}@example.com",
            "subject": f"Hello {values[0]}",
            "html": "".join(html),
            "text": "".join(text),
            "html_pieces": html,
            "text_pieces": text,
            **fields,
        }
    )


def people(count: int, **fields):
    return [person(number, **fields) for number in range(count)]


def make_sendgrid(server: HttpServer, per_call: int = 10, connections: int = 2, **values):
    options = {"messages_per_call": per_call, "connections": connections}
    values = {"service_url": server.url, "app_key": "SG.secret", "options": options, **values}
    return SendGrid(make_config(**values))


def expanded(payload: dict, seed: int = 0) -> dict[str, tuple]:
    """{key: (to, subject, text, html, Message-ID)}: a call as SendGrid documents to expand it.

    In whatever order the substitutions are made, and if tags within values were replaced, too.
    """
    found = {}
    for item in payload["personalizations"]:
        pairs = list(item.get("substitutions", {}).items())
        random.Random(seed).shuffle(pairs)
        parts = [item.get("subject", payload["subject"])]
        parts += [part["value"] for part in payload["content"]]
        for _ in range(4):
            for tag, value in pairs:
                parts = [part.replace(tag, value) for part in parts]
        args = item.get("custom_args") or payload["custom_args"]
        headers = item.get("headers") or payload["headers"]
        found[args["key"]] = (item["to"][0]["email"], *parts, headers["Message-ID"])
    return found


def rendered(message) -> tuple:
    identity = f"<{message.key}@example.com>"
    return (message.to, message.subject, message.text, message.html, identity)


def outcomes(results) -> Counter:
    return Counter(result.outcome for result in results)


def sizes(server: HttpServer) -> list[int]:
    return sorted(len(request.json["personalizations"]) for request in server.requests)


def test_messages_of_a_template_share_a_call_and_each_gets_its_own_text():
    messages = people(25)

    with HttpServer(ACCEPTED) as server:
        results = list(make_sendgrid(server).deliver(messages))

    assert sizes(server) == [5, 10, 10]
    assert outcomes(results) == {Outcome.ACCEPTED: 25}
    got = {k: v for request in server.requests for k, v in expanded(request.json).items()}
    assert got == {message.key: rendered(message) for message in messages}


def test_ids_of_a_call_are_told_apart():
    with HttpServer(ACCEPTED) as server:
        results = list(make_sendgrid(server).deliver(people(3)))

    assert {result.external_id for result in results} == {"sg-1/1", "sg-1/2", "sg-1/3"}


PIECE = st.text(alphabet=st.sampled_from("-q0123456789abcdef<&é\n😀 "), max_size=20)


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_what_a_recipient_gets_is_exactly_what_was_rendered(data):
    """Whatever the text and the values are, parts of tags included."""
    gaps = data.draw(st.integers(0, 6))
    constants = data.draw(st.lists(PIECE, min_size=gaps + 1, max_size=gaps + 1))
    messages = []
    for number in range(data.draw(st.integers(2, 6))):
        values = data.draw(st.lists(PIECE, min_size=gaps, max_size=gaps))
        pieces = [constants[0]]
        for value, constant in zip(values, constants[1:], strict=True):
            pieces += [value, constant]
        html, text = ("x", *pieces), ("y", *pieces)
        fields = {"html": "".join(html), "text": "".join(text)}
        fields |= {"html_pieces": html, "text_pieces": text, "to": f"p{number}@example.com"}
        messages.append(make_outgoing(**fields, subject=data.draw(PIECE) + "!"))
    group = Group(make_config(), 10)
    for message in messages:
        group.add(message)

    together, body, alone = group.parted()

    assert (together, alone) == (messages, [])
    for seed in range(3):
        got = expanded(json.loads(body), seed)
        assert got == {message.key: rendered(message) for message in messages}


@pytest.mark.parametrize(
    "fields",
    [
        {"cc": ("copy@example.com",)},
        {"bcc": ("copy@example.com",)},
        {"attachments": (Attachment("a.pdf", b"12345"),)},
        {"subject": ""},
        {"category": Category.OTP},
    ],
)
def test_what_a_shared_call_cannot_carry_goes_alone(fields):
    messages = people(3, **fields)

    with HttpServer(ACCEPTED) as server:
        results = list(make_sendgrid(server).deliver(messages))

    assert sizes(server) == [1, 1, 1]
    assert outcomes(results) == {Outcome.ACCEPTED: 3}


@pytest.mark.parametrize(
    "other",
    [
        {"from_address": "other@example.com"},
        {"reply_to": "other@example.com"},
        {"html": "<p>Other</p>", "html_pieces": ("<p>Other</p>",)},
        {"to": "P0@example.com"},
    ],
)
def test_messages_that_differ_otherwise_do_not_share(other):
    messages = [person(0), person(1), person(2, **other)]

    with HttpServer(ACCEPTED) as server:
        list(make_sendgrid(server).deliver(messages))

    assert sizes(server) == [1, 2]
    got = {k: v for request in server.requests for k, v in expanded(request.json).items()}
    assert got == {message.key: rendered(message) for message in messages}


def test_more_values_than_sendgrid_takes_go_alone():
    messages = [*people(3), person(3, "é" * 5000, "gold")]

    with HttpServer(ACCEPTED) as server:
        list(make_sendgrid(server).deliver(messages))

    assert sizes(server) == [1, 3]


def test_a_link_that_is_a_value_goes_alone_where_clicks_are_tracked():
    messages = [*people(3), person(3, "https://example.com/3", "gold")]

    with HttpServer(ACCEPTED) as server:
        list(make_sendgrid(server, track_clicks=True).deliver(messages))

    assert sizes(server) == [1, 3]


def test_headers_of_a_message_stay_its_own():
    messages = [person(n, headers={"List-Unsubscribe": f"<https://e.com/{n}>"}) for n in range(3)]

    with HttpServer(ACCEPTED) as server:
        list(make_sendgrid(server).deliver(messages))

    found = [item["headers"] for item in server.requests[0].json["personalizations"]]
    assert [item["List-Unsubscribe"] for item in found] == [
        f"<https://e.com/{n}>" for n in range(3)
    ]


def test_one_message_a_call_when_the_operator_wants_that():
    with HttpServer(ACCEPTED) as server:
        results = list(make_sendgrid(server, per_call=1).deliver(people(5)))

    assert sizes(server) == [1] * 5
    assert outcomes(results) == {Outcome.ACCEPTED: 5}


def refusing(*addresses: str):
    """As SendGrid does: the whole call is refused, and the first of the guilty is named."""

    def reply(request: Request) -> Answer:
        for number, item in enumerate(request.json["personalizations"]):
            if item["to"][0]["email"] in addresses:
                error = {"message": "Does not contain a valid address."}
                error["field"] = f"personalizations.{number}.to.0.email"
                close = {"Connection": "close"}
                return Answer(400, {"errors": [error]}, close, http.CLOSE_AFTER)
        return ACCEPTED

    return reply


def test_a_bad_recipient_fails_alone_and_the_others_go_again():
    messages = people(10)

    with HttpServer(refusing("p3@example.com", "p7@example.com")) as server:
        results = list(make_sendgrid(server).deliver(messages))

    by_key = {result.key: result for result in results}
    assert outcomes(results) == {Outcome.ACCEPTED: 8, Outcome.REJECTED: 2}
    assert len(by_key) == 10
    for number in (3, 7):
        assert by_key[messages[number].key].code == "400"
        assert "valid address" in by_key[messages[number].key].text
    assert sizes(server) == [8, 9, 10]


@pytest.mark.parametrize("field", ["", "subject", "personalizations.99.to", "personalizations"])
def test_a_refusal_that_names_no_recipient_is_asked_for_each(field):
    def reply(request: Request) -> Answer:
        if len(request.json["personalizations"]) > 1:
            return Answer(400, {"errors": [{"message": "No.", "field": field}]})
        return ACCEPTED

    with HttpServer(reply) as server:
        results = list(make_sendgrid(server).deliver(people(4)))

    assert outcomes(results) == {Outcome.ACCEPTED: 4}
    assert sizes(server) == [1, 1, 1, 1, 4]


def test_a_call_that_is_too_large_is_made_for_each():
    with HttpServer(Answer(413), ACCEPTED) as server:
        results = list(make_sendgrid(server, connections=1).deliver(people(3)))

    assert outcomes(results) == {Outcome.ACCEPTED: 3}


@pytest.mark.parametrize("manner", [http.CLOSE, http.RESET, http.HANG])
def test_a_call_without_an_answer_leaves_all_its_messages_unknown(manner):
    with HttpServer(Answer(manner=manner), ACCEPTED) as server:
        backend = make_sendgrid(server, connections=1, deadline=2.0)
        results = list(backend.deliver(people(20)))

    assert outcomes(results) == {Outcome.UNKNOWN: 10, Outcome.ACCEPTED: 10}


@pytest.mark.parametrize(
    ("status", "outcome"), [(429, Outcome.THROTTLED), (503, Outcome.TEMPORARY)]
)
def test_a_call_that_is_put_off_puts_off_each_of_its_messages(status, outcome):
    with HttpServer(Answer(status, headers={"Retry-After": "9"})) as server:
        results = list(make_sendgrid(server).deliver(people(3)))

    assert outcomes(results) == {outcome: 3}
    assert {result.retry_after for result in results} == {9}


def test_what_was_accepted_is_told_before_the_key_is_revoked_and_no_more_is_taken():
    taken = []
    results = []

    def feed():
        for message in people(100):
            taken.append(message)
            yield message

    with HttpServer(ACCEPTED, Answer(401)) as server, pytest.raises(ProviderRefused):
        results.extend(make_sendgrid(server, connections=1).deliver(feed()))

    assert outcomes(results) == {Outcome.ACCEPTED: 10}
    assert len(taken) <= 30


def test_an_invalid_message_is_refused_before_the_call_of_the_others():
    messages = [person(0), person(1, to="nobody"), person(2)]

    with HttpServer(ACCEPTED) as server:
        results = list(make_sendgrid(server).deliver(messages))

    assert outcomes(results) == {Outcome.ACCEPTED: 2, Outcome.REJECTED: 1}
    assert sizes(server) == [2]
