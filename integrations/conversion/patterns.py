"""The matching patterns of rules: RE2, which takes no longer for a trap than for a word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import re2

from integrations.exceptions import RuleInvalid

LONGEST = 1_000  # characters of a pattern
CONTENT = 1_048_576  # bytes of a document that a pattern sees
MEMORY = 8 * 1024 * 1024
SOURCES = ("name", "content", "attribute")
LOOK_AROUND = re.compile(r"\(\?(?:[=!]|<[=!])")
BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]|\(\?P=")


def check_pattern(pattern: str, source: str = "name") -> None:
    """Raises RuleInvalid that says what RE2 does not have."""
    if source not in SOURCES:
        raise RuleInvalid(f"A pattern looks at {', '.join(SOURCES)}.", "pattern")
    if source == "attribute":
        _, pattern = _attribute(pattern)
    _compiled(pattern)


def matches(
    pattern: str,
    source: str,
    *,
    name: str = "",
    content: bytes = b"",
    attributes: Mapping[str, str] | None = None,
) -> bool:
    """Does it match anywhere in the file's name, its content, or one transport attribute?

    For an attribute the pattern is KEY==regex. Content is read as UTF-8, else Latin-1. An empty
    pattern matches everything. Raises RuleInvalid.
    """
    if not pattern:
        return True
    check_pattern(pattern, source)
    if source == "attribute":
        key, pattern = _attribute(pattern)
        found = {each.lower(): value for each, value in (attributes or {}).items()}
        return key.lower() in found and bool(_compiled(pattern).search(found[key.lower()]))
    return bool(_compiled(pattern).search(name if source == "name" else _text(content)))


def _text(content: bytes) -> str:
    head = content[:CONTENT]
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        if len(content) > CONTENT and error.start > len(head) - 4:  # a character was cut in two
            return head[: error.start].decode()
        return head.decode("latin-1")


def _attribute(pattern: str) -> tuple[str, str]:
    key, separator, rest = pattern.partition("==")
    if not separator or not key.strip():
        raise RuleInvalid("A pattern for an attribute is KEY==regex.", "pattern")
    return key.strip(), rest


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise RuleInvalid(f"A pattern has {LONGEST:,} characters at most.", "pattern")
    if LOOK_AROUND.search(pattern):
        raise RuleInvalid(
            "Look-around, (?=...) or (?<!...), is not possible: match the text itself.", "pattern"
        )
    if BACK_REFERENCE.search(pattern):
        raise RuleInvalid(
            "Back-references such as \\1 are not possible: write the text out.", "pattern"
        )
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise RuleInvalid(f"The pattern cannot be used: {said}.", "pattern") from error
