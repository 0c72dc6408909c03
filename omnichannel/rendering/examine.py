"""What the limited child does with a template: check, inline, list its names, try it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Template, meta, nodes

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.css import inline_css, text_template
from omnichannel.rendering.environment import HTML, TEXT, Language, run
from omnichannel.rendering.values import names_of

PARTS = ("subject", "html", "text")
MAX_SOURCE = 500_000  # characters
MAX_TAGS = 3_000
SPACES = ("event", "global", "system")


def examine(request: Mapping[str, Any]) -> dict[str, Any]:
    """Check the sources in `request`; raises TemplateError.

    With "values" (and "global_values", "system") every name must be known, and the answer has
    the parts rendered: {"compiled_html", "compiled_text", "variables", "rendered": {part: text}}.
    """
    sources = {part: request.get(part) or "" for part in PARTS}
    trees = {part: checked(part, source) for part, source in sources.items()}
    answer: dict[str, Any] = {
        "compiled_html": inline_css(sources["html"]),
        "compiled_text": sources["text"] or text_template(sources["html"]),
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
        answer["rendered"] = {
            part: tried(part, template, names) for part, template in templates.items()
        }
    return answer


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


def used(tree: nodes.Template) -> Iterator[tuple[str, nodes.Node]]:
    """The names a template takes from outside: first_name, global.company_name."""
    outside = meta.find_undeclared_variables(tree)
    for node in tree.find_all((nodes.Name, nodes.Getattr)):
        name = name_of(node)
        if name and ("." in name or name in outside):
            yield name, node


def name_of(node: nodes.Node) -> str:
    """first_name or global.company_name; empty for any other part of a template."""
    if isinstance(node, nodes.Name) and node.name not in SPACES and node.ctx == "load":
        return node.name
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        space = node.node.name
        return f"{space}.{node.attr}" if space in SPACES else ""
    return ""


def guarded(tree: nodes.Template) -> set[str]:
    """The names a template can do without: `x is defined`, `x|default(...)`."""
    return {
        name_of(node.node)
        for node in tree.find_all((nodes.Test, nodes.Filter))
        if node.name in ("defined", "undefined", "default", "d")
    }


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
