"""The links of a template's HTML, numbered, and the template with counted ones in their place.

The number of a link is in mails that were sent and is looked up again at a click: all `href`s of
<a> and <area> count, from 1 on, in the order of the source, followed or not. Never change that.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.entities import html5
from urllib.parse import urlsplit

from jinja2 import TemplateSyntaxError, meta, nodes

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.css import CLOSE, MARK, OPEN, REGION, Shield
from omnichannel.rendering.environment import HTML

LINKING = re.compile(r"<(?:a|area)(?=[\s/>])", re.IGNORECASE)
ATTRIBUTE = re.compile(
    f"(?P<mark>{OPEN}\\d+{CLOSE})|(?P<name>[^\\s=>\"'/{OPEN}{CLOSE}]+)"
    r"(?:\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^\s>\"']+))?"
)
LAST_MARK = re.compile(f"{OPEN}(\\d+){CLOSE}$")
WEB = re.compile(r"\s*https?://", re.IGNORECASE)
BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
OUR_OWN = ("unsubscribe_url", "preferences_url")
BLANKS = "\t\n\f\r "  # a browser leaves these out around an address
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
REFERENCE = re.compile(r"&(?:#[0-9]++;?|#[xX][0-9a-fA-F]++;?|[a-zA-Z][a-zA-Z0-9]*+(?:;|(?!=)))")
TEXT_LINKS = 10_000  # so many can be counted in one text; those of the next are numbered on
LONGEST_TARGET = 8_000
PIXEL = '<img src="{}" width="1" height="1" alt="">'


@dataclass(frozen=True, slots=True)
class Link:
    """`source` is what the template has as the href; `start` and `end` where it stands."""

    source: str
    start: int
    end: int
    is_followed: bool


class Page:
    """A template's HTML, or a body that is none (`is_template` False), looked through once."""

    def __init__(self, source: str, *, is_template: bool) -> None:
        self.shield = Shield()
        # Whoever writes our own marks gets none of this.
        is_clear = OPEN not in source and CLOSE not in source
        self.words = self._words(source) if is_template and is_clear else source
        self.assigned = _assigned(source) if is_template else frozenset()
        self.links = tuple(self._find()) if is_clear else ()

    def _words(self, source: str) -> str:
        try:
            return self.shield.words(source)
        except TemplateSyntaxError as error:
            raise TemplateError(error.message or "Not a valid template.") from error

    def rewritten(self, click: Callable[[int], str] | None, pixel: str) -> str:
        """With `click(number)` as the href of each followed link, and an image of `pixel`."""
        changes: list[tuple[int, int, str]] = []
        for number, link in enumerate(self.links, start=1):
            if click is not None and link.is_followed and number < TEXT_LINKS:
                changes.append((link.start, link.end, f'"{click(number)}"'))
        if pixel:
            end = self._end()
            changes.append((end, end, PIXEL.format(pixel)))
        pieces: list[str] = []
        at = 0
        for start, end, text in sorted(changes):
            pieces += (self.words[at:start], text)
            at = end
        return self._shown("".join((*pieces, self.words[at:])))

    def _end(self) -> int:
        """Where the pixel goes: before the last </body>, else behind everything."""
        ends = [
            found.start()
            for found in REGION.finditer(self.words)
            if found["tag"] and BODY_END.match(found["tag"])
        ]
        return ends[-1] if ends else len(self.words)

    def _find(self) -> Iterator[Link]:
        for found in REGION.finditer(self.words):
            if found["tag"] and LINKING.match(found["tag"]):
                yield from self._links_of(found["tag"], found.start())

    def _links_of(self, tag: str, offset: int) -> Iterator[Link]:
        name = LINKING.match(tag)
        attributes = list(ATTRIBUTE.finditer(tag, name.end() if name else 0))
        left_alone = any((found["name"] or "").lower() == "data-no-track" for found in attributes)
        for found in attributes:
            if (found["name"] or "").lower() != "href" or found["value"] is None:
                continue
            value = found["value"]
            value = value[1:-1] if value[0] in "\"'" else value
            start, end = found.span("value")
            yield Link(
                source=self._shown(value),
                start=offset + start,
                end=offset + end,
                is_followed=not left_alone
                and self._stands_alone(tag, found.start())
                and self._can_follow(value),
            )

    def _stands_alone(self, tag: str, start: int) -> bool:
        """Not the second half of a name such as data-{{ x }}href."""
        before = LAST_MARK.search(tag[:start])
        return before is None or not self.shield.tags[int(before[1])].startswith("{{")

    def _can_follow(self, value: str) -> bool:
        """It leads into the web as far as can be seen, and can be resolved by itself later."""
        tags = [self.shield.tags[int(found[1])] for found in MARK.finditer(value)]
        if any(name in tag for tag in tags for name in OUR_OWN):
            return False
        constant = MARK.sub("", value)
        is_web = bool(WEB.match(constant)) and not FORBIDDEN.search(constant.strip(BLANKS))
        if tags and value.lstrip().startswith(OPEN):
            is_web = is_web or tags[0].startswith("{{")
        if not is_web or not tags:
            return is_web
        try:
            tree = HTML.tree(self._shown(value))
        except TemplateError:
            return False
        return not meta.find_undeclared_variables(tree) & self.assigned

    def _shown(self, words: str) -> str:
        if not self.shield.tags:
            return words
        return MARK.sub(lambda found: self.shield.tags[int(found[1])], words)


def _assigned(source: str) -> frozenset[str]:
    """Names that have a value in a part of the template only: of loops and of {% set %}."""
    names = HTML.tree(source).find_all(nodes.Name)
    return frozenset({"loop", *(name.name for name in names if name.ctx == "store")})


def counted(
    source: str, *, is_template: bool, open_url: str, click_url: str, first: int = 0
) -> str:
    """The source with an image of `open_url`, and `click_url` and its number for each link.

    Either is left out when it is empty. In a template the URLs may have tags in them. Links are
    numbered from `first` + 1.
    """
    page = Page(source, is_template=is_template)
    click = (lambda number: f"{click_url}{first + number}") if click_url else None
    return page.rewritten(click, open_url)


def followed(source: str, number: int, *, is_template: bool) -> str | None:
    """What the source has as the href of the link with this number, when that is followed."""
    links = Page(source, is_template=is_template).links
    if not 1 <= number <= len(links) or not links[number - 1].is_followed:
        return None
    return links[number - 1].source


def hrefs(source: str) -> list[str]:
    """What the template has as the href of each link, in the order of their numbers."""
    links = Page(source, is_template=True).links
    return [REFERENCE.sub(_referred, link.source) for link in links]


def safe_target(href: str) -> str:
    """An attribute's text as the web address it means; empty unless a browser may be sent there."""
    return web_address(REFERENCE.sub(_referred, href).strip(BLANKS))


def web_address(target: str) -> str:
    """The same text, or empty when a browser may not be sent there."""
    if FORBIDDEN.search(target) or len(target) > LONGEST_TARGET or not WEB.match(target):
        return ""
    try:
        return target if urlsplit(target).hostname else ""
    except ValueError:
        return ""


def _referred(found: re.Match[str]) -> str:
    """A character reference in an attribute: in "?a=1&copy=2" there is none (HTML 13.2.5.73)."""
    text = found[0]
    return html.unescape(text) if text[1] == "#" else html5.get(text[1:], text)
