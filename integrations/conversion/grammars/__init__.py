"""Which segments belong to which group, for the messages we know.

A grammar is a text: tags in their order, a group in parentheses with its number before it. Each
segment and group may be absent and may be repeated; a group begins with its first segment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from integrations.conversion.grammars.edifact_d96a import D96A
from integrations.conversion.grammars.x12_004010 import V4010

WORDS = re.compile(r"(\d+)\(|\)|[A-Z][A-Z0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Node:
    """A segment, or a group when it has a number; `first` is the tag that it begins with."""

    first: str
    number: int = 0
    children: tuple[Node, ...] = field(default=())


@lru_cache(maxsize=32)
def grammar(standard: str, message_type: str) -> Node | None:
    """The message as one group, without its header and trailer."""
    source = (D96A if standard == "EDIFACT" else V4010).get(message_type)
    return _parsed(source) if source else None


def _parsed(source: str) -> Node:
    stack: list[tuple[int, list[Node]]] = [(0, [])]
    for match in WORDS.finditer(source):
        word = match.group()
        if match.group(1):
            stack.append((int(match.group(1)), []))
        elif word == ")":
            number, children = stack.pop()
            stack[-1][1].append(Node(children[0].first, number, tuple(children)))
        else:
            stack[-1][1].append(Node(word))
    return Node("", 0, tuple(stack[0][1]))
