"""MJML compiled to HTML, with its Jinja tags and its HTML kept out of the compiler's sight.

The compiler (mrml) drops what it does not know and closes what is left open, so the source is
read here first: what is wrong is said with its line. See documentation.mjml.io for the elements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.css import Shield

MAX_ELEMENTS = 3_000
HEAD = frozenset(
    {"mj-attributes", "mj-breakpoint", "mj-font", "mj-preview", "mj-raw", "mj-style", "mj-title"}
)
CONTENT = frozenset(
    {"mj-accordion", "mj-button", "mj-carousel", "mj-divider", "mj-image", "mj-navbar"}
    | {"mj-raw", "mj-social", "mj-spacer", "mj-table", "mj-text"}
)
INSIDE: dict[str, frozenset[str]] = {
    "": frozenset({"mjml"}),
    "mjml": frozenset({"mj-head", "mj-body"}),
    "mj-head": HEAD,
    "mj-body": frozenset({"mj-wrapper", "mj-section", "mj-hero", "mj-raw"}),
    "mj-wrapper": frozenset({"mj-section", "mj-hero", "mj-raw"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": CONTENT,
    "mj-hero": CONTENT,
    "mj-social": frozenset({"mj-social-element"}),
    "mj-navbar": frozenset({"mj-navbar-link"}),
    "mj-carousel": frozenset({"mj-carousel-image"}),
    "mj-accordion": frozenset({"mj-accordion-element"}),
    "mj-accordion-element": frozenset({"mj-accordion-title", "mj-accordion-text"}),
}
# What stands in these is HTML, and none of the compiler's business.
OPAQUE = frozenset(
    {"mj-accordion-text", "mj-accordion-title", "mj-button", "mj-navbar-link", "mj-preview"}
    | {"mj-raw", "mj-social-element", "mj-style", "mj-table", "mj-text", "mj-title"}
)
KNOWN = frozenset().union(*INSIDE.values()) | {"mj-all", "mj-class"}
VERBATIM = frozenset({"alt", "href", "src", "title"})
RAW_HERE = frozenset(name for name, inside in INSIDE.items() if "mj-raw" in inside)
TAG = re.compile(
    r"<!--.*?-->|<(?P<close>/?)(?P<name>mj[\w-]*)"
    r"(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^'\">])*)>",
    re.DOTALL,
)
ATTRIBUTE = re.compile(r"\s+([\w:-]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
INNER = re.compile(r"<mj[\w-]*")
PLACE = re.compile(r" in (?:root template|.{0,80}) at position (\d+):\d+$|(?: in root template)?$")


class Marks(Shield):
    """A plain word of letters and digits for whatever is hidden: any other is escaped."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.start = "jinja"
        while self.start in source:
            self.start += "q"
        self.pattern = re.compile(f"{self.start}(\\d+)end")

    def mark(self, tag: str) -> str:
        self.tags.append(tag)
        return f"{self.start}{len(self.tags) - 1}end"

    def restore(self, text: str) -> str:
        """Put back what was hidden; that may itself hold marks."""
        while self.pattern.search(text):
            text = self.pattern.sub(lambda found: self.tags[int(found[1])], text)
        return text


@dataclass(frozen=True, slots=True)
class Open:
    name: str
    at: int


class Source:
    """One MJML source on its way to the compiler. `prepared` raises TemplateError."""

    def __init__(self, source: str) -> None:
        self.marks = Marks(source)
        self.words = self.marks.words(source)
        self.open: list[Open] = [Open("", 0)]
        self.count = 0

    def prepared(self) -> str:
        """What the compiler is given."""
        pieces: list[str] = []
        at = 0
        while found := TAG.search(self.words, at):
            pieces += (self.gap(self.words[at : found.start()], at), self.tag(found))
            at = found.end()
            if self.open[-1].name in OPAQUE:
                content, at = self.hidden(at)
                pieces.append(content)
        pieces.append(self.gap(self.words[at:], at))
        if len(self.open) > 1:
            raise self.error(f"<{self.open[-1].name}> is not closed", self.open[-1].at)
        if not self.count:
            raise self.error("MJML begins with <mjml>", 0)
        return "".join(pieces)

    def gap(self, text: str, at: int) -> str:
        """What stands between two elements: blanks and Jinja tags only."""
        parent = self.open[-1].name
        rest = self.marks.pattern.sub("", text).strip()
        if rest:
            where = f"in <{parent}>" if parent else "outside <mjml>"
            said = self.marks.restore(rest)[:30]
            at += text.index(rest[0])
            raise self.error(f'"{said}" cannot stand {where}: write it into <mj-text>', at)
        if text.strip() and parent not in RAW_HERE:
            at += text.index(text.strip()[0])
            raise self.error(f"A Jinja tag cannot stand {self.where()}", at)
        return self.marks.pattern.sub(lambda mark: f"<mj-raw>{mark[0]}</mj-raw>", text)

    def where(self) -> str:
        name = self.open[-1].name
        return f"in <{name}>" if name else "outside <mjml>"

    def tag(self, found: re.Match[str]) -> str:
        name = found["name"]
        if not name:
            return found[0]  # a comment
        if found["close"]:
            return self.closed(name, found)
        self.check_place(name, found.start())
        rest = found["rest"]
        is_empty = rest.endswith("/")
        attributes = self.attributes(name, rest.removesuffix("/"), found.start())
        if not is_empty:
            self.open.append(Open(name, found.start()))
        return f"<{name}{attributes}{'/' if is_empty else ''}>"

    def closed(self, name: str, found: re.Match[str]) -> str:
        expected = self.open[-1].name
        if name != expected:
            said = f"</{expected}> is expected here" if expected else "nothing is open here"
            raise self.error(f"</{name}>: {said}", found.start())
        self.open.pop()
        return found[0]

    def check_place(self, name: str, at: int) -> None:
        self.count += 1
        parent = self.open[-1].name
        if name == "mj-include":
            raise self.error("<mj-include> is not allowed: no file can be read", at)
        if name not in KNOWN:
            raise self.error(f"<{name}> is not an element of MJML", at)
        if self.count > MAX_ELEMENTS:
            raise self.error(f"More than {MAX_ELEMENTS:,} elements", at)
        if parent != "mj-attributes" and name not in INSIDE.get(parent, ()):
            raise self.error(f"<{name}> cannot stand {self.where()}", at)

    def attributes(self, name: str, rest: str, at: int) -> str:
        if ATTRIBUTE.sub("", rest).strip():
            said = f'The attributes of <{name}> are written as name="value"'
            raise self.error(f"{said}, and Jinja tags only inside the value", at)
        return ATTRIBUTE.sub(self.attribute, rest)

    def attribute(self, found: re.Match[str]) -> str:
        name, value = found[1], found[2][1:-1].replace('"', "&quot;")
        if name in VERBATIM and value:
            value = self.marks.mark(value)
        return f' {name}="{value}"'

    def hidden(self, at: int) -> tuple[str, int]:
        """A mark for the HTML inside the element just opened, and where that ends."""
        name = self.open[-1].name
        end = re.compile(f"</{name}\\s*>").search(self.words, at)
        if end is None:
            raise self.error(f"<{name}> is not closed", self.open[-1].at)
        content = self.words[at : end.start()]
        inner = INNER.search(content)
        if inner:
            raise self.error(f"{inner[0]}> cannot stand in <{name}>", at + inner.start())
        if name == "mj-title":  # it becomes an attribute, too
            content = content.replace('"', "&quot;")
        return self.marks.mark(content) if content.strip() else "", end.start()

    def error(self, text: str, at: int) -> TemplateError:
        line = self.marks.restore(self.words[:at]).count("\n") + 1
        return TemplateError(f"{text}.", line=line)


def compiled(source: str) -> str:
    """The HTML template of an MJML template. Raises TemplateError, with the source's line."""
    from mjml import mjml2html  # only where it is needed: it takes time to load

    try:
        reader = Source(source)
    except TemplateSyntaxError as error:
        raise TemplateError(error.message or "Not a valid template.") from error
    prepared = reader.prepared()
    try:
        # No font but those the source names: the default ones are fetched from another host.
        html = mjml2html(prepared, fonts={}, include_loader=refuse)
    except (ValueError, OSError) as error:
        raise TemplateError(f"MJML: {PLACE.sub('', str(error))}.") from error
    return reader.marks.restore(html)


def refuse(path: str) -> str:
    raise ValueError("mj-include is not allowed")
