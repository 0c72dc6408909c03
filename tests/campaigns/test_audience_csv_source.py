from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnichannel import csv_source
from omnichannel.csv_source import CsvSource


@pytest.fixture
def read(tmp_path: Path):
    def read(data: bytes, *, encoding: str = "utf-8", width: int = 0, start=None):
        path = tmp_path / "file.csv"
        path.write_bytes(data)
        with CsvSource(path, encoding, ",", width=width, start=start) as source:
            return list(source.records())

    return read


def test_rows_are_numbered_as_a_spreadsheet_does(read):
    assert read(b"a,b\n\n1,2\r\n") == [(1, ["a", "b"], ""), (3, ["1", "2"], "")]


def test_the_mark_of_utf_8_is_no_part_of_the_first_header(read):
    assert read(b"\xef\xbb\xbfa,b\n")[0][1] == ["a", "b"]


def test_a_quoted_cell_may_span_lines(read):
    assert read(b'a,"x\ny"\nb,c\n') == [(1, ["a", "x\ny"], ""), (2, ["b", "c"], "")]


def test_reading_goes_on_at_any_position(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes('a,"x\ny"\nb,é\nc,d\n'.encode())
    with CsvSource(path, "utf-8", ",") as source:
        first = source.records()
        next(first), next(first)
        position = source.position

    with CsvSource(path, "utf-8", ",", start=position) as source:
        assert list(source.records()) == [(3, ["c", "d"], "")]


@pytest.mark.fault(35)
def test_an_unclosed_quote_costs_one_row_and_names_it(read):
    rows = read(b'a,b\n1,"open\n' + b"2,fine\n" * 900)

    faults = [(number, fault) for number, _, fault in rows if fault]
    assert faults == [(2, "A quote is opened and never closed. It took in 500 lines.")]
    assert len(rows) == 902


def test_an_unclosed_quote_near_the_end_costs_one_row(read):
    rows = read(b'a,b\n1,"open\n2,fine\n3,"fine"\n', width=2)

    assert [bool(fault) for _, _, fault in rows] == [False, True, False, False]


def test_an_unclosed_quote_in_the_last_row_is_found(read):
    assert read(b'a,b\n1,"open')[1][2] == "A quote is opened and never closed."


def test_an_unclosed_quote_that_a_later_one_closes_costs_one_row(read):
    rows = read(b'a,b\n1,"open\n2,fine\n3,"Smith, J"\n4,fine\n', width=2)

    assert [number for number, _, fault in rows if fault] == [2]
    assert rows[3] == (4, ["3", "Smith, J"], "")


@pytest.mark.fault(35)
def test_a_cell_of_two_megabytes_is_refused_and_the_rest_read(read):
    rows = read(b"a,b\n1," + b"x" * 2_000_000 + b"\n2,fine\n")

    assert rows[1][2] == "A field is longer than 1,048,576 characters."
    assert rows[2] == (3, ["2", "fine"], "")


def test_a_line_too_long_to_keep_is_passed_over(read, monkeypatch):
    monkeypatch.setattr(csv_source, "MAX_LINE_BYTES", 100)

    rows = read(b"a,b\n1," + b"x" * 250 + b"\n2,fine\n")

    assert rows[1][2] == "The line is longer than 100 bytes."
    assert rows[2] == (3, ["2", "fine"], "")


@pytest.mark.fault(35)
def test_nul_bytes_are_a_fault_of_their_row(read):
    rows = read(b"a,b\n1,x\0y\n2,fine\n")

    assert rows[1][2] == "The row has NUL bytes: this is not text."
    assert not rows[2][2]


@pytest.mark.fault(35)
def test_a_byte_of_another_encoding_is_a_fault_of_its_row(read):
    rows = read(b"a,b\n1,caf\xe9\n2,fine\n")

    assert rows[1][2] == "The byte 0xe9 is not UTF-8 text."
    assert read(b"1,caf\xe9\n", encoding="cp1252")[0][1] == ["1", "café"]


def test_a_carriage_return_inside_a_row_is_a_fault_of_its_row(read):
    assert "carriage return" in read(b"a,b\n1,x\ry,z\n2,fine\n")[1][2]


RECORDS = [
    "a,b",
    'x,"y, z"',
    '"q""q",1',
    "",
    "é,ü",
    '1,"open',
    'a"b,c',
    '"a"b,c',
    "x\ry,z",
    "a,b\r",
]
RECORDS += ['"two\nlines",1', "n\0,1", "one", 'z,"']


@given(st.lists(st.sampled_from(RECORDS), max_size=12), st.booleans(), st.integers(8, 60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_blocks_are_read_as_lines_are(tmp_path, lines, ends, size):
    path = tmp_path / "file.csv"
    path.write_bytes("\n".join(lines).encode() + b"\n" * ends)

    def read(block):
        with (
            mock.patch.object(csv_source, "BLOCK_BYTES", block),
            CsvSource(path, "utf-8", ",", width=2) as source,
        ):
            return [(record, source.position) for record in source.records()]

    by_line, by_block = read(0), read(size)

    assert by_block == by_line
