from __future__ import annotations

import smtplib
import socket
import time

from omnichannel.backends.smtp import Smtp
from omnichannel.benchmarks.smtp_sink import SmtpSink
from tests.factories_outgoing import make_config, make_outgoing


def make_smtp(sink: SmtpSink) -> Smtp:
    options = {"host": "127.0.0.1", "port": sink.port, "security": "none"}
    return Smtp(make_config(options=options))


def test_sink_counts_what_it_took():
    messages = [make_outgoing(to=f"p{number % 3}@example.com") for number in range(30)]

    with SmtpSink() as sink:
        results = list(make_smtp(sink).deliver(messages))

        assert len(results) == 30
        assert sink.count() == 30
        assert sink.recipients() == {f"p{number}@example.com": 10 for number in range(3)}


def test_ledger_names_each_recipient_and_message(tmp_path):
    message = make_outgoing(cc=("cc@example.com",), html="x" * 300_000)

    with SmtpSink(ledger=tmp_path / "ledger") as sink:
        make_smtp(sink).send(message)

        lines = (tmp_path / "ledger").read_text().splitlines()

    name = f"<{message.key}@example.com>"
    assert lines == [f"ann@example.com {name}", f"cc@example.com {name}"]


def test_sink_takes_pipelined_messages():
    one = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
    one += b"Subject: x\r\n\r\nHello\r\n.\r\n"

    with SmtpSink() as sink, socket.create_connection(("127.0.0.1", sink.port)) as sock:
        sock.sendall(one * 50 + b"QUIT\r\n")
        answers = sock.makefile("rb").read()

        assert answers.count(b"354") == 50
        assert sink.count() == 50


def test_slow_sink_keeps_to_its_rate_and_to_the_order(tmp_path):
    messages = [make_outgoing(to=f"p{number}@example.com") for number in range(30)]

    with SmtpSink(ledger=tmp_path / "ledger", jitter=0.01, rate=100) as sink:
        began = time.monotonic()
        results = list(make_smtp(sink).deliver(messages))
        seconds = time.monotonic() - began

    assert [result.key for result in results] == [message.key for message in messages]
    assert len((tmp_path / "ledger").read_text().splitlines()) == 30
    assert seconds > 0.2  # 30 messages at 100 a second, less what it may make up for


def test_message_that_was_not_ended_is_not_counted():
    with SmtpSink() as sink:
        with smtplib.SMTP("127.0.0.1", sink.port, local_hostname="test") as client:
            client.mail("a@example.com")
            client.rcpt("b@example.com")
            client.docmd("DATA")
            client.send(b"Subject: x\r\n\r\nHalf")
            client.close()

        assert sink.count() == 0
