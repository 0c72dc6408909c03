"""CSS inlined into a template's HTML, with its Jinja tags kept out of the inliner's sight.

An HTML parser moves `{% for %}` out of a table and escapes what stands between braces. So each
tag becomes a comment where text stands, and a plain word inside attributes, style and comments.
"""

from __future__ import annotations

import re

import css_inline
from jinja2 import TemplateSyntaxError

from omnichannel.rendering.environment import TEXT
from omnichannel.rendering.html_text import text_from_html

OPEN, CLOSE = "\ue000", "\ue001"  # private use: no template has them
MARK = re.compile(f"{OPEN}(\\d+){CLOSE}")
SHIELDED = re.compile(f'<!--{OPEN}(\\d+){CLOSE}-->|{OPEN}(\\d+){CLOSE}(?:="")?')
BARE = re.compile(f"{OPEN}\\d+{CLOSE}.*{OPEN}\\d+{CLOSE}|{OPEN}\\d+{CLOSE}", re.DOTALL)
REGION = re.compile(
    r"(?P<kept><!--.*?-->|<(?P<raw>style|script|title|textarea|select)\b.*?</(?P=raw)\s*>)"
    r"|(?P<tag><[a-zA-Z/!?](?:\"[^\"]*\"|'[^']*'|[^'\">])*>)"
    f"|(?P<mark>{OPEN}\\d+{CLOSE})",
    re.DOTALL | re.IGNORECASE,
)
NAME = re.compile(f"<(?:!--)?([\\w{OPEN}{CLOSE}-]+)")
IMPLIED = frozenset({"html", "head", "body", "tbody", "style", "link"})
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
ENDS = {
    "variable_begin": "variable_end",
    "block_begin": "block_end",
    "comment_begin": "comment_end",
    "raw_begin": "raw_end",
}
BLOCK_LINE = re.compile(r"^((?:\{%(?:(?!%\})[^\n])*%\}[ \t]*)+)\n", re.MULTILINE)


class Shield:
    """Takes the tags of one template away and puts them back."""

    def __init__(self) -> None:
        self.tags: list[str] = []

    def mark(self, tag: str) -> str:
        self.tags.append(tag)
        return f"{OPEN}{len(self.tags) - 1}{CLOSE}"

    @property
    def has_blocks(self) -> bool:
        return any(tag.startswith("{%") for tag in self.tags)

    def words(self, source: str) -> str:
        """The source with a plain word for every Jinja tag. Raises TemplateSyntaxError."""
        pieces: list[str] = []
        held: list[str] = []
        end = ""
        for _, token, value in TEXT.lexer.tokeniter(source, None):
            if not end and token not in ENDS:
                pieces.append(value)
                continue
            end = end or ENDS[token]
            held.append(value)
            if token == end:
                pieces.append(self.mark("".join(held)))
                end, held = "", []
        return "".join(pieces)

    def comments(self, words: str) -> str:
        """The words that stand as text become comments; those in tags stay words."""
        return REGION.sub(self.region, words)

    def region(self, found: re.Match[str]) -> str:
        if found["mark"]:
            return f"<!--{found['mark']}-->"
        return self.tag(found["tag"]) if found["tag"] else found["kept"]

    def tag(self, tag: str) -> str:
        """Whatever stands between bare marks in a tag becomes one word, set apart by blanks."""
        values: list[str] = []

        def hide(found: re.Match[str]) -> str:
            values.append(found[0])
            return f"\ue002{len(values) - 1}\ue003"

        def show(text: str) -> str:
            return re.sub("\ue002(\\d+)\ue003", lambda found: values[int(found[1])], text)

        bare = QUOTED.sub(hide, tag)
        return show(BARE.sub(lambda found: f" {self.mark(show(found[0]))} ", bare))

    def restore(self, text: str) -> str:
        """Put every tag back; a mark may itself hold marks."""
        # "&#123;&#123;" was text in the HTML and must not become a tag now.
        text = re.sub(r"\{(?=[{%#])", '{{ "{" }}', text)
        while MARK.search(text):
            text = SHIELDED.sub(lambda found: self.tags[int(found[1] or found[2])], text)
        return text


def inline_css(source: str) -> str:
    """The HTML template with its <style> rules written into style attributes.

    Media queries stay in a <style>. The source comes back as it is when it has no style, or
    when an HTML parser would rebuild it (`{% if %}<div>{% else %}<p>{% endif %}`): mail
    programs then use the <style> itself.
    """
    if "<style" not in source.lower() or any(mark in source for mark in "\ue000\ue001\ue002"):
        return source
    shield = Shield()
    try:
        shielded = shield.comments(shield.words(source))
        if "<html" not in source.lower():
            shielded = f"<!DOCTYPE html><html><head></head><body>{shielded}</body></html>"
        inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
        inlined = inliner.inline(shielded)
        is_kept = not shield.has_blocks or skeleton(inlined) == skeleton(shielded)
        return shield.restore(inlined) if is_kept else source
    except (TemplateSyntaxError, ValueError):
        return source


def skeleton(html: str) -> list[str]:
    """The start tags and the marks between them, in order; without what parsers add by right."""
    bones = []
    for found in REGION.finditer(html):
        name = NAME.match(found[0])
        is_bone = found["tag"] or found["raw"] or found[0].startswith(f"<!--{OPEN}")
        if name and is_bone and name[1].lower() not in IMPLIED:
            bones.append(name[1].lower())
    return bones


def text_template(source: str) -> str:
    """The text template of an HTML template: its words, with the same Jinja tags."""
    shield = Shield()
    text = shield.restore(text_from_html(shield.words(source)))
    return BLOCK_LINE.sub(r"\1", text)
