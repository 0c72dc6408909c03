from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.import_preview import detect
from omnichannel.exceptions import ImportRefused
from omnichannel.uploads import receive


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def take(data: bytes):
    stored = receive(SimpleUploadedFile("people.csv", data))
    return stored, Path(default_storage.path(stored.name)).read_bytes()


def refusal(data: bytes) -> str:
    with pytest.raises(ImportRefused) as caught:
        take(data)
    return str(caught.value)


def workbook(rows) -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(data)
    return data.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_utf_8_is_known_by_decoding_all_of_it():
    assert take("naïve\n".encode())[0].encoding == "utf-8"
    assert take(b"a" * 100_000 + b"\xe9\n")[0].encoding == ""


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_becomes_utf_8(codec):
    stored, data = take("email,name\nzoe@example.com,Zoë\n".encode(codec))

    assert stored.encoding == "utf-8"
    assert data.decode() == "email,name\nzoe@example.com,Zoë\n"


def test_broken_utf_16_is_refused():
    assert "UTF-16" in refusal("email,name\n".encode("utf-16") + b"\x00\xd8\x00")


def test_carriage_returns_alone_become_line_ends():
    assert take(b"a,b\r1,2\r")[1] == b"a,b\n1,2\n"


def test_an_empty_file_is_refused():
    assert refusal(b"") == "The file is empty: it has 0 bytes."


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file"),
        (b"\x1f\x8b\x08", "a compressed file"),
        (b"\x89PNG\r\n", "a picture"),
        (b"<!DOCTYPE html>", "a web page"),
    ],
)
def test_a_renamed_file_is_named_for_what_it_is(data, what):
    assert f"This is {what}" in refusal(data)


def test_a_binary_file_is_refused():
    assert "not a text file" in refusal(bytes(range(256)) * 10 + b"\0\1\2" * 500)


def test_a_file_over_the_limit_is_refused(settings):
    settings.AUDIENCE_FILE_MAX_BYTES = 1024**2
    assert "larger than 1 MB" in refusal(b"a" * (1024**2 + 1))


def test_the_first_sheet_of_a_workbook_becomes_csv():
    rows = [["email", "age", "note"], ["a@example.com", 5.0, None], [None], ["b@example.com", 7]]

    stored, data = take(workbook(rows))

    assert stored.is_xlsx
    assert data.decode().splitlines() == [
        "email,age,note",
        "a@example.com,5,",
        "",
        "b@example.com,7,",
    ]


def test_a_zip_that_is_no_workbook_is_refused():
    assert "not an Excel workbook" in refusal(zipped({"people.csv": b"a,b"}))


def test_a_damaged_workbook_is_refused():
    assert "Excel workbook" in refusal(workbook([["a"]])[:900])


@pytest.mark.fault(35)
def test_a_workbook_that_unpacks_to_far_more_is_refused():
    bomb = zipped({"xl/workbook.xml": b"<a/>", "xl/worksheets/sheet1.xml": b"0" * 30 * 1024**2})

    assert "unpacks to far more" in refusal(bomb)


def test_a_refused_file_leaves_nothing_behind(tmp_path):
    refusal(b"%PDF-1.7")
    refusal(zipped({"people.csv": b"a,b"}))

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_and_the_header_are_detected(tmp_path, delimiter):
    path = tmp_path / "file.csv"
    rows = [["email", "full name"], ["a@example.com", "A, B; C"], ["b@example.com", "x"]]
    path.write_text("\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows))

    assert detect(path, "utf-8") == (delimiter, True)


def test_a_first_row_of_data_is_no_header(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("a@example.com,Ana\nb@example.com,Bob\n")

    assert detect(path, "utf-8") == (",", False)
