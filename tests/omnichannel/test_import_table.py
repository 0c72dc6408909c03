from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from omnichannel import tables
from omnichannel.models import Consent, Suppression

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


def run(what, path, **options):
    out, faults = io.StringIO(), io.StringIO()
    call_command("import_table", what, str(path), stdout=out, stderr=faults, **options)
    return out.getvalue(), faults.getvalue()


def test_a_file_that_is_too_long_for_the_page_is_taken_in(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    monkeypatch.setattr(tables, "MAX_BYTES", 3)
    monkeypatch.setattr(tables, "CHUNK", 2)
    file = tmp_path / "barred.csv"
    good = "".join(f"{number}@example.com,2026-01-31\n" for number in range(5))
    file.write_text(f"address,since\n{good}nonsense@,\n")

    said, faults = run("suppressions", file, reason="bounce", category="promotional")
    again, _ = run("suppressions", file, reason="bounce", category="promotional")

    assert "6 rows read: 5 new or changed, 0 known already, 1 left out" in said
    assert "0 new or changed, 5 known already" in again
    assert "Row 7, address" in faults
    rows = Suppression.objects.values_list("reason", "category")
    assert list(rows) == [("bounce", "promotional")] * 5


def test_consents_are_taken_in_with_their_source(tmp_path):
    file = tmp_path / "consents.csv"
    file.write_text("address,consent\nana@example.com,yes\nbob@example.com,no\n")

    run("consents", file, source="Shop")

    rows = Consent.objects.order_by("address").values_list("address", "is_granted", "source")
    assert list(rows) == [("ana@example.com", True, "Shop"), ("bob@example.com", False, "Shop")]


@pytest.mark.parametrize("text", [None, "name\nana\n"])
def test_what_is_no_such_table_is_refused_with_the_reason(tmp_path, text):
    file = tmp_path / "x.csv"
    if text is not None:
        file.write_text(text)

    with pytest.raises(CommandError, match=r"No such file|first row must name the columns"):
        run("suppressions", file)
