"""Which of a template's texts a recipient gets: by the language that their data names.

Tags are those of BCP 47; they are matched as RFC 4647 looks them up: pt-BR, then pt, then the
default text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from omnichannel.exceptions import TemplateError

FIELDS = ("language", "locale", "lang")  # of the recipient's data: the first that is filled
LONGEST = 35  # characters, as RFC 5646 advises
DEFAULT = "default"  # how the default text is called beside the tags
TAG = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{1,8})*")
# What systems write behind a tag: pt_BR.UTF-8, de_DE@euro, "pt-BR,pt;q=0.9".
_BEHIND = re.compile(r"[.@,;\s].*", re.DOTALL)


def tag_of(text: str) -> str:
    """The tag in its usual form: "PT_br" is pt-BR. Raises TemplateError."""
    tag = text.strip().replace("_", "-")
    if not TAG.fullmatch(tag) or len(tag) > LONGEST:
        raise TemplateError(f"“{text[:40]}” is not a language: write a tag such as pt or pt-BR.")
    first, *rest = tag.lower().split("-")
    return "-".join((first, *map(_written, rest)))


def _written(part: str) -> str:
    if len(part) == 2:
        return part.upper()  # a region
    return part.title() if len(part) == 4 and part.isalpha() else part  # a script


def chain(tag: str) -> list[str]:
    """The tags to look for, in lower case: zh-hant-tw, zh-hant, zh."""
    parts = tag.lower().split("-")
    found = []
    while parts:
        found.append("-".join(parts))
        parts.pop()
        if parts and len(parts[-1]) == 1:  # introduces what was just taken away
            parts.pop()
    return found


def wanted(values: Mapping[str, Any]) -> str:
    """The language that a recipient's data names, as it is written there; empty: none."""
    for field in FIELDS:
        value = values.get(field)
        if value and isinstance(value, str):
            return value[:80]
    event = values.get("event")
    if not isinstance(event, dict):
        return ""
    return wanted({field: event.get(field) for field in FIELDS})


@lru_cache(maxsize=10_000)
def choose(written: str, offered: tuple[str, ...]) -> int:
    """The position (from 1) of the text for what `written` says; 0: the default text."""
    tag = _BEHIND.sub("", written.strip().replace("_", "-"))
    places = {name.lower(): place for place, name in enumerate(offered, 1)}
    return next((places[name] for name in chain(tag) if name in places), 0)


def position_for(offered: tuple[str, ...], values: Mapping[str, Any]) -> int:
    """Which text a message with these values gets."""
    return choose(wanted(values), offered) if offered else 0


def name_at(offered: Sequence[str], position: int) -> str:
    return offered[position - 1] if position else DEFAULT
