"""What EDIFACT and X12 have in common: segments inside messages inside an interchange.

In both, a trailer's first element counts what it closes and its second repeats the reference of
the header; only the tags and the place of that reference differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from integrations.exceptions import DocumentRefused

MAX_SEGMENTS = 1_000_000
MAX_PARTS = 99  # elements of a segment, components of an element: their names have two digits
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Repeats = list[list[str]]  # the repetitions of an element; each is its components


class Segment(NamedTuple):
    tag: str
    elements: list[Repeats]
    number: int = 0  # counted from 1 in its file

    def value(self, element: int, component: int = 1) -> str:
        """Counted from 1; empty when it is not there."""
        if element > len(self.elements) or not self.elements[element - 1]:
            return ""
        parts = self.elements[element - 1][0]
        return parts[component - 1].strip() if component <= len(parts) else ""


class Pair(NamedTuple):
    """A header and its trailer; `reference` is the element of the header that is repeated."""

    header: str
    trailer: str
    reference: int


class Standard(NamedTuple):
    name: str
    interchange: Pair
    group: Pair
    message: Pair
    needs_groups: bool
    always_components: bool  # in the tree: <BGM02><BGM0201> even for one component

    @property
    def trailers(self) -> frozenset[str]:
        return frozenset({self.interchange.trailer, self.group.trailer, self.message.trailer})


EDIFACT = Standard(
    "EDIFACT", Pair("UNB", "UNZ", 5), Pair("UNG", "UNE", 5), Pair("UNH", "UNT", 1), False, True
)
X12 = Standard("X12", Pair("ISA", "IEA", 13), Pair("GS", "GE", 6), Pair("ST", "SE", 2), True, False)


@dataclass
class Group:
    header: Segment | None = None
    messages: list[list[Segment]] = field(default_factory=list)  # each with header and trailer
    trailer: Segment | None = None


@dataclass
class Interchange:
    standard: Standard
    header: Segment
    groups: list[Group] = field(default_factory=list)
    loose: list[Segment] = field(default_factory=list)  # between the header and the first group
    trailer: Segment | None = None

    @property
    def messages(self) -> list[list[Segment]]:
        return [message for group in self.groups for message in group.messages]


def refused(standard: Standard, segment: Segment, text: str, code: str) -> DocumentRefused:
    place = f"{standard.name} segment {segment.number} ({segment.tag})"
    return DocumentRefused(f"{place}: {text}", code, line=segment.number)


def check_storable(standard: Standard, text: str, segments: list[Segment]) -> None:
    """Control characters have no place in XML; those that separate are gone by now."""
    if not NOT_IN_XML.search(text):
        return
    for segment in segments:
        for repeats in segment.elements:
            if any(NOT_IN_XML.search(part) for parts in repeats for part in parts):
                raise refused(standard, segment, "A control character is in it.", "characters")


def check_parts(standard: Standard, segment: Segment) -> None:
    if len(segment.elements) > MAX_PARTS or any(
        len(parts) > MAX_PARTS for repeats in segment.elements for parts in repeats
    ):
        raise refused(standard, segment, f"It has more than {MAX_PARTS} elements.", "too_large")


def trimmed(parts: list[str]) -> list[str]:
    """Without what is empty at its end: nothing has to mark its place."""
    length = len(parts)
    while length and not parts[length - 1]:
        length -= 1
    return parts[:length]
