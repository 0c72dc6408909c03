"""The names that a template cannot do without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from omnichannel.rendering import compiled_of
from omnichannel.rendering.css import text_template
from omnichannel.rendering.environment import HTML, TEXT
from omnichannel.rendering.names import guarded, used

if TYPE_CHECKING:
    from omnichannel.models import TemplateVersion


@dataclass(frozen=True, slots=True)
class Needed:
    """`names`: what must be given, such as first_name, event.order_id, global.company_name.

    `constants`: every bare name and `global.` name in it, None when it may take any of them.
    """

    names: frozenset[str]
    constants: frozenset[str] | None

    def given_by(self, global_values: Mapping[str, Any]) -> frozenset[str]:
        """What is left when these global variables are there."""
        known = {f"global.{key}" for key in global_values} | set(global_values)
        return frozenset(name for name in self.names - known if not name.startswith("system."))

    def snapshot(self, global_values: Mapping[str, Any]) -> dict[str, Any]:
        """The global variables that rendering it again depends on."""
        if self.constants is None:
            return dict(global_values)
        wanted = {name.removeprefix("global.") for name in self.constants}
        return {key: value for key, value in global_values.items() if key in wanted}


def needed_by(version: TemplateVersion, position: int = 0) -> Needed:
    """By one text of it, looked for once in this process. Raises TemplateError."""
    return _needed(compiled_of(version, position).sources)


@lru_cache(maxsize=200)
def _needed(sources: tuple[str, str, str]) -> Needed:
    names: set[str] = set()
    constants: set[str] = set()
    takes_any = False
    for tree in _trees(sources):
        mentioned = {name for name, _ in used(tree)}
        names |= mentioned - guarded(tree)
        constants |= {name for name in mentioned if "." not in name or name.startswith("global.")}
        takes_any = takes_any or _takes_any(tree)
    return Needed(frozenset(names), None if takes_any else frozenset(constants))


def _trees(sources: tuple[str, str, str]) -> Iterator[nodes.Template]:
    subject, html, text = sources
    yield TEXT.tree(subject)
    yield HTML.tree(html)
    yield TEXT.tree(text or text_template(html))


def _takes_any(tree: nodes.Template) -> bool:
    """Is there a `global` that is not followed by a name, as in `global[key]`?"""
    whole = sum(node.name == "global" for node in tree.find_all(nodes.Name))
    named = sum(
        isinstance(node.node, nodes.Name) and node.node.name == "global"
        for node in tree.find_all(nodes.Getattr)
    )
    return whole > named
