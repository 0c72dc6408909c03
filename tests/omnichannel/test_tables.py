"""Tables of suppressions and consents: good rows are kept, bad ones are told."""

from __future__ import annotations

import datetime
import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnichannel import consents, suppressions, tables
from omnichannel.consent_table import ConsentResource, consent_maker
from omnichannel.exceptions import ImportRefused
from omnichannel.models import Consent, Suppression
from omnichannel.resources import csv_parts, workbook
from omnichannel.suppression_table import SuppressionResource, word_maker
from omnichannel.tables import take_in
from tests.factories import NOW

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    yield
    assert not list((tmp_path / "imports").glob("*"))  # the upload is not kept


def take(text: str | bytes, **values):
    data = text if isinstance(text, bytes) else text.encode()
    defaults = {"channel_type": "", "category": "", "reason": "import", "at": NOW, **values}
    return take_in(
        SimpleUploadedFile("people.csv", data),
        columns=("address",),
        make=word_maker(**defaults),
        keep=suppressions.say,
    )


def take_consents(text: str, **values):
    defaults = {"channel_type": "", "category": "promotional", "source": "", "at": NOW, **values}
    return take_in(
        SimpleUploadedFile("people.csv", text.encode()),
        columns=("address",),
        make=consent_maker(**defaults),
        keep=consents.add,
    )


def test_file_of_addresses_alone_needs_no_first_row():
    report = take("Ana@Example.com\n+1 202 555 0143\n")

    assert (report.rows, report.kept, report.bad) == (2, 2, 0)
    assert set(Suppression.objects.values_list("channel_type", "address", "reason")) == {
        ("email", "ana@example.com", "import"),
        ("sms", "+12025550143", "import"),
    }


def test_row_says_more_than_the_form():
    take(
        "Address;Channel;Category;Reason;Note;Since;Until\n"
        "ana@example.com;E-mail;Promotional;Hard bounce;=1+1;2026-01-02 03:04;2027-01-01\n"
    )

    row = Suppression.objects.get()
    assert (row.category, row.reason, row.note) == ("promotional", "bounce", "=1+1")
    assert row.created_at == datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC)
    assert row.expires_at == datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


def test_bad_rows_are_told_and_the_good_ones_go_on():
    report = take(
        "address,channel,category,reason,since,until,state\n"
        "a@example.com,,,,,,\n"
        "nonsense@,,,,,,\n"
        "b@example.com,fax,,,,,\n"
        "c@example.com,,gossip,,,,\n"
        "d@example.com,,,boredom,,,\n"
        "e@example.com,,,,2026-02-30,,\n"
        "f@example.com,,,,,1999-01-01,\n"
        "g@example.com,,,,2030-01-01,,\n"
        "h@example.com,,,,,,lifted\n"
        "i@example.com,,,,,,,one too many\n"
        "\n"
        "j@example.com,,,,,,\n"
    )

    assert (report.rows, report.kept, report.bad) == (11, 2, 9)
    assert [(fault.row, fault.field) for fault in report.faults] == [
        (3, "address"),
        (4, "channel"),
        (5, "category"),
        (6, "reason"),
        (7, "since"),
        (8, "until"),
        (9, "since"),
        (10, "state"),
        (11, "row"),
    ]
    assert "none of: e-mail, email, push, sms" in report.faults[1].reason
    assert "write 2026-03-31" in report.faults[4].reason


def test_same_file_again_changes_nothing():
    text = "address,since\na@example.com,2026-01-01\nA@example.com,2026-01-01\n"
    take(text)

    report = take(text)

    assert (report.kept, report.known) == (0, 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes"),
        (b"name,city\nAna,Rome\n", "one of them “address”"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\n\n", "no rows"),
    ],
)
def test_what_is_no_table_is_refused(data, reason):
    with pytest.raises(ImportRefused, match=reason):
        take(data)


def test_too_large_a_file_is_refused(monkeypatch):
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    monkeypatch.setattr(tables, "CHUNK", 2)
    with pytest.raises(ImportRefused, match="more than 3 rows"):
        take("address\n" + "".join(f"{number}@example.com\n" for number in range(5)))
    assert not Suppression.objects.exists()
    monkeypatch.setattr(tables, "MAX_BYTES", 3)
    with pytest.raises(ImportRefused, match="import_table"):
        take("address\n")


def test_hostile_cells_are_faults_of_their_rows():
    report = take(
        b"address,note\n"
        b"\x00a@example.com,\n" + b"b@example.com," + b"x" * 6_000 + b"\n"
        b'"c@example.com\nBcc: x@example.com",\n'
        b"ok@example.com,fine\n"
    )

    assert report.kept == 1
    assert [fault.field for fault in report.faults] == ["row", "note", "address"]


def test_only_so_many_faults_are_told(monkeypatch):
    monkeypatch.setattr(tables, "MAX_FAULTS", 2)

    report = take("address\n" + "nonsense@\n" * 5)

    assert (report.bad, len(report.faults)) == (5, 2)


def test_rows_are_written_by_the_thousand():
    text = "address\n" + "".join(f"p{number}@example.com\n" for number in range(3_000))

    with CaptureQueriesContext(connection) as queries:
        report = take(text)

    assert report.kept == 3_000
    assert len(queries) == 3


def test_workbook_is_taken_like_a_csv_file():
    book = openpyxl.Workbook()
    book.active.append(["address", "until"])
    book.active.append(["ana@example.com", datetime.datetime(2027, 5, 1, 12, 30)])
    file = io.BytesIO()
    book.save(file)

    report = take(file.getvalue())

    assert report.faults == []
    assert Suppression.objects.get().expires_at.day == 1


def test_what_was_exported_comes_in_again_as_it_was():
    suppressions.say(
        [
            suppressions.Word(
                channel_type="push", address="=cmd|x", reason="manual", note="+1", at=NOW
            ),
            suppressions.Word(
                channel_type="email",
                address="ana@example.com",
                category="otp",
                reason="complaint",
                at=NOW,
                expires_at=timezone.now().replace(microsecond=0) + DAY,
            ),
        ]
    )
    columns = ("channel_type", "address", "category", "reason", "note", "created_at", "expires_at")
    before = set(Suppression.objects.values_list(*columns))
    file = b"".join(csv_parts(SuppressionResource(), Suppression.objects.all()))
    Suppression.objects.all().delete()

    report = take(file)

    assert report.faults == []
    assert set(Suppression.objects.values_list(*columns)) == before
    assert b"'=cmd|x" in file
    assert b"'+1" in file


def test_workbook_has_no_formula_and_no_control_character():
    Suppression.objects.create(channel_type="push", address="=1+1", note="a\x01\x0bb")

    book = openpyxl.load_workbook(
        io.BytesIO(workbook(SuppressionResource(), Suppression.objects.all()))
    )

    cells = [cell for row in book.active for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert "'=1+1" in [cell.value for cell in cells]
    assert "ab" in [cell.value for cell in cells]


def test_consents_are_taken_with_their_proof():
    report = take_consents(
        "address,category,consent,source,wording,ip,when\n"
        "Ana@example.com,promotional,yes,Form,Write to me.,192.0.2.7,2026-01-02\n"
        "Ana@example.com,promotional,no,,,2001:db8::1,2026-01-03\n"
        "b@example.com,,maybe,,,,\n"
        "c@example.com,,,,,192.0.2.777,\n"
        "d@example.com,,,,,,2030-01-01\n"
    )

    first = Consent.objects.order_by("at").first()
    assert [(fault.row, fault.field) for fault in report.faults] == [
        (4, "consent"),
        (5, "ip"),
        (6, "when"),
    ]
    assert (first.source, first.wording, first.ip) == ("Form", "Write to me.", "192.0.2.7")
    assert consents.latest("email", "promotional", ["ana@example.com"]) == {
        "ana@example.com": False
    }


def test_consents_that_are_known_are_not_added_twice():
    text = "address,when\na@example.com,2026-01-02\nb@example.com,2026-01-02\n"
    take_consents(text)

    report = take_consents(f"{text}c@example.com,2026-01-02\nc@example.com,2026-01-02\n")

    assert (report.kept, report.known) == (1, 3)
    assert Consent.objects.count() == 3


def test_exported_consents_come_in_again_as_they_were():
    consents.give(
        "email", "ana@example.com", "otp", consents.Proof(at=NOW, wording="-x\ny", ip="192.0.2.1")
    )
    columns = ("address", "category", "is_granted", "source", "wording", "ip", "at")
    before = list(Consent.objects.values_list(*columns))
    file = b"".join(csv_parts(ConsentResource(), Consent.objects.all())).decode("utf-8-sig")
    Consent.objects.all().delete()

    assert take_consents(file).faults == []
    assert list(Consent.objects.values_list(*columns)) == before
