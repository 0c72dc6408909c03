"""Templates made into messages. Nothing here needs Django: the limited child imports it too."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from omnichannel.rendering import sandbox
from omnichannel.rendering.compiled import Compiled, compile_sources
from omnichannel.rendering.environment import HTML
from omnichannel.rendering.examine import examine as examine_here  # our own text only
from omnichannel.rendering.html_text import text_from_html
from omnichannel.rendering.languages import position_for
from omnichannel.rendering.links import (
    TEXT_LINKS,
    counted,
    followed,
    hrefs,
    safe_target,
)
from omnichannel.rendering.parts import Part
from omnichannel.rendering.values import names_of, system_values

if TYPE_CHECKING:
    from omnichannel.claimed import AnyMessage
    from omnichannel.models import TemplateText, TemplateVersion

CACHED = 200  # compiled versions a process keeps
TEXT_SOURCE = 100_000  # characters of a body's HTML that its text is made from, while sending
# In a template that counts: only these differ, so that the rest of a URL stays constant.
TOKENS = {"open_token": "{{ system.open_token }}", "click_token": "{{ system.click_token }}"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """`html_pieces` and `text_pieces` are what `html` and `text` were put together from."""

    subject: str = ""
    html: str = ""
    text: str = ""
    html_pieces: tuple[str, ...] = ()
    text_pieces: tuple[str, ...] = ()


_compiled: OrderedDict[tuple[int, int], Compiled] = OrderedDict()


def examine(
    *,
    subject: str,
    html: str,
    text: str,
    kind: str = "html",
    values: Mapping[str, Any] | None = None,
    global_values: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Check unsaved text in the limited child; with `values`, render it there too.

    `kind` says what `html` is: "html" or "mjml".
    Answers {"compiled_html", "compiled_text", "variables", "rendered"}. Raises TemplateError.
    """
    now = datetime.datetime.now(datetime.UTC)
    return sandbox.ask(
        {
            "subject": subject,
            "html": html,
            "text": text,
            "kind": kind,
            "values": None if values is None else dict(values),
            "global_values": dict(global_values or {}),
            "system": {
                **system_values(now, "00000000-0000-0000-0000-000000000000"),
                **system_links(None),
            },
        }
    )


def visual_source(html: str) -> dict[str, Any]:
    """Unsaved HTML as the visual editor may have it (see `visual`). Raises TemplateError."""
    return sandbox.ask({"show": html})


def prepare(
    version: TemplateVersion | TemplateText,
    channel_type: str,
    *,
    values: Mapping[str, Any] | None = None,
    global_values: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Check the version and fill its compiled_html, compiled_text and variables; saves nothing.

    With `values` every name must be known, the text is tried, and the answer is how it reads
    then: {part: text}. Raises TemplateError.
    """
    is_email = channel_type == "email"
    found = examine(
        subject=version.subject if is_email else "",
        html=version.html if is_email else "",
        text=version.text,
        kind=version.source_kind,
        values=values,
        global_values=global_values,
    )
    version.compiled_html = found["compiled_html"]
    version.compiled_text = found["compiled_text"]
    version.variables = found["variables"]
    rendered: dict[str, str] = found.get("rendered", {})
    return rendered


def render(
    version: TemplateVersion, values: Mapping[str, Any], global_values: Mapping[str, Any]
) -> Rendered:
    """The version with the recipient's columns in it, for nobody. Raises TemplateError."""
    compiled = compiled_for(version, values)
    system = {**system_values(datetime.datetime.now(datetime.UTC)), **system_links(None)}
    return _filled(compiled, compiled.html, names_of(values, global_values, system))


def render_message(message: AnyMessage, *, opens: bool = False, clicks: bool = False) -> Rendered:
    """What `message` says, the same each time it is asked. Raises TemplateError.

    `opens` and `clicks`: with what counts them in its HTML, as it is sent.
    """
    version = message.template_version
    if version is None:
        return _without_template(message, opens, clicks)
    compiled = compiled_for(version, message.variables)
    names = _names(message, compiled.names_links)
    html = compiled.html
    if opens or clicks:
        html = compiled.counting_html(*_counting_urls(TOKENS, opens, clicks))
        names["system"].update(_tokens(message, opens, clicks))
    return _filled(compiled, html, names)


def link_target(message: AnyMessage, number: int) -> str | None:
    """Where the followed link with this number leads in `message`.

    None: it has no such link. Empty: not to the web. Raises TemplateError.
    """
    version = message.template_version
    if version is None:
        href = followed(message.body_html, number, is_template=False)
    else:
        href = _followed_in(version, number)
        if href is not None and "{" in href:
            href = "".join(Part(HTML, href).fill(_names(message, True)))
    return None if href is None else safe_target(href)


def constant_target(version: TemplateVersion, number: int) -> str | None:
    """The same for any message of the version; None also when a variable would decide."""
    href = _followed_in(version, number)
    return None if href is None or "{" in href else safe_target(href)


def _followed_in(version: TemplateVersion, number: int) -> str | None:
    position, place = divmod(number, TEXT_LINKS)
    if version.text_at(position) is None:
        return None
    return followed(compiled_of(version, position).sources[1], place, is_template=True)


def link_hrefs(version: TemplateVersion) -> dict[int, str]:
    """The href of each link, as a browser reads it, by the number that a click of it has."""
    return {
        position * TEXT_LINKS + place: href
        for position in range(len(version.languages) + 1)
        for place, href in enumerate(hrefs(compiled_of(version, position).sources[1]), 1)
    }


def _filled(compiled: Compiled, html_part: Part | None, names: Mapping[str, Any]) -> Rendered:
    html = html_part.fill(names) if html_part else []
    text = compiled.text.fill(names)
    return Rendered(
        subject=" ".join("".join(compiled.subject.fill(names)).split()),
        html="".join(html),
        text="".join(text),
        html_pieces=tuple(html),
        text_pieces=tuple(text),
    )


def _names(message: AnyMessage, with_links: bool) -> dict[str, Any]:
    at = message.created_at or datetime.datetime.now(datetime.UTC)
    system = system_values(at, str(message.key))
    if with_links:
        system.update(system_links(message))
    return names_of(message.variables, _global_values(message), system)


def _global_values(message: AnyMessage) -> dict[str, Any]:
    """As they were when the job was opened, or when a message without one was queued."""
    if message.job:
        return message.job.context
    kept = message.variables.get("global")
    return kept if isinstance(kept, dict) else current_global_values()


def _without_template(message: AnyMessage, opens: bool, clicks: bool) -> Rendered:
    html = message.body_html
    text = message.body_text or text_from_html(html[:TEXT_SOURCE])
    if html and (opens or clicks):
        open_url, click_url = _counting_urls(_tokens(message, opens, clicks), opens, clicks)
        html = counted(html, is_template=False, open_url=open_url, click_url=click_url)
    return Rendered(message.subject, html, text)


def _tokens(message: AnyMessage, opens: bool, clicks: bool) -> dict[str, str]:
    # Imported here, as below: the limited child has neither settings nor a database.
    from omnichannel import links

    found = {"open_token": links.token(links.OPEN, message.pk)} if opens else {}
    if clicks:
        version = message.template_version
        found["click_token"] = links.token(links.CLICK, message.pk, version.pk if version else 0)
    return found


def _counting_urls(tokens: Mapping[str, str], opens: bool, clicks: bool) -> tuple[str, str]:
    from omnichannel import links

    open_url = links.open_url(tokens["open_token"]) if opens else ""
    return open_url, links.click_url(tokens["click_token"]) if clicks else ""


def system_links(message: AnyMessage | None) -> dict[str, str]:
    from omnichannel import links

    return links.system_links(message)


def current_global_values() -> dict[str, str]:
    from omnichannel.variables import global_values

    return global_values()


def compiled_for(version: TemplateVersion, values: Mapping[str, Any]) -> Compiled:
    """The text in the recipient's language, compiled."""
    return compiled_of(version, position_for(version.offered, values))


def compiled_of(version: TemplateVersion, position: int = 0) -> Compiled:
    """One text of it, compiled once in this process."""
    text = version.text_at(position) or version
    sources = (text.subject, text.compiled_html or text.html, text.compiled_text or text.text)
    found = _compiled.get((version.pk, position))
    if found is None or found.sources != sources:
        found = replace(compile_sources(sources), position=position)
        if version.pk is not None:
            _compiled[version.pk, position] = found
            while len(_compiled) > CACHED:
                _compiled.popitem(last=False)
    return found


__all__ = [
    "Rendered",
    "constant_target",
    "examine",
    "examine_here",
    "link_hrefs",
    "link_target",
    "prepare",
    "render",
    "render_message",
    "visual_source",
]
