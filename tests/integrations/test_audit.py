from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from integrations import audit
from integrations.audit import Entry
from integrations.choices import Operation
from integrations.models import EnvelopeEvent

pytestmark = pytest.mark.django_db
TABLE = EnvelopeEvent._meta.db_table


@pytest.fixture
def chain():
    for text in ("one", "two", "three"):
        audit.write([Entry(Operation.CREATED, text, detail={"size": 3})], at=timezone.now())


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.usefixtures("chain")
def test_chain_that_nobody_touched_is_whole():
    assert list(audit.faults()) == []


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (f"UPDATE {TABLE} SET text = 'two!' WHERE number = 2", "Entry 2 was changed"),
        (f"DELETE FROM {TABLE} WHERE number = 2", "Entries 2 to 2 are missing"),
        (f"DELETE FROM {TABLE} WHERE number = 3", "There should be 3 entries"),
    ],
)
def test_entry_touched_in_the_database_breaks_the_chain(statement, fault):
    run(statement)

    assert any(fault in said for said in audit.faults())


@pytest.mark.usefixtures("chain")
def test_chain_made_anew_without_the_key_does_not_fit(settings):
    settings.FIELD_ENCRYPTION_KEYS = ["another"]

    assert len(list(audit.faults())) == 3


@pytest.mark.usefixtures("chain")
def test_entries_cannot_be_changed_or_deleted_through_the_model():
    with pytest.raises(TypeError):
        EnvelopeEvent.objects.all().delete()
    with pytest.raises(TypeError):
        EnvelopeEvent.objects.update(text="x")
