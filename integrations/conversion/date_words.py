"""Dates as partners write them: yyyyMMdd, dd.MM.yyyy HH:mm."""

from __future__ import annotations

import datetime
import re

from integrations.exceptions import ConversionFailed, RuleInvalid

WORDS = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "DDD": "%j", "HH": "%H", "mm": "%M",
    "ss": "%S",
}  # fmt: skip
PARTS = re.compile(r"yyyy|yy|MM|dd|HH|mm|ss|DDD|T|[A-Za-z]+|[^A-Za-z]+")
LONGEST = 40
# What documents hold most often, by length and form; tried in this order.
USUAL = ("yyyy-MM-dd", "yyyyMMdd", "yyyyMMddHHmm", "yyyyMMddHHmmss", "yyMMdd", "dd.MM.yyyy")


def strftime_format(words: str, code: str = "format") -> str:
    """Raises RuleInvalid for letters that mean nothing."""
    if len(words) > LONGEST:
        raise RuleInvalid(f"A date format has {LONGEST} characters at most.", code)
    result = ""
    for part in PARTS.findall(words):
        if part.isalpha() and part not in WORDS and part != "T":
            raise RuleInvalid(f"A date format is made of {', '.join(WORDS)}.", code)
        result += WORDS.get(part, part.replace("%", "%%"))
    return result


def moment_of(text: str, words: str = "") -> datetime.datetime:
    """Without `words`, ISO 8601 or one of the usual forms. Raises ConversionFailed."""
    if not words:
        try:
            return datetime.datetime.fromisoformat(text)
        except ValueError:
            pass
    for form in (words,) if words else USUAL:
        try:
            return datetime.datetime.strptime(text, strftime_format(form))
        except ValueError:
            continue
    wanted = words or 'a usual form: say which with "from"'
    raise ConversionFailed(f"A date does not have the form {wanted}.", "date")


def rewritten(text: str, source: str, target: str) -> str:
    return moment_of(text, source).strftime(strftime_format(target))
