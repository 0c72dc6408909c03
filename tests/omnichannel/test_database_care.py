from __future__ import annotations

import importlib
import sqlite3

import psycopg
import pytest
from django.db import connection

from omnichannel import database_care


@pytest.fixture
def other_session(transactional_db):
    """Another session of the same PostgreSQL database."""
    if connection.vendor != "postgresql":
        pytest.skip("DATABASE_URL is not PostgreSQL")
    values = connection.settings_dict
    with psycopg.connect(
        host=values["HOST"],
        port=values["PORT"] or 5432,
        user=values["USER"],
        password=values["PASSWORD"],
        dbname=values["NAME"],
        application_name="a long report",
    ) as session:
        yield session


@pytest.mark.postgresql
def test_the_oldest_open_transaction_is_found_with_who_holds_it(other_session):
    other_session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    other_session.execute("SELECT 1 FROM omnichannel_message")

    found = database_care.open_transactions()

    mine = [row for row in found if row.pid == other_session.info.backend_pid]
    assert "a long report" in mine[0].who
    assert mine[0].state == "idle in transaction"
    assert database_care.oldest_transaction_seconds() >= mine[0].seconds


@pytest.mark.postgresql
def test_a_transaction_over_the_limit_is_logged_with_what_to_do(other_session, settings, caplog):
    settings.OLD_TRANSACTION_SECONDS = -1
    other_session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    other_session.execute("SELECT 1 FROM omnichannel_message")

    assert database_care.watch() >= 1

    assert f"pg_terminate_backend({other_session.info.backend_pid})" in caplog.text


@pytest.mark.postgresql
def test_a_session_without_a_transaction_holds_up_nothing(other_session):
    other_session.execute("SELECT 1 FROM omnichannel_message")
    other_session.commit()

    pids = [row.pid for row in database_care.open_transactions()]

    assert other_session.info.backend_pid not in pids


@pytest.mark.postgresql
def test_our_own_sessions_end_when_they_idle_in_a_transaction(other_session):
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")

        assert cursor.fetchone() == ("1min",)


@pytest.mark.postgresql
def test_the_settings_of_the_tables_can_be_taken_back_and_given_again(other_session):
    migration = importlib.import_module("omnichannel.migrations.0003_table_settings")

    given = _options()
    with connection.schema_editor() as editor:
        migration.reset(None, editor)
    bare = _options()
    with connection.schema_editor() as editor:
        migration.apply(None, editor)

    assert "fillfactor=80" in given
    assert bare is None
    assert _options() == given


def _options() -> list[str] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'omnichannel_message'")
        return cursor.fetchone()[0]


def test_a_log_that_a_reader_keeps_from_being_emptied_is_warned_of(tmp_path, monkeypatch, settings):
    path = tmp_path / "studio.sqlite3"
    settings.WAL_MAX_BYTES = 8 * 1024**2
    monkeypatch.setattr(database_care, "connection", _Connection("sqlite", str(path)))
    with sqlite3.connect(path, isolation_level=None) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("PRAGMA journal_size_limit=65536")
        writer.execute("CREATE TABLE t (x)")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        assert database_care.warnings() == []

        _write(writer)
        warned = database_care.warnings()
        reader.close()
        _write(writer)
        _write(writer)

    assert "write-ahead log has grown" in warned[0]
    assert database_care.warnings() == []


def _write(writer: sqlite3.Connection) -> None:
    for _ in range(10):
        writer.execute("INSERT INTO t VALUES (zeroblob(1000000))")


class _Connection:
    def __init__(self, vendor: str, name: str) -> None:
        self.vendor, self.settings_dict = vendor, {"NAME": name}


def test_a_prepared_transaction_is_told_how_to_end():
    left = database_care.OpenTransaction(0, "prepared transaction abc", "prepared", 9000.0)

    assert "open for 2 h" in left.advice
    assert "ROLLBACK PREPARED 'abc'" in left.advice
