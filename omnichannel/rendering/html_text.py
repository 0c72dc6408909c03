"""Plain text from HTML: what a reader without HTML sees. Links are kept as "text (url)"."""

from __future__ import annotations

import re
from html.parser import HTMLParser

SKIPPED = frozenset({"head", "style", "script", "title", "template"})
PARAGRAPHS = frozenset(
    {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "table", "ul"},
)
LINES = frozenset(
    {"address", "article", "aside", "center", "div", "dl", "dt", "dd", "fieldset", "footer"}
    | {"form", "header", "hr", "main", "nav", "pre", "section", "thead", "tbody", "tr"}
)
# Breaks that meet become one, the strongest of them. Private use: no text has these characters.
LINE, PARAGRAPH = "\ue004", "\ue005"
MET = re.compile(f" *[{LINE}{PARAGRAPH}][ {LINE}{PARAGRAPH}]*")
BREAKS = dict.fromkeys(PARAGRAPHS, PARAGRAPH) | dict.fromkeys(LINES, LINE) | {"li": LINE}
OPENINGS = {**BREAKS, "br": "\n", "li": f"{LINE}- ", "td": " ", "th": " "}


class TextMaker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.skipping = 0
        self.links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in SKIPPED:
            self.skipping += 1
        elif tag == "img" and not self.skipping:
            self.pieces.append(values.get("alt") or "")
        elif tag == "a":
            self.links.append((values.get("href") or "", len(self.pieces)))
        else:
            self.pieces.append(OPENINGS.get(tag, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SKIPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self.skipping = max(0, self.skipping - 1)
        elif tag == "a" and self.links:
            self.close_link(*self.links.pop())
        else:
            self.pieces.append(BREAKS.get(tag, ""))

    def close_link(self, url: str, start: int) -> None:
        said = "".join(self.pieces[start:]).strip()
        target = url.removeprefix("mailto:").removeprefix("tel:")
        if target and not target.startswith("#") and target != said:
            self.pieces.append(f" ({target})" if said else target)

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.pieces.append(re.sub(r"[ \t\r\n\f]+", " ", data))


def text_from_html(html: str) -> str:
    maker = TextMaker()
    maker.feed(html)
    maker.close()
    text = "".join(maker.pieces).replace("\xa0", " ")
    text = MET.sub(lambda met: "\n\n" if PARAGRAPH in met[0] else "\n", text)
    lines = (re.sub(r" {2,}", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
