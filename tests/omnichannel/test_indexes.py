from __future__ import annotations

import pytest
from django.db import NotSupportedError, connection, models, transaction
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext

from omnichannel.indexes import BuildIndex
from omnichannel.models import Label

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "label_for_a_test"


@pytest.fixture
def operation():
    yield BuildIndex("label", models.Index(fields=["name"], name=NAME))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


@pytest.fixture
def postgresql():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time as it is")


def built_by(operation) -> list[str]:
    """Statements that build or drop an index."""
    state = ProjectState.from_apps(Label._meta.apps)
    with (
        CaptureQueriesContext(
            connection,
        ) as asked,
        connection.schema_editor(atomic=False) as editor,
    ):
        operation.database_forwards("omnichannel", editor, state, state)
    return [q["sql"] for q in asked if q["sql"].startswith(("CREATE INDEX", "DROP INDEX"))]


def is_there() -> bool:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Label._meta.db_table)
    return NAME in found


def test_an_index_is_built_once(operation):
    first = built_by(operation)
    again = built_by(operation)

    assert (len(first), again) == (1, [])
    assert is_there()


def test_on_postgresql_it_is_built_beside_those_who_write(operation, postgresql):
    [statement] = built_by(operation)

    assert statement.startswith("CREATE INDEX CONCURRENTLY")


def test_what_a_build_left_that_was_broken_off_is_built_anew(operation, postgresql):
    built_by(operation)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [NAME]
        )

    statements = built_by(operation)

    assert [each.partition(" CONCURRENTLY")[0] for each in statements] == [
        "DROP INDEX",
        "CREATE INDEX",
    ]
    assert is_there()


def test_a_migration_that_is_one_transaction_is_told_what_to_change(operation, postgresql):
    with transaction.atomic(), pytest.raises(NotSupportedError, match="atomic = False"):
        built_by(operation)
