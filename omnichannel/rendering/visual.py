"""A template's HTML as the visual editor may have it, and what it must give back as it was.

The editor rebuilds whatever it is given: it drops what it does not know, closes what is open and
escapes text. So it sees the body only; comments, styles and whatever else is not for the eye are
comments with a number to it, and so are Jinja tags between the rows of a table. Tags elsewhere in
the text stay readable; those in attributes hide the attribute. `static/studio/visual_editor.js`
puts everything back.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.css import CLOSE, MARK, OPEN, REGION, Shield
from omnichannel.rendering.environment import HTML

MAX_SOURCE = 500_000  # characters
NAME = re.compile(r"</?([^\s/>]+)")
STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
# Void elements that load something, or lead somewhere.
NOT_SHOWN = frozenset({"base", "embed", "link", "meta", "!doctype"})
STRUCTURE = frozenset({"colgroup", "table", "tbody", "tfoot", "thead", "tr"})
CELLS = frozenset({"caption", "td", "th"})
ATTRIBUTE = re.compile(
    r"\s+(?P<name>[^\s=>\"'/]+)(?:\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^\s>\"']+))?"
)
KEPT = re.compile(r"<!--kept (\d+)-->")
AT_START = re.compile(r"(?:\s|<!--kept \d+-->)*")
EDGE = re.compile(r"<(/?(?:body|head|html)|!doctype)(?=[\s/>])", re.IGNORECASE)
STARTS = ("body", "/head", "html", "!doctype")
ENDS = ("/body", "/html")
VALUE = re.compile(r"=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>\"']+)")
AWAY = re.compile("\ue002(\\d+)\ue003")
BARE = re.compile(f"\\S*{OPEN}\\d+{CLOSE}(?:.*{OPEN}\\d+{CLOSE})?[^\\s>/]*", re.DOTALL)
READABLE = frozenset({"alt", "href", "title"})


class Shown:
    """`kept[n]` stands where the body has `<!--kept n-->` or the attribute `data-kept-n`."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_SOURCE or any(mark in source for mark in "\ue000\ue001\ue002"):
            raise TemplateError("The HTML is too large for the visual editor.")
        self.shield = Shield()
        self.kept: list[str] = []
        self.inside: list[str] = []
        words = self.shield.words(source)
        start, end = _body(words)
        self.css = "\n".join(STYLE.findall(MARK.sub("", words)))
        body = REGION.sub(self.region, words[start:end])
        # A parser would move what stands at the edges out of the body.
        found = AT_START.match(body)
        first = found.end() if found else 0
        self.body = body[first:].rstrip()
        self.before = self.plain(words[:start]) + self.restored(body[:first])
        self.after = body[first:][len(self.body) :] + self.plain(words[end:])

    def plain(self, words: str) -> str:
        """The words with the Jinja tags themselves."""
        return MARK.sub(lambda found: self.shield.tags[int(found[1])], words)

    def restored(self, body: str) -> str:
        return KEPT.sub(lambda found: self.kept[int(found[1])], body)

    def keep(self, words: str) -> int:
        self.kept.append(self.plain(words))
        return len(self.kept) - 1

    def region(self, found: re.Match[str]) -> str:
        if found["kept"]:
            return f"<!--kept {self.keep(found[0])}-->"
        return self.tag(found["tag"]) if found["tag"] else self.mark(found["mark"])

    def mark(self, mark: str) -> str:
        if self.inside and self.inside[-1] in STRUCTURE:
            return f"<!--kept {self.keep(mark)}-->"
        return html.escape(self.plain(mark), quote=False)

    def tag(self, tag: str) -> str:
        found = NAME.match(tag)
        name = found[1].lower() if found else ""
        if OPEN in name:
            raise TemplateError("A Jinja tag in the name of an element cannot be shown.")
        if name in NOT_SHOWN or tag.startswith(("<!", "<?")):
            return f"<!--kept {self.keep(tag)}-->"
        self.walk(name, tag)
        if tag.startswith("</"):
            return tag
        head = found[0] if found else ""
        return head + self.attributes(tag[len(head) :])

    def walk(self, name: str, tag: str) -> None:
        """Follow whether text stands in a cell or between cells."""
        if name not in STRUCTURE | CELLS:
            return
        if not tag.startswith("</"):
            self.inside.append(name)
        elif name in self.inside:
            while self.inside.pop() != name:
                pass

    def attributes(self, text: str) -> str:
        """With a number for each attribute that cannot be shown, and for bare tags among them."""
        return _outside_values(text, lambda bare: f"data-kept-{self.keep(bare)}", self.quoted)

    def quoted(self, text: str) -> str:
        return ATTRIBUTE.sub(self.attribute, text)

    def attribute(self, found: re.Match[str]) -> str:
        name, value = found["name"].lower(), found["value"] or ""
        if name.startswith("data-kept-") and not value:
            return found[0]
        is_hidden = OPEN in value and name not in READABLE
        if is_hidden or OPEN in name or name.startswith(("on", "data-kept")):
            return f" data-kept-{self.keep(found[0].strip())}"
        if OPEN not in value:
            return found[0]
        quote = value[0] if value[0] in "\"'" else ""
        shown = MARK.sub(lambda mark: html.escape(self.plain(mark[0])), value.strip(quote or None))
        return f' {name}="{shown}"' if quote != "'" else f" {name}='{shown}'"


def _outside_values(text: str, hide: Callable[[str], str], rest: Callable[[str], str]) -> str:
    """`hide` for whatever has a bare mark in a start tag, `rest` for all that is left."""
    values: list[str] = []

    def away(found: re.Match[str]) -> str:
        values.append(found[0])
        return f"\ue002{len(values) - 1}\ue003"

    def back(words: str) -> str:
        return AWAY.sub(lambda found: values[int(found[1])], words)

    # An attribute's value, quoted or not, is no bare place.
    hidden = VALUE.sub(away, text)
    if OPEN in hidden:
        hidden = BARE.sub(lambda found: hide(back(found[0])), hidden)
    return rest(back(hidden))


def _body(words: str) -> tuple[int, int]:
    """Where the content of the body starts and ends."""
    places: dict[str, tuple[int, int]] = {}
    for found in REGION.finditer(words):
        edge = EDGE.match(found["tag"] or "")
        if edge:
            name = edge[1].lower()
            if name in ENDS or name not in places:
                places[name] = found.span()
    start = next((places[edge][1] for edge in STARTS if edge in places), 0)
    end = next((places[edge][0] for edge in ENDS if edge in places), len(words))
    return start, max(start, end)


def shown(source: str) -> dict[str, Any]:
    """{"before", "body", "after", "kept", "css"}. Raises TemplateError."""
    try:
        HTML.tree(source)  # an unfinished tag would be lost
    except TemplateError as error:
        error.part = "html"
        raise
    found = Shown(source)
    return {
        "before": found.before,
        "body": found.body,
        "after": found.after,
        "kept": found.kept,
        "css": found.css,
    }
