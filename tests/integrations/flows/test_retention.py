from __future__ import annotations

import datetime
import os
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from integrations import blobs, retention
from integrations.models import Blob, EnvelopeEvent
from integrations.models.blobs import folder
from integrations.processing import process_due
from tests.integrations.flows.moments import NOW

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
LATER = NOW + 40 * DAY


def age(path, at):
    os.utime(path, (at.timestamp(), at.timestamp()))


def store(data=b"x", at=NOW):
    blob = blobs.store(data)
    Blob.objects.filter(pk=blob.pk).update(created_at=at)
    age(blob.path, at)
    return blob


def test_documents_are_kept_for_ever_by_default(drop):
    row = drop()
    process_due(NOW)
    Blob.objects.update(created_at=NOW)

    retention.purge(LATER)

    assert blobs.read(row.blob) == b"hello"


def test_bytes_of_old_documents_go_and_their_rows_stay(drop, settings, house):
    settings.KEEP_DOCUMENTS_DAYS = 30
    row = drop()
    process_due(NOW)
    house.received.update(status="kept")
    Blob.objects.update(created_at=NOW)

    assert retention.purge(LATER) == 1

    row.blob.refresh_from_db()
    assert row.blob.purged_at == LATER
    assert not row.blob.path.exists()


def test_document_that_waits_is_never_too_old(drop, settings):
    settings.KEEP_DOCUMENTS_DAYS = 30
    row = drop()
    Blob.objects.update(created_at=NOW)

    retention.purge(LATER)

    assert blobs.read(row.blob) == b"hello"


def test_document_on_its_way_to_a_mailbox_is_never_too_old(drop, settings):
    settings.KEEP_DOCUMENTS_DAYS = 30
    row = drop()
    process_due(NOW)
    Blob.objects.update(created_at=NOW)

    retention.purge(LATER)

    assert blobs.read(row.blob) == b"hello"


def test_blob_that_nothing_names_goes_after_a_day(documents):
    old, young = store(), store(at=NOW + DAY)

    retention.purge(NOW + DAY + DAY / 2)

    assert list(Blob.objects.all()) == [young]
    assert not old.path.exists()


def test_file_without_a_row_goes_after_a_day(documents):
    left = folder() / "ab" / uuid.uuid4().hex
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x")
    other = left.with_name("notes.txt")
    other.write_bytes(b"x")
    for path in (left, other):
        age(path, NOW)

    assert retention.purge(NOW + DAY / 2) == 0
    assert retention.purge(NOW + 2 * DAY) == 1

    assert (left.exists(), other.exists()) == (False, True)


def test_scratch_file_goes_after_a_day(documents):
    path = blobs.scratch()
    path.write_bytes(b"half")
    age(path, NOW)

    retention.purge(NOW + 2 * DAY)

    assert not path.exists()


def test_command_says_that_the_trail_is_whole(drop):
    drop()
    out = StringIO()

    call_command("verify_audit", stdout=out)

    assert "whole: 1 entries" in out.getvalue()


def test_command_fails_when_an_entry_was_edited_in_the_database(drop):
    drop()
    table, err = EnvelopeEvent._meta.db_table, StringIO()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET text = 'nothing'")

    with pytest.raises(CommandError):
        call_command("verify_audit", stderr=err)

    assert "Entry 1 was changed" in err.getvalue()
