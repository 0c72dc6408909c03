from __future__ import annotations

import pytest

from integrations.conversion import edifact, x12
from integrations.exceptions import DocumentRefused
from tests.integrations.conversion.examples import edifact as edifact_file
from tests.integrations.conversion.examples import x12 as x12_file

GOOD = edifact_file("BGM+220+1", "DTM+137:20261120:102")
GOOD_X12 = x12_file("BEG*00*SA*1", "DTM*002*20261204")


def changed(old: bytes, new: bytes, data: bytes = GOOD) -> bytes:
    assert old in data
    return data.replace(old, new)


BROKEN = {
    "no UNB": (changed(b"UNB+", b"XNB+"), "header", 0),
    "unknown character set": (changed(b"UNOC", b"UNOZ"), "charset", 0),
    "a byte that the set does not have": (changed(b"UNOC", b"UNOA") + b"\xfc'", "charset", 0),
    "cut off within a segment": (GOOD[:-5], "cut_off", 6),
    "cut off after a segment": (changed(b"UNZ+1+1'", b""), "structure", 5),
    "no UNT": (changed(b"UNT+4+1'", b""), "structure", 5),
    "wrong count of segments": (changed(b"UNT+4", b"UNT+5"), "count", 5),
    "a count that is no number": (changed(b"UNT+4", b"UNT+four"), "count", 5),
    "another message reference": (changed(b"UNT+4+1", b"UNT+4+2"), "reference", 5),
    "wrong count of messages": (changed(b"UNZ+1", b"UNZ+2"), "count", 6),
    "another interchange reference": (changed(b"UNZ+1+1", b"UNZ+1+9"), "reference", 6),
    "two interchanges": (GOOD + GOOD, "after_end", 7),
    "a segment outside a message": (changed(b"UNH+", b"BGM+1'UNH+"), "structure", 2),
    "a message in a message": (changed(b"BGM+", b"UNH+2+X'BGM+"), "structure", 3),
    "a tag of two letters": (changed(b"BGM+", b"BG+"), "tag", 3),
    "an empty segment": (changed(b"BGM+", b"'BGM+"), "tag", 3),
    "no message": (b"UNB+UNOC:3+S+R+1:1+1'UNZ+0+1'", "structure", 2),
    "a UNA that is too short": (b"UNA:+", "una", 0),
    "a UNA whose separators are the same": (b"UNA++.? '" + GOOD, "una", 0),
    "a group that is not closed": (changed(b"UNH+1+", b"UNG+X+S+R+1:1+1'UNH+1+"), "structure", 7),
    "too many elements": (changed(b"BGM+", b"BGM" + b"+1" * 100 + b"+"), "too_large", 3),
}
BROKEN_X12 = {
    "no ISA": (changed(b"ISA*", b"XSA*", GOOD_X12), "header", 0),
    "no group": (changed(b"GS*PO", b"XX*PO", GOOD_X12), "structure", 3),
    "wrong count of segments": (changed(b"SE*4", b"SE*3", GOOD_X12), "count", 6),
    "wrong count of sets": (changed(b"GE*1*1", b"GE*2*1", GOOD_X12), "count", 7),
    "wrong count of groups": (changed(b"IEA*1", b"IEA*0", GOOD_X12), "count", 8),
    "another control number": (changed(b"IEA*1*000000001", b"IEA*1*2", GOOD_X12), "reference", 8),
    "cut off": (GOOD_X12[:-20], "cut_off", 7),
    "a tag in small letters": (changed(b"BEG*", b"beg*", GOOD_X12), "tag", 4),
}


@pytest.mark.parametrize(("data", "code", "line"), BROKEN.values(), ids=BROKEN)
def test_broken_edifact_is_refused_with_its_segment(data, code, line):
    with pytest.raises(DocumentRefused) as caught:
        edifact.read(data)

    assert (caught.value.code, caught.value.line) == (code, line)


@pytest.mark.parametrize(("data", "code", "line"), BROKEN_X12.values(), ids=BROKEN_X12)
def test_broken_x12_is_refused_with_its_segment(data, code, line):
    with pytest.raises(DocumentRefused) as caught:
        x12.read(data)

    assert (caught.value.code, caught.value.line) == (code, line)


def test_a_refusal_quotes_nothing_of_the_document():
    with pytest.raises(DocumentRefused) as caught:
        edifact.read(changed(b"UNT+4+1", b"UNT+4+SECRET"))

    assert "SECRET" not in str(caught.value)
