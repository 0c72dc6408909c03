"""What the limited child does with a template: check, inline, list its names, try it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Template, nodes

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.css import inline_css, text_template
from omnichannel.rendering.environment import HTML, TEXT, Language, run
from omnichannel.rendering.mjml import compiled
from omnichannel.rendering.names import guarded, used
from omnichannel.rendering.values import names_of

PARTS = ("subject", "html", "text")
MAX_SOURCE = 500_000  # characters
MAX_TAGS = 3_000


def examine(request: Mapping[str, Any]) -> dict[str, Any]:
    """Check the sources in `request`; raises TemplateError.

    With "values" (and "global_values", "system") every name must be known, and the answer has
    the parts rendered: {"compiled_html", "compiled_text", "variables", "rendered": {part: text}}.
    With "kind" "mjml" the HTML's source is MJML.
    """
    sources = {part: request.get(part) or "" for part in PARTS}
    trees = {part: checked(part, source) for part, source in sources.items()}
    is_mjml = request.get("kind") == "mjml" and bool(sources["html"].strip())
    html = from_mjml(sources["html"]) if is_mjml else sources["html"]
    answer: dict[str, Any] = {
        "compiled_html": inline_css(html),
        "compiled_text": sources["text"] or text_template(html),
        "variables": sorted({name for tree in trees.values() for name, _ in used(tree)}),
    }
    values = request.get("values")
    if values is not None:
        names = names_of(values, request["global_values"], request["system"])
        for part, tree in trees.items():
            check_known(part, tree, names)
    templates = {
        "subject": load("subject", sources["subject"]),
        "html": load("html", answer["compiled_html"]),
        "text": load("text", answer["compiled_text"]),
    }
    if values is not None:
        try:
            answer["rendered"] = {
                part: tried(part, template, names) for part, template in templates.items()
            }
        except TemplateError as error:
            if is_mjml and error.part == "html":
                raise without_line(error) from error
            raise
    return answer


def from_mjml(source: str) -> str:
    try:
        return compiled(source)
    except TemplateError as error:
        raise in_part("html", error) from error


def without_line(error: TemplateError) -> TemplateError:
    """The line counts in what was compiled, which its author does not see."""
    return in_part(error.part, TemplateError(str(error)))


def language(part: str) -> Language:
    return HTML if part == "html" else TEXT


def checked(part: str, source: str) -> nodes.Template:
    if len(source) > MAX_SOURCE or source.count("{{") + source.count("{%") > MAX_TAGS:
        raise in_part(
            part,
            TemplateError(
                f"The template is too large: up to {MAX_SOURCE:,} characters "
                f"and {MAX_TAGS:,} tags are allowed."
            ),
        )
    try:
        return language(part).tree(source)
    except TemplateError as error:
        raise in_part(part, error) from error


def load(part: str, source: str) -> Template:
    try:
        return language(part).load(source)
    except TemplateError as error:
        raise in_part(part, error) from error


def tried(part: str, template: Template, names: Mapping[str, Any]) -> str:
    try:
        return run(template, names)
    except TemplateError as error:
        raise in_part(part, error) from error


def in_part(part: str, error: TemplateError) -> TemplateError:
    error.part = part
    return error


def check_known(part: str, tree: nodes.Template, names: Mapping[str, Any]) -> None:
    optional = guarded(tree)
    for name, node in used(tree):
        space, _, attribute = name.rpartition(".")
        known = attribute in names[space] if space else name in names
        if not known and name not in optional:
            raise in_part(
                part,
                TemplateError(
                    f'Unknown variable "{name}": add it to the sample variables '
                    "or correct the name.",
                    line=node.lineno,
                    column=getattr(node.lineno, "column", None),
                ),
            )
