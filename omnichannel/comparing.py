"""What changed between two versions of a template, field by field and language by language."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Field, Model
from django.template.defaultfilters import filesizeformat
from django.utils.text import capfirst

from omnichannel import publishing
from omnichannel.models import TemplateText, TemplateVersion

CONTEXT = 3  # unchanged lines around a change
MOST_LINES = 3_000  # of a field: above that, all of it counts as changed
LONG_LINE = 300  # characters: HTML written in one line is broken between its tags
SAME, REMOVED, ADDED, GAP = "same", "removed", "added", "gap"


@dataclass(frozen=True)
class Line:
    """`old` and `new` are its numbers there, from 1; of a gap, how many lines are left out."""

    kind: str
    text: str = ""
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True)
class Change:
    """One field that differs. `language` is empty for the default text."""

    field: str
    language: str
    lines: tuple[Line, ...]


def compare(old: TemplateVersion, new: TemplateVersion) -> list[Change]:
    """Every field that differs, the default text's first."""
    found = list(_changes(old, new, ""))
    texts = [{text.language: text for text in v.further_texts.values()} for v in (old, new)]
    for language in dict.fromkeys((*texts[0], *texts[1])):
        before = texts[0].get(language, TemplateText())
        after = texts[1].get(language, TemplateText())
        found += _changes(before, after, language)
    return found


def _changes(old: Model, new: Model, language: str) -> Iterator[Change]:
    before, after = publishing.content_of(old), publishing.content_of(new)
    for name, value in before.items():
        if value == after[name] or name in ("position", "language"):
            continue
        column = cast("Field[Any, Any]", old._meta.get_field(name))
        label = capfirst(str(column.verbose_name))
        lines = tuple(changed_lines(_lines(value), _lines(after[name])))
        yield Change(label, language, lines)


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}: {text}" for name, text in value.items()]
    if isinstance(value, list):
        return [_item(item) for item in value]
    text = "" if value is None else str(value)
    if any(len(line) > LONG_LINE for line in text.split("\n")):
        text = text.replace("><", ">\n<")
    return text.split("\n") if text else []


def _item(item: Any) -> str:
    if isinstance(item, Mapping) and "name" in item:
        return f"{item['name']} ({filesizeformat(item.get('size', 0))})"
    return str(item)


def changed_lines(old: list[str], new: list[str]) -> Iterator[Line]:
    """The changed lines with some of those around them; a gap stands for what is left out."""
    if max(len(old), len(new)) > MOST_LINES:
        yield from _replaced(old[:MOST_LINES], new[:MOST_LINES], 0, 0)
        yield Line(GAP, old=max(len(old), len(new)) - MOST_LINES)
        return
    at = 0
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        if group[0][1] > at:
            yield Line(GAP, old=group[0][1] - at)
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                for offset, text in enumerate(old[start:end]):
                    yield Line(SAME, text, start + offset + 1, new_start + offset + 1)
            else:
                yield from _replaced(old[start:end], new[new_start:new_end], start, new_start)
        at = group[-1][2]
    if len(old) > at:
        yield Line(GAP, old=len(old) - at)


def _replaced(old: list[str], new: list[str], start: int, new_start: int) -> Iterator[Line]:
    for number, text in enumerate(old, start + 1):
        yield Line(REMOVED, text, old=number)
    for number, text in enumerate(new, new_start + 1):
        yield Line(ADDED, text, new=number)
