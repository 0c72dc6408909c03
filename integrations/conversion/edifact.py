"""UN/EDIFACT (ISO 9735, syntax 1 to 4): bytes to segments and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from integrations.conversion.control import interchange_of, with_counts
from integrations.conversion.segments import (
    EDIFACT,
    MAX_PARTS,
    MAX_SEGMENTS,
    Interchange,
    Repeats,
    Segment,
    check_parts,
    check_storable,
    refused,
    trimmed,
)
from integrations.exceptions import ConversionFailed, DocumentRefused

CHARSETS = {
    "UNOA": "ascii",
    "UNOB": "ascii",
    "UNOC": "iso8859_1",
    "UNOD": "iso8859_2",
    "UNOE": "iso8859_5",
    "UNOF": "iso8859_7",
    "UNOG": "iso8859_3",
    "UNOH": "iso8859_4",
    "UNOI": "iso8859_6",
    "UNOJ": "iso8859_8",
    "UNOK": "iso8859_9",
    "UNOW": "utf_8",
    "UNOX": "iso2022_jp_2",
    "UNOY": "utf_8",
}
TAG = re.compile(r"[A-Z][A-Z0-9]{2}\Z")
HEADER = re.compile(rb"UNB.(UNO[A-Z])", re.S)
BLANK = " \t\r\n"


class Separators(NamedTuple):
    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    repetition: str = ""  # syntax 4 only
    terminator: str = "'"


def read(data: bytes) -> Interchange:
    """Raises DocumentRefused with the number of the segment that is wrong."""
    separators, body = separators_of(data.lstrip(b"\xef\xbb\xbf \t\r\n"))
    text = decoded(body)
    segments = list(segments_of(text, separators))
    check_storable(EDIFACT, text, segments)
    return interchange_of(EDIFACT, segments)


def separators_of(data: bytes) -> tuple[Separators, bytes]:
    """The service string advice, and what comes after it."""
    found = Separators()
    if data[:3] == b"UNA":
        advice = data[3:9].decode("latin-1")
        if len(advice) < 6:
            raise DocumentRefused("EDIFACT: the file ends within its UNA.", "una")
        found = Separators(*advice)
        used = [each for each in found if each != " "]
        if len(set(used)) < len(used) or any(each.isalnum() for each in used):
            raise DocumentRefused("EDIFACT: the separators in UNA are not six of a kind.", "una")
        if " " in (found.component, found.element, found.terminator):
            raise DocumentRefused("EDIFACT: a separator in UNA is blank.", "una")
        data = data[9:].lstrip(b" \t\r\n")
    return found._replace(
        release="" if found.release == " " else found.release,
        repetition=_repetition(data, found),
    ), data


def _repetition(data: bytes, found: Separators) -> str:
    """Only syntax 4 repeats elements; in UNA the place was a blank before."""
    start = data[:40].decode("latin-1").split(found.element)
    if len(start) < 2 or start[1].split(found.component)[1:2] != ["4"]:
        return ""
    return found.repetition if found.repetition.strip() else "*"


def decoded(data: bytes) -> str:
    header = HEADER.match(data)
    if not header:
        raise DocumentRefused(
            "EDIFACT: the file has to begin with UNB and its character set, UNOA to UNOY.", "header"
        )
    name = header.group(1).decode()
    if name not in CHARSETS:
        raise DocumentRefused(f"EDIFACT: the character set {name} is not known.", "charset")
    try:
        return data.decode(CHARSETS[name])
    except UnicodeDecodeError as error:
        raise DocumentRefused(
            f"EDIFACT: byte {error.start + 1} is not a character of {name}. "
            "The sender has to declare the character set that is used, such as UNOC or UNOY.",
            "charset",
        ) from error


def segments_of(text: str, separators: Separators) -> Iterable[Segment]:
    pieces = split(text, separators.terminator, separators.release)
    if pieces.pop().strip(BLANK + "\x1a\x00"):
        raise DocumentRefused(
            f"EDIFACT segment {len(pieces) + 1}: it has no end, the file is cut off.",
            "cut_off",
            line=len(pieces) + 1,
        )
    if len(pieces) > MAX_SEGMENTS:
        raise DocumentRefused(f"EDIFACT: there are over {MAX_SEGMENTS:,} segments.", "too_large")
    for number, piece in enumerate(pieces, 1):
        yield segment_of(piece.lstrip(BLANK), number, separators)


def segment_of(piece: str, number: int, separators: Separators) -> Segment:
    release = separators.release
    is_released = bool(release) and release in piece
    if is_released:
        tag, *elements = split(piece, separators.element, release)
    else:
        tag, *elements = piece.split(separators.element)
    if not TAG.match(tag):
        shown = Segment("?", [], number)
        raise refused(EDIFACT, shown, "It does not begin with a tag of three letters.", "tag")
    if is_released or separators.repetition:
        found = [_repeats(element, separators) for element in elements]
    else:
        component = separators.component
        found = [[element.split(component)] if element else [] for element in elements]
    segment = Segment(tag, found, number)
    if len(piece) > MAX_PARTS:
        check_parts(EDIFACT, segment)
    return segment


def _repeats(element: str, separators: Separators) -> Repeats:
    if not element:
        return []
    release = separators.release
    parts = [element]
    if separators.repetition:
        parts = split(element, separators.repetition, release)
    return [
        [released(part, release) for part in split(each, separators.component, release)]
        for each in parts
    ]


def split(text: str, separator: str, release: str) -> list[str]:
    """Split where the separator is not released. What is released stays so."""
    pieces = text.split(separator)
    if not release or release not in text:
        return pieces
    result: list[str] = []
    waiting: list[str] = []
    for piece in pieces:
        waiting.append(piece)
        if (len(piece) - len(piece.rstrip(release))) % 2:
            continue
        result.append(separator.join(waiting))
        waiting = []
    return [*result, separator.join(waiting)] if waiting else result


def released(text: str, release: str) -> str:
    if not release or release not in text:
        return text
    return re.sub(re.escape(release) + "(.)", r"\1", text, flags=re.S)


def write(segments: Sequence[Segment]) -> bytes:
    """With the default separators, a UNA, and all counts made anew. Raises ConversionFailed."""
    whole = with_counts(EDIFACT, segments)
    if not whole or whole[0].tag != "UNB":
        raise ConversionFailed("EDIFACT has to begin with UNB.", "header")
    name = whole[0].value(1)
    if name not in CHARSETS:
        raise ConversionFailed("UNB0101 has to be a character set, UNOA to UNOY.", "charset")
    repetition = "*" if whole[0].value(1, 2) == "4" else ""
    text = f"UNA:+.?{repetition or ' '}'\r\n"
    escaped = re.compile(f"[?:+'{repetition}]")
    text += "".join(_written(segment, repetition, escaped) + "'\r\n" for segment in whole)
    try:
        return text.encode(CHARSETS[name])
    except UnicodeEncodeError as error:
        raise ConversionFailed(
            f"A value has a character that {name} does not have: use UNOY.", "charset"
        ) from error


def _written(segment: Segment, repetition: str, escaped: re.Pattern[str]) -> str:
    elements: list[str] = []
    for repeats in segment.elements:
        if len(repeats) > 1 and not repetition:
            raise ConversionFailed(f"{segment.tag}: only syntax 4 can repeat an element.", "repeat")
        written = [":".join(_escaped(trimmed(parts), escaped)) for parts in repeats]
        elements.append(repetition.join(written))
    return "+".join([segment.tag, *trimmed(elements)])


def _escaped(parts: list[str], escaped: re.Pattern[str]) -> list[str]:
    return [part if part.isalnum() else escaped.sub(r"?\g<0>", part) for part in parts]
