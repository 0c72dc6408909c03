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
from typing import Any

from lxml import etree

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
from integrations.exceptions import ConversionFailed

Element = Any  # lxml has no types
STANDARDS = {"EDIFACT": EDIFACT, "X12": X12}
CONTAINER = re.compile(r"(MESSAGE|FUNCTIONAL_GROUP|GROUP_[0-9]+)\Z")
SEGMENT = re.compile(r"[A-Z][A-Z0-9]{1,2}\Z")


def to_tree(interchange: Interchange) -> tuple[Element, list[str]]:
    """The tree and the warnings about messages that have no groups."""
    standard = interchange.standard
    root = etree.Element(standard.name)
    warnings: list[str] = []
    for segment in (interchange.header, *interchange.loose):
        _add(root, segment, standard)
    for group in interchange.groups:
        place = root
        if group.header is not None:
            place = etree.SubElement(root, "FUNCTIONAL_GROUP")
            _add(place, group.header, standard)
        for message in group.messages:
            warnings += _add_message(place, message, standard)
        if group.trailer is not None:
            _add(place, group.trailer, standard)
    if interchange.trailer is not None:
        _add(root, interchange.trailer, standard)
    return root, list(dict.fromkeys(warnings))


def _add_message(parent: Element, message: Sequence[Segment], standard: Standard) -> list[str]:
    kind = message_type(message[0], standard)
    found = etree.SubElement(parent, "MESSAGE", type=kind)
    _add(found, message[0], standard)
    rules = grammar(standard.name, kind)
    places = None if rules is None else nested(rules, message[1:-1])
    if places is None:
        for segment in message[1:-1]:
            _add(found, segment, standard)
    else:
        _add_nested(found, places, message[1:-1], standard)
    found.set("groups", "no" if places is None else "yes")
    _add(found, message[-1], standard)
    if places is not None:
        return []
    if rules is None:
        return [f"The groups of {kind or 'this message'} are not known: it is shown flat."]
    return [f"A {kind} does not keep to the order of its segments: it is shown flat."]


def _add_nested(
    root: Element,
    places: Sequence[tuple[int, list[int]]],
    segments: Sequence[Segment],
    standard: Standard,
) -> None:
    stack = [root]
    for (kept, opened), segment in zip(places, segments, strict=True):
        del stack[kept + 1 :]
        for number in opened:
            stack.append(etree.SubElement(stack[-1], f"GROUP_{number}"))
        _add(stack[-1], segment, standard)


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


def _add(parent: Element, segment: Segment, standard: Standard) -> None:
    found = etree.SubElement(parent, segment.tag)
    for place, repeats in enumerate(segment.elements, 1):
        name = f"{segment.tag}{place:02d}"
        for parts in repeats:
            if not any(parts):
                continue
            element = etree.SubElement(found, name)
            if len(parts) == 1 and not standard.always_components:
                element.text = parts[0]
                continue
            for number, part in enumerate(parts, 1):
                if part:
                    etree.SubElement(element, f"{name}{number:02d}").text = part


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
        found += [[] for _ in range(place - len(found))]
        found[place - 1].append(_components(child))
    return Segment(element.tag, found)


def _components(element: Element) -> list[str]:
    children = list(_elements(element))
    if not children:
        return [(element.text or "").strip("\r\n\t")]
    parts: list[str] = []
    for child in children:
        place = _place(child, element.tag)
        parts += [""] * (place - len(parts))
        parts[place - 1] = child.text or ""
    return parts


def _place(element: Element, parent: str) -> int:
    number = element.tag[len(parent) :]
    is_place = element.tag.startswith(parent) and len(number) == 2 and number.isdecimal()
    if not is_place or not 1 <= int(number) <= MAX_PARTS:
        text = f"<{element.tag[:40]}> is not a part of {parent}: write {parent}01, {parent}02."
        raise ConversionFailed(text, "element", line=_line(element))
    return int(number)


def _elements(parent: Element) -> list[Element]:
    return [child for child in parent if isinstance(child.tag, str)]


def _line(element: Element) -> int:
    return element.sourceline or 0
