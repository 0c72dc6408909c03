"""Every status change of a message, noted by the database itself: no statement escapes it."""

from __future__ import annotations

from django.db import connection

TABLE = """
    CREATE TABLE model_moves (id {serial}, message_id bigint, old varchar(10), new varchar(10))
"""
NOTE = """
    INSERT INTO model_moves (message_id, old, new) VALUES (old.id, old.status, new.status);
"""
SQLITE = (
    TABLE.format(serial="integer PRIMARY KEY AUTOINCREMENT"),
    f"""
    CREATE TRIGGER model_watch AFTER UPDATE OF status ON omnichannel_message
    WHEN old.status <> new.status BEGIN {NOTE} END
    """,
)
POSTGRESQL = (
    TABLE.format(serial="bigserial PRIMARY KEY"),
    f"""
    CREATE FUNCTION model_note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN {NOTE} RETURN NULL; END $$
    """,
    """
    CREATE TRIGGER model_watch AFTER UPDATE OF status ON omnichannel_message FOR EACH ROW
    WHEN (old.status <> new.status) EXECUTE FUNCTION model_note()
    """,
)


def watch() -> None:
    """Note changes from now on; a rollback takes the watch with it."""
    statements = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def noted() -> list[tuple[int, str, str]]:
    """(message id, from, to), in the order in which they happened."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT message_id, old, new FROM model_moves ORDER BY id")
        return cursor.fetchall()
