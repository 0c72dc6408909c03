"""The names that a template takes from outside."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import meta, nodes

SPACES = ("event", "global", "system")


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
