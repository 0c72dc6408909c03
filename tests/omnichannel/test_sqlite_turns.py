from __future__ import annotations

import sqlite3
import threading
import time

import pytest
from django.db import OperationalError, connection, connections
from django.db.utils import ConnectionHandler

from omnichannel.sqlite3.base import DatabaseWrapper

SECONDS = 1.0


@pytest.fixture
def writer(tmp_path, django_db_blocker):
    """A connection of ours to a database of its own, as the settings make it."""
    handler = ConnectionHandler(
        {
            "default": {
                "ENGINE": "omnichannel.sqlite3",
                "NAME": tmp_path / "turns.sqlite3",
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": SECONDS},
            }
        }
    )
    made = handler["default"]
    with django_db_blocker.unblock():
        made.ensure_connection()
        made.connection.execute("PRAGMA journal_mode=WAL")
        yield made
        made.close()


@pytest.fixture
def other(writer):
    name = writer.settings_dict["NAME"]
    opened = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    yield opened
    opened.close()


def begin(writer):
    writer.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def timeout_of(writer):
    return writer.connection.execute("PRAGMA busy_timeout").fetchone()[0]


def test_settings_use_it():
    is_ours = isinstance(connections["default"], DatabaseWrapper)

    assert is_ours == (connection.vendor == "sqlite")


def test_writer_begins_soon_after_the_one_before_it_ends(writer, other):
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()

    begin(writer)

    assert writer.connection.in_transaction
    assert not writer.errors_occurred
    writer.rollback()


def test_writer_gives_up_when_the_timeout_is_over(writer, other):
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()

    with pytest.raises(OperationalError, match="locked"):
        begin(writer)

    assert time.monotonic() - began >= SECONDS
    assert timeout_of(writer) == 1000 * SECONDS


def test_other_statements_wait_as_long_as_before(writer):
    begin(writer)
    writer.rollback()

    assert timeout_of(writer) == 1000 * SECONDS
