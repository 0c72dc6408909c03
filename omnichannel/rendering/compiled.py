"""One text of a template, compiled; where wanted, with what counts opens and clicks in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.css import text_template
from omnichannel.rendering.environment import HTML, TEXT
from omnichannel.rendering.links import OUR_OWN, TEXT_LINKS, counted
from omnichannel.rendering.parts import Part


@dataclass(frozen=True, slots=True)
class Compiled:
    sources: tuple[str, str, str]
    subject: Part
    html: Part | None
    text: Part
    names_links: bool = False  # it leads to unsubscribing
    position: int = 0  # of the text in its version
    counting: dict[tuple[str, str], Part] = field(default_factory=dict)

    def counting_html(self, open_url: str, click_url: str) -> Part | None:
        """The HTML with what counts opens and clicks in it."""
        if self.html is None:
            return None
        if (open_url, click_url) not in self.counting:
            self.counting[open_url, click_url] = self._counting(self.html, open_url, click_url)
        return self.counting[open_url, click_url]

    def _counting(self, html: Part, open_url: str, click_url: str) -> Part:
        source = self.sources[1]
        try:
            first = self.position * TEXT_LINKS
            source = counted(
                source, is_template=True, open_url=open_url, click_url=click_url, first=first
            )
            return Part(HTML, source)
        except TemplateError:
            return html  # to be sent matters more than to be counted


def compile_sources(sources: tuple[str, str, str]) -> Compiled:
    subject, html, text = sources
    return Compiled(
        sources=sources,
        subject=Part(TEXT, subject),
        html=Part(HTML, html) if html else None,
        text=Part(TEXT, text or text_template(html)),
        names_links=any(name in source for source in sources for name in OUR_OWN),
    )
