from __future__ import annotations

import time

import pytest
from django.utils import timezone

from campaigns import audience_import, import_run
from campaigns.choices import ImportMode, ImportStatus
from campaigns.import_summary import headline
from campaigns.models import AudienceImport, AudienceMember
from campaigns.resources import export_lines
from omnichannel.exceptions import IllegalTransition, ImportRefused
from tests.factories_audience import (
    MAPPING,
    imported,
    make_audience,
    make_import,
    make_member,
    rows_of,
    run_imports,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(import_run, "CHUNK_ROWS", {"sqlite": 10, "postgresql": 10})


def rejects_of(row: AudienceImport) -> list[str]:
    return import_run.rejects_path(row).read_text().splitlines()


def counts(row: AudienceImport) -> dict[str, int]:
    names = ("added", "updated", "unchanged", "duplicates", "rejected", "removed")
    return {name: getattr(row, name) for name in names if getattr(row, name)}


def one_chunk(row: AudienceImport) -> None:
    """Let the importer work for the shortest time: one chunk."""

    claimed = audience_import.claim(timezone.now())
    with import_run.ImportRun(claimed) as run:
        run.work(0, lambda: True)


def test_a_file_becomes_an_audience():
    row = imported("Email,Tel,Name\nAna@Example.COM,+1 202 555 0101,Ana\nbob@example.com,,Bob\n")

    assert row.status == ImportStatus.FINISHED
    assert counts(row) == {"added": 2}
    ana = AudienceMember.objects.get(key="ana@example.com")
    assert (ana.email, ana.phone) == ("Ana@example.com", "+12025550101")
    assert ana.variables == {"name": "Ana"}
    assert row.audience.records_count == 2
    assert row.audience.columns == ["name"]


def test_international_addresses_are_allowed():
    row = imported("email,phone,name\ninfo@bücher.example.com,,B\njosé@example.com,,J\n")

    assert counts(row) == {"added": 2}


@pytest.mark.fault(35)
def test_bad_rows_are_listed_with_number_field_and_reason():
    row = imported(
        "email,phone,name\nnot an address,,Ana\na@example.com,12,Bob\nb@example.com,,\n"
        "c@example.com,+12025550101\nd@example.com,,Dan,extra\n,,Eve\n"
    )

    assert counts(row) == {"added": 1, "rejected": 5}
    lines = rejects_of(row)
    assert lines[0] == "row,field,reason,email,phone,name"
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["2", "email"],
        ["3", "phone"],
        ["5", "row"],
        ["6", "row"],
        ["7", "email"],
    ]


def test_the_rejects_are_harmless_in_a_spreadsheet():
    row = imported("email,phone,name\nbad,,=HYPERLINK(1)\n")

    assert rejects_of(row)[1].endswith(",'=HYPERLINK(1)")


def test_update_changes_what_the_file_says_and_keeps_the_rest():
    audience = make_audience()
    old = make_member(
        audience, email="ana@example.com", phone="+12025550101", variables={"age": "5"}
    )
    mapping = {**MAPPING, "phone": None, "variables": {"name": 2}}

    row = imported("email,x,name\nana@example.com,,Ana\n", audience=audience, mapping=mapping)

    old.refresh_from_db()
    assert counts(row) == {"updated": 1}
    assert (old.phone, old.variables) == ("+12025550101", {"age": "5", "name": "Ana"})


def test_the_same_file_again_changes_nothing():
    first = imported(rows_of(30))

    again = imported(rows_of(30), audience=first.audience)

    assert counts(again) == {"unchanged": 30}
    assert again.audience.records_count == 30


def test_add_leaves_known_records_alone():
    audience = make_audience()
    old = make_member(audience, email="person1@example.com", variables={"name": "Old"})

    row = imported(rows_of(3), audience=audience, mode=ImportMode.ADD)

    old.refresh_from_db()
    assert counts(row) == {"added": 2, "unchanged": 1}
    assert old.variables == {"name": "Old"}


def test_replace_removes_what_the_file_lacks_at_the_end():
    audience = make_audience()
    make_member(audience, email="gone@example.com")
    make_member(audience, email="person1@example.com", variables={"name": "Name 1"})

    row = imported(rows_of(3), audience=audience, mode=ImportMode.REPLACE)

    assert counts(row) == {"added": 2, "updated": 1, "removed": 1}
    assert row.audience.records_count == audience.members.count() == 3


def test_replace_by_a_file_of_bad_rows_keeps_the_old_records():
    audience = make_audience()
    make_member(audience)

    row = imported("email,phone,name\nbad,,\n", audience=audience, mode=ImportMode.REPLACE)

    assert row.status == ImportStatus.FAILED
    assert "the old records were kept" in headline(row)
    assert audience.members.count() == 1


@pytest.mark.parametrize(("mode", "kept"), [("upsert", "Second"), ("add", "First")])
@pytest.mark.parametrize("between", [0, 15])
def test_a_repeated_row_counts_once(small_chunks, mode, kept, between):
    text = "email,phone,name\nsame@example.com,,First\n"
    text += "".join(f"other{n}@example.com,,\n" for n in range(between))

    row = imported(f"{text}SAME@example.com,,Second\n", mode=mode)

    assert counts(row) == {"added": between + 1, "duplicates": 1}
    assert AudienceMember.objects.get(key="same@example.com").variables == {"name": kept}
    assert "duplicate" in rejects_of(row)[1]


def test_every_row_is_counted_exactly_once(small_chunks):
    bad = "bad,,\n,,\na@example.com,1,\n"

    row = imported(rows_of(95) + bad + rows_of(20).partition("\n")[2])

    counted = counts(row)
    assert counted == {"added": 95, "duplicates": 20, "rejected": 3}
    assert sum(counted.values()) == row.rows_done == 118
    assert len(rejects_of(row)) == 1 + 23


def test_records_may_be_known_by_phone_or_by_a_column():
    by_phone = imported(rows_of(3), mapping={**MAPPING, "key": "phone"})
    by_name = imported(rows_of(3), mapping={**MAPPING, "key": "name"})

    assert set(by_phone.audience.members.values_list("key", flat=True)) >= {"+12025550001"}
    assert set(by_name.audience.members.values_list("key", flat=True)) >= {"Name 1"}


def test_a_file_without_a_header_loses_no_row():
    assert counts(imported("a@example.com,,A\nb@example.com,,B\n", has_header=False)) == {
        "added": 2
    }


@pytest.mark.parametrize(
    "cell", ["a\tb", "a\\b", "a\\nb", "two\nlines", 'say "x"', "\\.", "é\u2028é", "{1}"]
)
def test_a_cell_is_stored_as_it_is(cell):
    quoted = cell.replace('"', '""')
    mapping = {**MAPPING, "key": "name"}

    row = imported(f'email,phone,name\na@example.com,,"{quoted}"\n', mapping=mapping)

    member = row.audience.members.get()
    assert (member.key, member.variables) == (cell, {"name": cell})


def test_another_encoding_is_read_as_chosen():
    row = imported("email,phone,name\na@example.com,,Zoë\n".encode("cp1252"), encoding="cp1252")

    assert row.audience.members.get().variables == {"name": "Zoë"}


def test_a_header_alone_fails_with_the_reason():
    row = imported("email,phone,name\n")

    assert row.status == ImportStatus.FAILED
    assert headline(row) == "The file has no rows below its header. No row was imported."


def test_an_import_goes_on_from_its_checkpoint(small_chunks):
    row = make_import(rows_of(35) + "bad,,\n")
    one_chunk(row)
    row.refresh_from_db()
    assert (row.status, row.rows_done) == (ImportStatus.RUNNING, 10)

    run_imports()

    row.refresh_from_db()
    assert row.status == ImportStatus.FINISHED
    assert counts(row) == {"added": 35, "rejected": 1}
    assert row.audience.members.count() == 35


def test_what_a_dead_worker_wrote_to_the_rejects_is_cut_away(small_chunks):
    row = make_import("email,phone,name\n" + "bad,,\n" * 15)
    one_chunk(row)
    with import_run.rejects_path(row).open("a") as file:
        file.write("half a li")

    run_imports()

    assert len(rejects_of(row)) == 16
    assert rejects_of(row)[-1].startswith("16,email,")


def test_nobody_takes_an_import_whose_worker_lives(small_chunks):
    make_import(rows_of(35))
    assert audience_import.claim(timezone.now())

    assert audience_import.claim(timezone.now()) is None
    assert audience_import.claim(timezone.now() + import_run.LEASE)


def test_a_worker_that_lost_its_import_changes_nothing(small_chunks):
    row = make_import(rows_of(35))
    lost = audience_import.claim(timezone.now())
    audience_import.claim(timezone.now() + import_run.LEASE)

    with import_run.ImportRun(lost) as run, pytest.raises(import_run.Interrupted):
        run.work(time.monotonic() + 5, lambda: False)

    assert row.audience.members.count() == 0


def test_a_cancelled_import_stops_and_says_how_far_it_came(small_chunks):
    row = make_import(rows_of(40))
    one_chunk(row)

    audience_import.cancel(row, at=timezone.now())
    run_imports()

    row.refresh_from_db()
    assert row.audience.members.count() == 10
    assert headline(row).startswith("It was cancelled. 10 of about 4")
    assert "not the whole file. What was imported stays" in headline(row)


def test_a_cancelled_replacement_keeps_the_old_records(small_chunks):
    audience = make_audience()
    make_member(audience, email="old@example.com")
    row = make_import(rows_of(40), audience=audience, mode=ImportMode.REPLACE)
    one_chunk(row)

    audience_import.cancel(row, at=timezone.now())
    run_imports()

    row.refresh_from_db()
    assert audience.members.filter(key="old@example.com").exists()
    assert headline(row).endswith("No old record was removed.")


def test_the_upload_is_deleted_when_nothing_needs_it(tmp_path):
    row = imported(rows_of(3))

    assert not row.file
    assert not list(tmp_path.rglob("*.csv"))
    with pytest.raises(IllegalTransition):
        audience_import.cancel(row, at=timezone.now())


def test_a_lost_file_fails_the_import_with_advice():
    row = make_import(rows_of(3))
    row.file.storage.delete(row.file.name)

    run_imports()

    row.refresh_from_db()
    assert row.status == ImportStatus.FAILED
    assert row.error == "The uploaded file is gone. Upload it again."


def test_two_imports_into_one_audience_do_not_run_at_once():
    running = make_import(rows_of(3))
    second = make_import(rows_of(3), audience=running.audience, status=ImportStatus.UPLOADED)

    with pytest.raises(ImportRefused, match="still running"):
        audience_import.submit(second)


def test_a_file_is_imported_once_however_often_it_is_started():
    row = make_import(rows_of(3), status=ImportStatus.UPLOADED)
    audience_import.submit(row)

    with pytest.raises(IllegalTransition):
        audience_import.submit(row)


def test_a_discarded_upload_takes_its_new_audience_along():
    row = make_import(rows_of(3), status=ImportStatus.UPLOADED, made_audience=True)

    audience_import.discard(row)

    assert not AudienceImport.objects.exists()
    assert not type(row.audience).objects.exists()


ADDRESSES = {"email": 0, "phone": 1, "variables": {}, "key": "email"}


def test_an_exported_address_is_imported_as_it_was():
    audience = make_audience()
    make_member(audience, email="+ana@example.com")
    lines = b"".join(export_lines(audience)).decode()

    row = imported(lines, audience=audience, headers=["email", "phone"], mapping=ADDRESSES)

    assert (row.added, audience.members.get().email) == (0, "+ana@example.com")
