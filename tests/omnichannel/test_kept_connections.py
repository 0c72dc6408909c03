from __future__ import annotations

import socket
import threading

import psycopg
import pytest
from django.db import close_old_connections, connection

from omnichannel import kept_connections


def test_connection_with_nothing_to_read_is_silent():
    ours, theirs = socket.socketpair()

    with ours, theirs:
        assert kept_connections._is_silent(ours.fileno())


def test_connection_that_the_other_side_ended_is_not_silent():
    ours, theirs = socket.socketpair()

    with ours:
        theirs.close()

        assert not kept_connections._is_silent(ours.fileno())


@pytest.fixture
def on_postgresql(transactional_db):
    if connection.vendor != "postgresql":
        pytest.skip("DATABASE_URL is not PostgreSQL")


def _in_a_thread(work):
    """With a connection of its own, which is outside the test's transaction."""
    answers = []

    def run():
        try:
            answers.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return answers


def _next_request():
    """The two receivers in their order, which Django's test client turns around."""
    close_old_connections()
    kept_connections._spare_the_check()


def _asked():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@pytest.mark.postgresql
@pytest.mark.usefixtures("on_postgresql")
def test_connection_is_kept_without_a_question():
    def two_requests():
        first = _asked()
        _next_request()
        spared = connection.health_check_done
        return first, _asked(), spared

    [(first, second, spared)] = _in_a_thread(two_requests)

    assert first == second
    assert spared


@pytest.mark.postgresql
@pytest.mark.usefixtures("on_postgresql")
def test_connection_that_the_server_ended_is_made_anew():
    def ended_between_requests():
        first = _asked()
        with psycopg.connect(**_parameters(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        _next_request()
        return first, _asked()

    [(first, second)] = _in_a_thread(ended_between_requests)

    assert first != second


def _parameters():
    given = connection.get_connection_params()
    return {name: given[name] for name in ("dbname", "user", "host", "port") if name in given}
