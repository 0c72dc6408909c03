"""Names of files: made from a pattern, or come from outside and made safe."""

from __future__ import annotations

import datetime
import re
import secrets
import unicodedata
from collections.abc import Mapping

from integrations.conversion.date_words import strftime_format
from integrations.exceptions import RuleInvalid

MAX_BYTES = 120
EMPTY = "filename_empty"
FORBIDDEN = re.compile(r'[/\\:?*<>|"\x00-\x1f\x7f]')
TOKEN = re.compile(r'\{(?:(\w+)(?: ([^{}]{1,40}))?|"([^"{}]{1,200})" ?: ?"([^"{}]{1,200})")\}')
PLAIN = ("mailboxUuid", "envelopeUuid", "templateUuid", "randomNumber")


def check_pattern(pattern: str) -> None:
    """Raises RuleInvalid for a pattern that could not make a name."""
    if not pattern.strip() or len(pattern) > 300:
        raise RuleInvalid("A naming pattern has 1 to 300 characters.", "naming_pattern")
    for match in TOKEN.finditer(pattern):
        word, argument = match.group(1), match.group(2)
        if word == "date":
            _date_format(argument or "yyyyMMdd")
        elif word and (word not in PLAIN or argument):
            known = ", ".join(f"{{{each}}}" for each in PLAIN)
            text = f'There is no {{{word}}}: write {known}, {{date yyyyMMdd}} or {{"id":"field"}}.'
            raise RuleInvalid(text, "naming_pattern")
    rest = TOKEN.sub("", pattern)
    if found := FORBIDDEN.search(rest):
        raise RuleInvalid(f"A name may not have the character {found[0]!r}.", "naming_pattern")
    if "{" in rest or "}" in rest:
        raise RuleInvalid("A brace is not closed, or holds no known token.", "naming_pattern")


def name_for(
    pattern: str,
    values: Mapping[str, str],
    fields: Mapping[str, str],
    at: datetime.datetime,
) -> str:
    """The name that a pattern makes, always safe.

    `values` are mailboxUuid, envelopeUuid and templateUuid. `fields` are the envelope's; one of
    a certain document may be named "document/field" and comes first. When the pattern has field
    tokens and all of them are empty, they read as "filename_empty".
    """
    tokens = [match for match in TOKEN.finditer(pattern) if match.group(4)]
    found = {match.group(): _field(match, fields) for match in tokens}
    is_empty = bool(found) and not any(found.values())

    def value(match: re.Match[str]) -> str:
        if match.group(4):
            if is_empty:
                return EMPTY if match.group() == tokens[0].group() else ""
            return found[match.group()]
        return _plain(match, values, at)

    return safe_name(TOKEN.sub(value, pattern), EMPTY)


def _field(match: re.Match[str], fields: Mapping[str, str]) -> str:
    document, name = match.group(3), match.group(4)
    text = fields.get(f"{document}/{name}") or fields.get(name, "")
    return FORBIDDEN.sub("_", text.strip())


def _plain(match: re.Match[str], values: Mapping[str, str], at: datetime.datetime) -> str:
    word = match.group(1)
    if word == "randomNumber":
        return str(secrets.randbelow(10**10)).zfill(10)
    if word == "date":
        return at.strftime(_date_format(match.group(2) or "yyyyMMdd"))
    return FORBIDDEN.sub("_", values.get(word, ""))


def _date_format(words: str) -> str:
    result = strftime_format(words, "naming_pattern")
    if FORBIDDEN.search(result):
        raise RuleInvalid("A date format may not have / \\ : ? * < > | in it.", "naming_pattern")
    return result


def safe_name(raw: str, fallback: str = "file") -> str:
    """The last part of a path, of letters, digits and a few signs, at most 120 bytes long."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", raw[-1_000:])[-1])
    name = "".join(character if _is_allowed(character) else "_" for character in name)
    name = re.sub(r"\s+", " ", name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not dot or not 0 < len(ending) <= 10 or not stem.strip(" ._"):
        stem, dot, ending = name, "", ""
    if not stem.strip(" ._"):
        stem = fallback
    return _cut(stem, MAX_BYTES - len((dot + ending).encode())).rstrip(" .") + dot + ending


def _is_allowed(character: str) -> bool:
    # Letters, digits and marks of any script: no controls, no signs that change the direction.
    return character in "-_.,+=@()[]#&! " or unicodedata.category(character)[0] in "LNM"


def _cut(text: str, length: int) -> str:
    return text.encode()[:length].decode("utf-8", "ignore")


def with_time(name: str, at: datetime.datetime) -> str:
    """Another name for a file when there is one with that name: the moment comes before its end."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    suffix = f"-{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}{dot}{ending}"
    return _cut(stem, MAX_BYTES - len(suffix.encode())) + suffix
