"""Several connections at once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import Future

import pytest

from omnichannel.backends.smtp import Smtp
from omnichannel.choices import Outcome
from omnichannel.exceptions import ProviderRefused, ProviderUnavailable
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers.smtp import CLOSE, HANG, SmtpServer

PIPELINING = pytest.mark.parametrize("extensions", [["8BITMIME"], ["8BITMIME", "PIPELINING"]])


def make_fleet(server: SmtpServer, size: int = 4, **values) -> Smtp:
    options = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "connections": size,
    }
    return Smtp(make_config(options=options, **{"deadline": 3.0, **values}))


def people(count: int):
    return [make_outgoing(to=f"p{number}@example.com") for number in range(count)]


def outcomes(results) -> Counter:
    return Counter(result.outcome for result in results)


@PIPELINING
def test_connections_share_the_messages(extensions):
    with SmtpServer(extensions=extensions) as server:
        results = list(make_fleet(server).deliver(people(60)))

    assert outcomes(results) == {Outcome.ACCEPTED: 60}
    assert Counter(item.recipient for item in server.messages) == {
        f"p{number}@example.com": 1 for number in range(60)
    }
    assert 2 <= len(server.conversations) <= 4


def test_connections_are_kept_for_the_next_batch():
    with SmtpServer() as server:
        smtp = make_fleet(server)
        list(smtp.deliver(people(20)))
        before = len(server.conversations)
        list(smtp.deliver(people(3)))
        smtp.close()

    assert len(server.conversations) == before


def test_one_message_opens_one_connection():
    with SmtpServer() as server:
        list(make_fleet(server, size=50).deliver(people(1)))

    assert len(server.conversations) == 1


def test_a_server_that_takes_fewer_connections_still_gets_every_message():
    greetings = [None, None, *["421 too many connections"] * 20]

    with SmtpServer(greeting=greetings) as server:
        results = list(make_fleet(server, size=10).deliver(people(40)))

    assert outcomes(results) == {Outcome.ACCEPTED: 40}


@PIPELINING
def test_refusals_are_each_messages_own(extensions):
    def rcpt(argument: str) -> str | None:
        return "550 no such user" if "p1" in argument else None

    with SmtpServer(extensions=extensions, rcpt=rcpt) as server:
        results = list(make_fleet(server).deliver(people(30)))

    assert outcomes(results) == {Outcome.REJECTED: 11, Outcome.ACCEPTED: 19}
    assert len(server.messages) == 19


@PIPELINING
def test_a_lost_connection_costs_only_the_message_whose_answer_was_due(extensions):
    with SmtpServer(extensions=extensions, dot=[None] * 5 + [CLOSE] + [None] * 60) as server:
        results = list(make_fleet(server, size=2).deliver(people(30)))

    assert outcomes(results) == {Outcome.ACCEPTED: 29, Outcome.UNKNOWN: 1}


def test_a_hanging_connection_holds_up_no_other():
    with SmtpServer(dot=[None, HANG] + [None] * 60) as server:
        results = list(make_fleet(server, size=3, deadline=1.0).deliver(people(30)))

    assert outcomes(results) == {Outcome.ACCEPTED: 29, Outcome.UNKNOWN: 1}


def test_a_wrong_password_is_told_once_for_all():
    with SmtpServer(extensions=["AUTH PLAIN"], auth="535 wrong") as server:
        smtp = make_fleet(server, app_user="ann", app_password="secret")

        with pytest.raises(ProviderRefused, match="535"):
            list(smtp.deliver(people(10)))


def test_no_server_at_all_is_trouble_of_the_provider():
    with SmtpServer() as server:
        smtp = make_fleet(server)

    with pytest.raises(ProviderUnavailable):
        list(smtp.deliver(people(10)))


def test_an_accepted_message_is_told_before_the_trouble_that_follows(monkeypatch):
    """The relay takes a message, goes away, and refuses the next connection, all at once."""
    refused: Future = Future()
    refused.set_exception(ProviderUnavailable("refused"))

    with SmtpServer() as server:
        smtp = make_fleet(server, size=2)
        [known] = list(smtp.deliver(people(1)))
    fleet = smtp._fleet

    def poll() -> None:
        fleet._results.append(known)
        fleet._openers._opening.append(refused)

    for line in list(fleet.lines.all):
        fleet.lines.forget(line)
    monkeypatch.setattr(fleet, "_poll", poll)
    results = smtp.deliver(people(1))

    assert next(results) == known
    with pytest.raises(ProviderUnavailable):
        next(results)


@PIPELINING
def test_a_message_behind_a_hanging_one_is_sent_elsewhere(extensions):
    with SmtpServer(extensions=extensions, dot=[None, HANG, None, None]) as server:
        results = list(make_fleet(server, size=1, deadline=1.0).deliver(people(3)))

    assert outcomes(results) == {Outcome.ACCEPTED: 2, Outcome.UNKNOWN: 1}


def test_an_answer_that_came_while_we_were_held_up_counts():
    taken = threading.Event()

    def answer_later(argument):
        taken.set()
        time.sleep(0.2)

    def hold_up():
        if taken.is_set():
            taken.clear()
            time.sleep(1)

    with SmtpServer(dot=answer_later) as server:
        smtp = make_fleet(server, size=1, deadline=0.6)
        smtp.idle = hold_up
        results = list(smtp.deliver(people(1)))

    assert outcomes(results) == {Outcome.ACCEPTED: 1}
    assert not taken.is_set()


def test_an_unasked_goodbye_behind_an_answer_does_not_take_the_answer_away():
    with SmtpServer(dot="250 taken\r\n421 too many messages") as server:
        results = list(make_fleet(server, size=1).deliver(people(1)))

    assert [(result.outcome, result.code) for result in results] == [(Outcome.ACCEPTED, "250")]


def test_who_was_written_to_is_told_of_before_the_trouble_with_a_copy():
    with SmtpServer(
        greeting=[None, "554 no more"], dot=["250 taken\r\n421 bye"], rcpt=None
    ) as server:
        message = make_outgoing(to="ann@example.com", cc=("ben@example.com",))
        results = make_fleet(server, size=1).deliver([message])
        told = next(results)
        with pytest.raises(ProviderUnavailable):
            next(results)

    assert told.outcome == Outcome.ACCEPTED
    assert "not taken" in told.text


def test_results_are_told_before_more_messages_are_taken():
    taken = []

    def feed():
        for message in [make_outgoing(to=f"é{number}@example.com") for number in range(20)]:
            taken.append(message)
            yield message

    with SmtpServer() as server:
        results = make_fleet(server, size=2).deliver(feed())
        next(results)

    assert len(taken) <= 3
