"""The envelopes of an interchange: are they whole, and do their counts and references agree?"""

from __future__ import annotations

from collections.abc import Sequence

from integrations.conversion.segments import (
    Group,
    Interchange,
    Pair,
    Segment,
    Standard,
    refused,
)
from integrations.exceptions import DocumentRefused


def interchange_of(standard: Standard, segments: Sequence[Segment]) -> Interchange:
    """Sort segments into their envelopes. Raises DocumentRefused with the segment's number."""
    if not segments or segments[0].tag != standard.interchange.header:
        header = standard.interchange.header
        raise DocumentRefused(f"{standard.name}: the file has to begin with {header}.", "header")
    reader = _Reader(standard, segments[0])
    for segment in segments[1:]:
        reader.take(segment)
    reader.finish(segments[-1])
    return reader.found


class _Reader:
    def __init__(self, standard: Standard, header: Segment) -> None:
        self.standard = standard
        self.found = Interchange(standard, header)
        self.group: Group | None = None  # open
        self.message: list[Segment] | None = None  # open

    def take(self, segment: Segment) -> None:
        if self.found.trailer is not None:
            text = "Nothing may follow the end of the interchange: send one in each file."
            raise self.refused(segment, text, "after_end")
        tag = segment.tag
        standard = self.standard
        if tag == standard.message.header:
            self.open_message(segment)
        elif tag == standard.message.trailer:
            self.close_message(segment)
        elif tag == standard.group.header:
            self.open_group(segment)
        elif tag == standard.group.trailer:
            self.close_group(segment)
        elif tag == standard.interchange.trailer:
            self.close(segment)
        else:
            self.keep(segment)

    def keep(self, segment: Segment) -> None:
        if segment.tag == self.standard.interchange.header:
            raise self.refused(segment, "A second interchange begins: send one in each file.")
        if self.message is not None:
            self.message.append(segment)
        elif self.group is None and not self.found.groups and self.standard.needs_groups:
            self.found.loose.append(segment)
        else:
            raise self.refused(segment, "It stands outside any message.")

    def open_message(self, segment: Segment) -> None:
        self.must_be_closed(segment)
        if self.group is None:
            if self.standard.needs_groups:
                raise self.refused(segment, f"{self.standard.group.header} has to come before it.")
            if not self.found.groups:
                self.found.groups.append(Group())
            elif self.found.groups[-1].header is not None:
                raise self.refused(segment, "It stands outside any group.")
        self.message = [segment]

    def close_message(self, segment: Segment) -> None:
        if self.message is None:
            raise self.refused(segment, "It closes a message that was not opened.")
        self.message.append(segment)
        self.agree(self.standard.message, self.message[0], segment, len(self.message))
        self.found.groups[-1].messages.append(self.message)
        self.message = None

    def open_group(self, segment: Segment) -> None:
        self.must_be_closed(segment)
        if self.group is not None:
            raise self.refused(segment, "The group before it is not closed.")
        if self.found.groups and self.found.groups[-1].header is None:
            raise self.refused(segment, "Messages without a group come before it.")
        self.group = Group(segment)
        self.found.groups.append(self.group)

    def close_group(self, segment: Segment) -> None:
        self.must_be_closed(segment)
        if self.group is None or self.group.header is None:
            raise self.refused(segment, "It closes a group that was not opened.")
        count = len(self.group.messages)
        self.agree(self.standard.group, self.group.header, segment, count)
        self.group.trailer = segment
        self.group = None

    def close(self, segment: Segment) -> None:
        self.must_be_closed(segment)
        if self.group is not None:
            raise self.refused(segment, "The group before it is not closed.")
        groups = self.found.groups
        has_groups = self.standard.needs_groups or bool(groups and groups[0].header)
        count = len(groups) if has_groups else len(self.found.messages)
        self.agree(self.standard.interchange, self.found.header, segment, count)
        self.found.trailer = segment

    def finish(self, last: Segment) -> None:
        if self.found.trailer is None:
            trailer = self.standard.interchange.trailer
            raise self.refused(last, f"The file ends here, without {trailer}: it is cut off.")
        if not self.found.messages and not self.found.loose:
            raise self.refused(last, "There is no message in the file.")

    def must_be_closed(self, segment: Segment) -> None:
        if self.message is not None:
            raise self.refused(segment, "The message before it is not closed.")

    def agree(self, pair: Pair, header: Segment, trailer: Segment, count: int) -> None:
        said = trailer.value(1)
        if not (said.isascii() and said.isdigit()) or len(said) > 10 or int(said) != count:
            text = f"Its count does not agree: {count} were found."
            raise self.refused(trailer, text, "count")
        if _plain(header.value(pair.reference)) != _plain(trailer.value(2)):
            text = f"Its reference is not that of its {pair.header}."
            raise self.refused(trailer, text, "reference")

    def refused(self, segment: Segment, text: str, code: str = "structure") -> DocumentRefused:
        return refused(self.standard, segment, text, code)


def _plain(reference: str) -> str:
    """Control numbers are written with and without leading zeros."""
    return reference.lstrip("0") if reference.isdigit() else reference


def with_counts(standard: Standard, segments: Sequence[Segment]) -> list[Segment]:
    """The segments with all their trailers made anew; those that were there are left out."""
    result: list[Segment] = []
    opened: list[tuple[Pair, str, int]] = []  # pair, reference, what it holds so far
    order = (standard.interchange, standard.group, standard.message)

    def close_down_to(level: int) -> None:
        while opened and order.index(opened[-1][0]) >= level:
            pair, reference, count = opened.pop()
            count += pair is standard.message  # its trailer counts too
            result.append(Segment(pair.trailer, [[[str(count)]], [[reference]]]))

    def count_one() -> None:
        if opened:
            pair, reference, count = opened.pop()
            opened.append((pair, reference, count + 1))

    for segment in segments:
        if segment.tag in standard.trailers:
            continue
        level = next((at for at, pair in enumerate(order) if pair.header == segment.tag), None)
        if level is not None:
            close_down_to(level)
            count_one()
            opened.append((order[level], segment.value(order[level].reference), 0))
        if opened and opened[-1][0] is standard.message:
            count_one()
        result.append(segment)
    close_down_to(0)
    return result
