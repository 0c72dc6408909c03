"""One part of a message (its subject, HTML or text), compiled, and filled in the shortest way.

Most templates only name variables: `{{ first_name }}`, `{{ city|default("your city") }}`. These
are filled in without running Jinja. Everything else is left to Jinja, and so is every value that
is missing or too long: its errors say where.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from jinja2 import StrictUndefined, Template, nodes
from markupsafe import escape

from omnichannel.rendering.environment import MAX_OUTPUT, Language, run_in_pieces
from omnichannel.rendering.filters import default

MAX_PIECES = 500
SPECIAL = re.compile("[&<>\"']")
NO_DEFAULT = object()


class Slot(NamedTuple):
    """Where a value goes: ("global", "company_name") and what stands there when it is empty."""

    path: tuple[str, ...]
    fallback: Any = NO_DEFAULT


class Part:
    """Raises TemplateError for a source that `check` has not passed."""

    def __init__(self, language: Language, source: str) -> None:
        self.language = language
        self.template: Template = language.load(source)
        pieces = plain_pieces(language.tree(source))
        self.is_plain = pieces is not None
        self._constants = [piece if isinstance(piece, str) else "" for piece in pieces or ()]
        self._places: dict[Slot, list[int]] = {}
        for at, piece in enumerate(pieces or ()):
            if isinstance(piece, Slot):
                self._places.setdefault(piece, []).append(at)

    def fill(self, names: Mapping[str, Any]) -> list[str]:
        """The part in pieces, its constant ones being the same objects in every message.

        Raises TemplateError.
        """
        pieces = self._filled(names) if self.is_plain else None
        return run_in_pieces(self.template, names) if pieces is None else pieces

    def _filled(self, names: Mapping[str, Any]) -> list[str] | None:
        pieces = self._constants.copy()
        for slot, places in self._places.items():
            value = self._value(names, slot)
            if isinstance(value, StrictUndefined):
                return None
            text = self._written(value)
            for at in places:
                pieces[at] = text
        return pieces if sum(map(len, pieces)) <= MAX_OUTPUT else None

    def _value(self, names: Mapping[str, Any], slot: Slot) -> Any:
        first, *rest = slot.path
        value = names[first] if first in names else self.language.undefined(name=first)
        for attribute in rest:
            value = self.language.getattr(value, attribute)
        return value if slot.fallback is NO_DEFAULT else default(value, slot.fallback)

    def _written(self, value: Any) -> str:
        text = "" if value is None else str(value)
        return str(escape(text)) if self.language.autoescape and SPECIAL.search(text) else text


def plain_pieces(tree: nodes.Template) -> list[str | Slot] | None:
    """The pieces of a template that only names variables; None for any other."""
    found: list[str | Slot | None] = []
    for node in tree.body:
        if not isinstance(node, nodes.Output):
            return None
        found.extend(map(_piece, node.nodes))
    pieces = [piece for piece in found if piece is not None]
    return pieces if len(pieces) == len(found) <= MAX_PIECES else None


def _piece(node: nodes.Node) -> str | Slot | None:
    if isinstance(node, nodes.TemplateData):
        return str(node.data)
    if isinstance(node, nodes.Filter):
        return _with_default(node)
    path = _path(node)
    return Slot(path) if path else None


def _with_default(node: nodes.Filter) -> Slot | None:
    path = _path(node.node) if node.node is not None else ()
    if not path or node.name not in ("default", "d") or node.kwargs or len(node.args) > 1:
        return None
    fallback = node.args[0] if node.args else nodes.Const("")
    return Slot(path, fallback.value) if isinstance(fallback, nodes.Const) else None


def _path(node: nodes.Node) -> tuple[str, ...]:
    """("global", "company_name"); empty for what is no plain name."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before = _path(node.node)
        return (*before, node.attr) if before else ()
    return ()
