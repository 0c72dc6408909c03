"""Templates made into messages. Nothing here needs Django: the limited child imports it too."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Template

from omnichannel.rendering import sandbox
from omnichannel.rendering.css import text_template
from omnichannel.rendering.environment import HTML, TEXT, run, run_in_pieces
from omnichannel.rendering.html_text import text_from_html
from omnichannel.rendering.values import names_of, system_values

if TYPE_CHECKING:
    from omnichannel.models import Message, TemplateVersion

CACHED = 200  # compiled versions a process keeps
TEXT_SOURCE = 100_000  # characters of a body's HTML that its text is made from, while sending


@dataclass(frozen=True, slots=True)
class Rendered:
    """`html_pieces` and `text_pieces` are what `html` and `text` were put together from."""

    subject: str = ""
    html: str = ""
    text: str = ""
    html_pieces: tuple[str, ...] = ()
    text_pieces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    sources: tuple[str, str, str]
    subject: Template
    html: Template | None
    text: Template


_compiled: OrderedDict[int, Compiled] = OrderedDict()


def examine(
    *,
    subject: str,
    html: str,
    text: str,
    values: Mapping[str, Any] | None = None,
    global_values: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Check unsaved text in the limited child; with `values`, render it there too.

    Answers {"compiled_html", "compiled_text", "variables", "rendered"}. Raises TemplateError.
    """
    now = datetime.datetime.now(datetime.UTC)
    return sandbox.ask(
        {
            "subject": subject,
            "html": html,
            "text": text,
            "values": None if values is None else dict(values),
            "global_values": dict(global_values or {}),
            "system": system_values(now, "00000000-0000-0000-0000-000000000000"),
        }
    )


def prepare(
    version: TemplateVersion,
    channel_type: str,
    *,
    values: Mapping[str, Any] | None = None,
    global_values: Mapping[str, Any] | None = None,
) -> None:
    """Check the version and fill its compiled_html, compiled_text and variables; saves nothing.

    With `values` every name must be known and the text is tried. Raises TemplateError.
    """
    is_email = channel_type == "email"
    found = examine(
        subject=version.subject if is_email else "",
        html=version.html if is_email else "",
        text=version.text,
        values=values,
        global_values=global_values,
    )
    version.compiled_html = found["compiled_html"]
    version.compiled_text = found["compiled_text"]
    version.variables = found["variables"]


def render(
    version: TemplateVersion,
    values: Mapping[str, Any],
    global_values: Mapping[str, Any],
    *,
    system: Mapping[str, Any] | None = None,
) -> Rendered:
    """The version with the recipient's columns in it. Raises TemplateError."""
    compiled = compiled_of(version)
    names = names_of(
        values, global_values, system or system_values(datetime.datetime.now(datetime.UTC))
    )
    html = run_in_pieces(compiled.html, names) if compiled.html else []
    text = run_in_pieces(compiled.text, names)
    return Rendered(
        subject=" ".join(run(compiled.subject, names).split()),
        html="".join(html),
        text="".join(text),
        html_pieces=tuple(html),
        text_pieces=tuple(text),
    )


def render_message(message: Message) -> Rendered:
    """What `message` says, the same each time it is asked. Raises TemplateError."""
    version = message.template_version
    if version is None:
        text = message.body_text or text_from_html(message.body_html[:TEXT_SOURCE])
        return Rendered(message.subject, message.body_html, text)
    at = message.created_at or datetime.datetime.now(datetime.UTC)
    return render(
        version,
        message.variables,
        message.job.context if message.job else current_global_values(),
        system=system_values(at, str(message.key)),
    )


def current_global_values() -> dict[str, str]:
    # Imported here: the limited child has no database.
    from omnichannel.variables import global_values

    return global_values()


def compiled_of(version: TemplateVersion) -> Compiled:
    """Compiled once per version in this process."""
    sources = (
        version.subject,
        version.compiled_html or version.html,
        version.compiled_text or version.text,
    )
    found = _compiled.get(version.pk)
    if found is None or found.sources != sources:
        found = compile_sources(sources)
        if version.pk is not None:
            _compiled[version.pk] = found
            while len(_compiled) > CACHED:
                _compiled.popitem(last=False)
    return found


def compile_sources(sources: tuple[str, str, str]) -> Compiled:
    subject, html, text = sources
    return Compiled(
        sources=sources,
        subject=TEXT.load(subject),
        html=HTML.load(html) if html else None,
        text=TEXT.load(text or text_template(html)),
    )


__all__ = ["Rendered", "examine", "prepare", "render", "render_message"]
