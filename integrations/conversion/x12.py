"""ASC X12 (X12.5, X12.6): bytes to segments and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from integrations.conversion.control import interchange_of, with_counts
from integrations.conversion.segments import (
    MAX_PARTS,
    MAX_SEGMENTS,
    NOT_IN_XML,
    X12,
    Interchange,
    Repeats,
    Segment,
    check_parts,
    check_storable,
    refused,
    trimmed,
)
from integrations.exceptions import ConversionFailed, DocumentRefused

ISA_LENGTH = 106
ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
REPETITION, COMPONENT = 10, 15  # their places in ISA, from 0
REPEATING = "00402"  # from this version on, ISA11 is the repetition separator
TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}\Z")
BLANK = " \t\r\n"


class Separators(NamedTuple):
    element: str
    component: str
    terminator: str
    repetition: str  # empty when the version has none


def read(data: bytes) -> Interchange:
    """Raises DocumentRefused with the number of the segment that is wrong."""
    data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    separators = separators_of(data)
    text = decoded(data)
    segments = list(segments_of(text, separators))
    check_storable(X12, text, segments)
    return interchange_of(X12, segments)


def separators_of(data: bytes) -> Separators:
    """ISA has a fixed length, and its separators stand where they are used first."""
    header = data[:ISA_LENGTH].decode("latin-1")
    if not header.startswith("ISA"):
        raise DocumentRefused("X12: the file has to begin with ISA.", "header")
    element, component, terminator = header[3:4], header[104:105], header[105:106]
    elements = header[:105].split(element or "*")
    if len(header) < ISA_LENGTH or len(elements) != len(ISA_WIDTHS) + 1:
        raise DocumentRefused(
            f"X12: ISA has to be {ISA_LENGTH} characters with 16 elements of fixed width.", "isa"
        )
    if tuple(map(len, elements[1:])) != ISA_WIDTHS:
        raise DocumentRefused("X12: an element of ISA does not have its fixed width.", "isa")
    repeats = elements[12] >= REPEATING and not elements[11].isalnum()
    found = Separators(element, component, terminator, elements[11] if repeats else "")
    used = [each for each in found if each]
    if len(set(used)) < len(used) or any(each.isalnum() or each == " " for each in used):
        raise DocumentRefused("X12: the separators of ISA have to differ, and be no words.", "isa")
    return found


def decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def segments_of(text: str, separators: Separators) -> Iterable[Segment]:
    pieces = text.split(separators.terminator)
    if pieces.pop().strip(BLANK + "\x1a\x00"):
        raise DocumentRefused(
            f"X12 segment {len(pieces) + 1}: it has no end, the file is cut off.",
            "cut_off",
            line=len(pieces) + 1,
        )
    if len(pieces) > MAX_SEGMENTS:
        raise DocumentRefused(f"X12: there are over {MAX_SEGMENTS:,} segments.", "too_large")
    for number, piece in enumerate(pieces, 1):
        yield segment_of(piece.lstrip(BLANK), number, separators)


def segment_of(piece: str, number: int, separators: Separators) -> Segment:
    tag, *elements = piece.split(separators.element)
    if not TAG.match(tag):
        shown = Segment("?", [], number)
        raise refused(X12, shown, "It does not begin with a tag of two or three letters.", "tag")
    if tag == "ISA":  # its own elements are the separators
        kept = ["" if NOT_IN_XML.search(element) else element for element in elements]
        return Segment(tag, [[[element]] if element else [] for element in kept], number)
    component = separators.component
    if separators.repetition:
        found = [_repeats(element, separators) for element in elements]
    else:
        found = [[element.split(component)] if element else [] for element in elements]
    segment = Segment(tag, found, number)
    if len(piece) > MAX_PARTS:
        check_parts(X12, segment)
    return segment


def _repeats(element: str, separators: Separators) -> Repeats:
    parts = element.split(separators.repetition) if element else []
    return [each.split(separators.component) for each in parts]


def write(segments: Sequence[Segment]) -> bytes:
    """With separators that occur in no value, and all counts made anew.

    Raises ConversionFailed.
    """
    whole = with_counts(X12, [_numbered(segment) for segment in segments])
    if not whole or whole[0].tag != "ISA":
        raise ConversionFailed("X12 has to begin with ISA.", "header")
    separators = _free_separators(whole)
    lines = [_header(whole[0], separators), *(_written(each, separators) for each in whole[1:])]
    return "".join(line + separators.terminator + "\n" for line in lines).encode()


def _numbered(segment: Segment) -> Segment:
    """ISA13 has nine digits, and IEA02 is the same."""
    if segment.tag != "ISA" or not segment.value(13):
        return segment
    elements = list(segment.elements)
    elements[12] = [[segment.value(13).zfill(9)]]
    return Segment("ISA", elements, segment.number)


def _free_separators(segments: Sequence[Segment]) -> Separators:
    used = {
        character
        for segment in segments
        for place, repeats in enumerate(segment.elements)
        if segment.tag != "ISA" or place not in (REPETITION, COMPONENT)
        for parts in repeats
        for part in parts
        for character in part
        if not character.isalnum()
    }
    chosen: list[str] = []
    for wanted in ("*|\x1d", ":>\x1f", "~'\x1c", "^!\x1e"):
        free = [each for each in wanted if each not in used and each not in chosen]
        if not free:
            text = "The values use every character that could separate them: leave one out."
            raise ConversionFailed(text, "separators")
        chosen.append(free[0])
    repeats = segments[0].value(12) >= REPEATING
    return Separators(chosen[0], chosen[1], chosen[2], chosen[3] if repeats else "")


def _header(segment: Segment, separators: Separators) -> str:
    values = [(repeats[0][0] if repeats else "") for repeats in segment.elements[: len(ISA_WIDTHS)]]
    values += [""] * (len(ISA_WIDTHS) - len(values))
    values[REPETITION] = separators.repetition or values[REPETITION].strip() or "U"
    values[COMPONENT] = separators.component
    for place, (value, width) in enumerate(zip(values, ISA_WIDTHS, strict=True)):
        if len(value) > width:
            raise ConversionFailed(f"ISA{place + 1:02d} has {width} characters at most.", "isa")
        values[place] = value.ljust(width)
    return separators.element.join(["ISA", *values])


def _written(segment: Segment, separators: Separators) -> str:
    if any(len(repeats) > 1 for repeats in segment.elements) and not separators.repetition:
        text = f"{segment.tag}: only versions from {REPEATING} on can repeat an element."
        raise ConversionFailed(text, "repeat")
    elements = [
        separators.repetition.join(separators.component.join(trimmed(parts)) for parts in repeats)
        for repeats in segment.elements
    ]
    return separators.element.join([segment.tag, *trimmed(elements)])
