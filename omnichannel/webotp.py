"""The last line of an SMS from which browsers fill a one-time code in: @example.com #123456

The format is WICG's "Origin-bound one-time codes delivered via SMS": the site for which the code
is, on a line of its own at the very end, so that no other site gets it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from omnichannel.version_content import fault

_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
_LINE = re.compile(rf"@(?P<host>{_HOST}) #(?P<code>[^\s#@%]+)(?: @(?P<embedded>{_HOST}))?")
# What is meant to be one, in whatever way it is wrong.
_MEANT = re.compile(r"\s*@[^\s@]+\s*#")


class LastLine(NamedTuple):
    host: str
    code: str


def last_line(host: str, code: str) -> str:
    return f"@{host} #{code}"


def read(text: str) -> LastLine | None:
    """As a browser reads the message."""
    found = _LINE.fullmatch(text.split("\n")[-1])
    return LastLine(found["host"], found["code"]) if found else None


def check(text: str) -> None:
    """The text as it is sent. Raises TemplateError when browsers would not find what is meant."""
    lines = text.split("\n")
    meant = [line for line in lines if _MEANT.match(line)]
    if not meant:
        return
    if len(meant) > 1 or not _MEANT.match(lines[-1]):
        raise fault(
            "text", "The line @domain #code must be the last one, once, with nothing behind it."
        )
    if read(text) is None:
        raise fault(
            "text",
            "Browsers read the last line only as @example.com #123456: a domain, one blank, "
            "the code, and nothing else.",
        )
