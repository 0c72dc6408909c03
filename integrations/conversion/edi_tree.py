"""EDIFACT and X12 as XML, and back.

    <EDIFACT><UNB><UNB01><UNB0101>UNOA</UNB0101>...</UNB>
      <MESSAGE type="ORDERS" groups="yes"><UNH>...</UNH><BGM>...</BGM>
        <GROUP_1><RFF>...</RFF></GROUP_1> ... <UNT>...</UNT></MESSAGE>
      <UNZ>...</UNZ></EDIFACT>

An element is named after its segment and its place, a component after its place in the element.
What is empty is left out. A repeated element follows itself. The messages of a group (UNG, GS) are
inside FUNCTIONAL_GROUP. A message whose grammar is not known, or that does not fit it, has no
GROUP_n. On the way back counts are computed, so UNT and UNZ (SE, GE, IEA) need not be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from integrations.conversion import edifact, x12
from integrations.conversion.grammars import Node, grammar
from integrations.conversion.segments import (
    EDIFACT,
    MAX_PARTS,
    X12,
    Interchange,
    Segment,
    Standard,
)
from integrations.conversion.xml_reading import parse
from integrations.exceptions import ConversionFailed

Element = Any  # lxml has no types
MAX_TREE = 512 * 1024 * 1024  # bytes of text; memory is limited anyway
STANDARDS = {"EDIFACT": EDIFACT, "X12": X12}
CONTAINER = re.compile(r"(MESSAGE|FUNCTIONAL_GROUP|GROUP_[0-9]+)\Z")
PLACE = re.compile(r"[0-9]{2}\Z")
SEGMENT = re.compile(r"[A-Z][A-Z0-9]{1,2}\Z")


def to_tree(interchange: Interchange) -> tuple[Element, list[str]]:
    """The tree and the warnings about messages that have no groups."""
    text, warnings = text_of(interchange)
    return parsed(text), warnings


def parsed(text: bytes) -> Element:
    return parse(text, most=MAX_TREE)


def text_of(interchange: Interchange) -> tuple[bytes, list[str]]:
    """The tree as XML: a text is parsed much faster than a tree is put together."""
    standard = interchange.standard
    text = [f"<{standard.name}>"]
    warnings: list[str] = []
    for segment in (interchange.header, *interchange.loose):
        _add(text, segment, standard)
    for group in interchange.groups:
        if group.header is not None:
            text.append("<FUNCTIONAL_GROUP>")
            _add(text, group.header, standard)
        for message in group.messages:
            warnings += _add_message(text, message, standard)
        if group.trailer is not None:
            _add(text, group.trailer, standard)
            text.append("</FUNCTIONAL_GROUP>")
    if interchange.trailer is not None:
        _add(text, interchange.trailer, standard)
    text.append(f"</{standard.name}>")
    return "".join(text).encode(), list(dict.fromkeys(warnings))


def _add_message(text: list[str], message: Sequence[Segment], standard: Standard) -> list[str]:
    kind = message_type(message[0], standard)
    rules = grammar(standard.name, kind)
    body = message[1:-1]
    places = None if rules is None else nested(rules, body)
    text.append(f'<MESSAGE type="{kind}" groups="{"no" if places is None else "yes"}">')
    _add(text, message[0], standard)
    if places is None:
        for segment in body:
            _add(text, segment, standard)
    else:
        _add_nested(text, places, body, standard)
    _add(text, message[-1], standard)
    text.append("</MESSAGE>")
    if places is not None:
        return []
    if rules is None:
        return [f"The groups of {kind or 'this message'} are not known: it is shown flat."]
    return [f"A {kind} does not keep to the order of its segments: it is shown flat."]


def _add_nested(
    text: list[str],
    places: Sequence[tuple[int, list[int]]],
    segments: Sequence[Segment],
    standard: Standard,
) -> None:
    opened: list[str] = []  # the ends of the groups that are open
    for (kept, begun), segment in zip(places, segments, strict=True):
        while len(opened) > kept:
            text.append(opened.pop())
        for number in begun:
            text.append(f"<GROUP_{number}>")
            opened.append(f"</GROUP_{number}>")
        _add(text, segment, standard)
    text.extend(reversed(opened))


def nested(rules: Node, segments: Sequence[Segment]) -> list[tuple[int, list[int]]] | None:
    """For each segment: how many open groups stay, and the groups it opens. None: it fits not.

    Each is looked for from where the last one was, in the innermost group first.
    """
    stack: list[tuple[Node, int]] = [(rules, 0)]
    result: list[tuple[int, list[int]]] = []
    for segment in segments:
        opened: list[int] = []
        while stack:
            group, at = stack[-1]
            place = _find(group, at, segment.tag)
            if place is not None:
                break
            stack.pop()
        else:
            return None
        stack[-1] = (group, place)
        kept = len(stack) - 1
        node = group.children[place]
        while node.number:
            opened.append(node.number)
            stack.append((node, 0))
            node = node.children[0]
        if opened:
            group, _ = stack[-1]
            stack[-1] = (group, 1)  # its first segment begins another group
        result.append((kept, opened))
    return result


def _find(group: Node, at: int, tag: str) -> int | None:
    for place in range(at, len(group.children)):
        if group.children[place].first == tag:
            return place
    return None


def message_type(header: Segment, standard: Standard) -> str:
    """ORDERS, 850; only what can be a part of a name."""
    kind = header.value(2) if standard is EDIFACT else header.value(1)
    return kind if re.fullmatch("[A-Z0-9]{1,6}", kind) else ""


def _add(text: list[str], segment: Segment, standard: Standard) -> None:
    tag = segment.tag
    text.append(f"<{tag}>")
    for place, repeats in enumerate(segment.elements, 1):
        for parts in repeats:
            if not any(parts):
                continue
            begin, end, components = _names(tag, place)
            text.append(begin)
            if len(parts) == 1 and not standard.always_components:
                text.append(_written(parts[0]))
            else:
                for part, name in zip(parts, components, strict=False):
                    if part:
                        text.append(f"<{name}>{_written(part)}</{name}>")
            text.append(end)
    text.append(f"</{tag}>")


@lru_cache(maxsize=5_000)
def _names(tag: str, place: int) -> tuple[str, str, tuple[str, ...]]:
    """The begin and the end of an element, and the names of its components."""
    name = f"{tag}{place:02d}"
    components = tuple(f"{name}{number:02d}" for number in range(1, MAX_PARTS + 1))
    return f"<{name}>", f"</{name}>", components


def _written(part: str) -> str:
    return part if part.isalnum() else escape(part).replace("\r", "&#13;")


def write(root: Element) -> bytes:
    """EDIFACT or X12 from such a tree. Raises ConversionFailed that names the element."""
    standard = STANDARDS.get(root.tag)
    if standard is None:
        raise ConversionFailed("The root has to be EDIFACT or X12.", "root", line=_line(root))
    segments = list(_segments(root))
    return edifact.write(segments) if standard is EDIFACT else x12.write(segments)


def _segments(parent: Element) -> Iterator[Segment]:
    waiting = [iter(_elements(parent))]
    while waiting:
        element = next(waiting[-1], None)
        if element is None:
            waiting.pop()
        elif CONTAINER.match(element.tag):
            waiting.append(iter(_elements(element)))
        elif SEGMENT.match(element.tag):
            yield _segment(element)
        else:
            text = f"<{element.tag[:40]}> is neither a segment nor a group."
            raise ConversionFailed(text, "element", line=_line(element))


def _segment(element: Element) -> Segment:
    found: list[list[list[str]]] = []
    for child in _elements(element):
        place = _place(child, element.tag)
        while len(found) < place:
            found.append([])
        found[place - 1].append(_components(child))
    return Segment(element.tag, found)


def _components(element: Element) -> list[str]:
    children = _elements(element) if len(element) else ()
    if not children:
        return [(element.text or "").strip("\r\n\t")]
    parts: list[str] = []
    for child in children:
        place = _place(child, element.tag)
        while len(parts) < place:
            parts.append("")
        parts[place - 1] = child.text or ""
    return parts


def _place(element: Element, parent: str) -> int:
    place = _place_of(element.tag, parent)
    if not place:
        text = f"<{element.tag[:40]}> is not a part of {parent}: write {parent}01, {parent}02."
        raise ConversionFailed(text, "element", line=_line(element))
    return place


@lru_cache(maxsize=5_000)
def _place_of(tag: str, parent: str) -> int:
    """0 for what is no part of its parent."""
    number = tag[len(parent) :]
    return int(number) if tag.startswith(parent) and PLACE.match(number) else 0


def _elements(parent: Element) -> list[Element]:
    return [child for child in parent if isinstance(child.tag, str)]


def _line(element: Element) -> int:
    return element.sourceline or 0
