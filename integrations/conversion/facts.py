"""What a document says of itself at its beginning: what rules are chosen by. Cheap and bounded."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from integrations.conversion import edifact, x12
from integrations.conversion.formats import Format, sniff
from integrations.conversion.segments import EDIFACT, NOT_IN_XML, Segment
from integrations.conversion.xml_reading import local_name
from integrations.exceptions import DocumentRefused

HEAD = 65_536  # bytes that are looked at
SEGMENTS = 60
LONGEST = 200
# Where the number of the document stands, by the segment that begins it.
NUMBERS = {
    "BGM": 2, "BEG": 3, "BAK": 3, "BSN": 2, "BIG": 2, "AK1": 2, "BCH": 3, "BCA": 3, "BRA": 1,
    "BIA": 2, "B2": 4, "B3": 2, "BFR": 2, "BCT": 2, "W05": 2,
}  # fmt: skip
ROOTS = ("envelope", "envelopes")


@dataclass(frozen=True, slots=True)
class Facts:
    """Texts are empty when the document does not say; `document_type` is ORDERS, 850, a root."""

    format: str
    document_type: str = ""
    sender: str = ""
    receiver: str = ""
    number: str = ""


def read_facts(data: bytes, filename: str = "") -> Facts:
    """Raises DocumentRefused only when the beginning itself cannot be read."""
    kind = sniff(data, filename)
    if kind is Format.EDIFACT:
        return _of_edifact(data)
    if kind is Format.X12:
        return _of_x12(data)
    return _of_xml(data) if kind is Format.XML else Facts(kind)


def _of_edifact(data: bytes) -> Facts:
    separators, body = edifact.separators_of(data[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n"))
    pieces = edifact.split(_whole(body), separators.terminator, separators.release)[:-1]
    segments = [
        edifact.segment_of(piece.lstrip(edifact.BLANK), number, separators)
        for number, piece in enumerate(islice(pieces, SEGMENTS), 1)
    ]
    if not segments or segments[0].tag != EDIFACT.interchange.header:
        raise DocumentRefused("EDIFACT: the file has to begin with UNB.", "header")
    header = segments[0]
    return _facts(Format.EDIFACT, segments, "UNH", 2, header.value(2), header.value(3))


def _whole(body: bytes) -> str:
    """As text, without a character that the end of the part looked at cuts in two."""
    for cut in range(8):
        try:
            return edifact.decoded(body[: len(body) - cut])
        except DocumentRefused:
            if cut == 7 or len(body) < HEAD // 2:
                raise
    return ""


def _of_x12(data: bytes) -> Facts:
    data = data[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    separators = x12.separators_of(data)
    pieces = data.decode("utf-8", "replace").split(separators.terminator)[:-1]
    segments = [
        x12.segment_of(piece.lstrip(x12.BLANK), number, separators)
        for number, piece in enumerate(islice(pieces, SEGMENTS), 1)
    ]
    return _facts(Format.X12, segments, "ST", 1, segments[0].value(6), segments[0].value(8))


def _facts(
    kind: Format, segments: list[Segment], header: str, place: int, sender: str, receiver: str
) -> Facts:
    found = next((each.value(place) for each in segments if each.tag == header), "")
    number = next((each.value(NUMBERS[each.tag]) for each in segments if each.tag in NUMBERS), "")
    return Facts(kind, *(_short(text) for text in (found, sender, receiver, number)))


def _of_xml(data: bytes) -> Facts:
    events = etree.XMLPullParser(
        events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False
    )
    with contextlib.suppress(etree.XMLSyntaxError):
        events.feed(data[:HEAD])
    root, number, sender, receiver = "", "", "", ""
    for event, element in events.read_events():
        name = local_name(element)
        if event == "start":
            root = root or name
        elif root not in ROOTS:
            break
        elif name == "subject":
            number = number or (element.text or "")
        elif name == "mailbox":
            receiver = receiver or element.get("value", "")
        if event == "start" and name == "envelope":
            sender = sender or element.get("sender", "")
    return Facts(Format.XML, *(_short(text) for text in (root, sender, receiver, number)))


def _short(text: str) -> str:
    return NOT_IN_XML.sub("", text).strip()[:LONGEST]
