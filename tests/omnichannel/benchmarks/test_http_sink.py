from __future__ import annotations

import json
import socket
import time

from omnichannel.backends.sendgrid import SendGrid
from omnichannel.benchmarks.http_sink import HttpSink
from omnichannel.choices import Outcome
from tests.factories_outgoing import make_config, make_outgoing


def make_sendgrid(sink: HttpSink, **options) -> SendGrid:
    return SendGrid(make_config(service_url=sink.url, app_key="secret", options=options))


def test_each_recipient_of_a_call_is_counted():
    messages = [make_outgoing(to=f"p{number}@example.com") for number in range(30)]

    with HttpSink() as sink:
        results = list(make_sendgrid(sink, messages_per_call=10).deliver(messages))
        counted = sink.recipients()
        total = sink.count()

    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
    assert counted == {message.to: 1 for message in messages}
    assert total == 30


def test_what_is_no_mail_is_refused():
    with HttpSink() as sink:
        [result] = make_sendgrid(sink).deliver([make_outgoing(to="p1@example.com")])
        with socket.create_connection(("127.0.0.1", sink.port)) as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            answer = sock.recv(1000)
        counted = sink.count()

    assert result.outcome == Outcome.ACCEPTED
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert counted == 1


def test_a_request_may_come_in_pieces_and_another_right_behind():
    body = json.dumps({"personalizations": [{"to": [{"email": "a@example.com"}]}]}).encode()
    request = b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    with HttpSink() as sink, socket.create_connection(("127.0.0.1", sink.port)) as sock:
        sock.sendall(request[:50])
        sock.sendall(request[50:] + request)
        answers = b""
        while answers.count(b" 202 ") < 2 and (more := sock.recv(1000)):
            answers += more
        counted = sink.count()

    assert counted == 2


def test_answers_come_late_when_asked_for():
    with HttpSink(delay=0.2) as sink:
        backend = make_sendgrid(sink)
        started = time.monotonic()
        backend.send(make_outgoing())

    assert time.monotonic() - started >= 0.2
