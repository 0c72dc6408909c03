"""The names a template may use, for the list beside the editor.

A bare name means the recipient's value first, then the event's, then the global one (see
`rendering.values.names_of`). The apps above offer what they know through `sources`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

from omnichannel.models import GlobalVariable
from omnichannel.rendering.values import SYSTEM_NAMES
from omnichannel.variables import READ_ONLY

User = AbstractBaseUser | AnonymousUser
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
MAX_NAMES = 300  # of one group
MAX_EVENTS = 200
SYSTEM = {
    "today": "The day it was written, as 2026-03-02",
    "year": "The year, for a copyright line",
    "message_key": "The message's own key",
    "unsubscribe_url": "Where the recipient unsubscribes",
    "preferences_url": "Where the recipient chooses what to get",
}
EDITABLE = "Global, editable"
FIXED = "Global, read-only set"


@dataclass(frozen=True)
class Name:
    """`text` as it is written in a template; `sample` stands in for it in the preview."""

    text: str
    hint: str = ""
    sample: Any = None


@dataclass
class Group:
    """Names of one origin. `rank`: 1 recipient, 2 event, 3 global, 4 system."""

    title: str
    rank: int
    names: list[Name] = field(default_factory=list)


# Given the user: the groups that user may see.
Source = Callable[[User], Iterable[Group]]
sources: list[Source] = []


def groups(user: User) -> list[dict[str, Any]]:
    """[{"title", "names": [{"name", "hint", "sample", "wins"}]}], the ones that win first.

    "wins" is said of a name that two origins have.
    """
    found = [*(group for source in sources for group in source(user)), *own_groups(user)]
    found = sorted((group for group in found if group.names), key=lambda group: group.rank)
    known = Counter(bare for group in found for bare in {_bare(name) for name in group.names})
    first: dict[str, str] = {}
    for group in found:
        for name in group.names:
            first.setdefault(_bare(name), group.title)
    return [
        {
            "title": group.title,
            "names": [
                {
                    "name": name.text,
                    "hint": name.hint,
                    "sample": name.sample,
                    "wins": wins(name, group, first) if known[_bare(name)] > 1 else "",
                }
                for name in group.names[:MAX_NAMES]
            ],
        }
        for group in found
    ]


def _bare(name: Name) -> str:
    """system.* is never meant by a bare name."""
    return name.text if name.text.startswith("system.") else name.text.rpartition(".")[2]


def wins(name: Name, group: Group, first: Mapping[str, str]) -> str:
    bare = _bare(name)
    winner = first[bare]
    if winner == group.title:
        return f"{bare} alone means this one."
    return f"{bare} alone means the one of: {winner}."


def own_groups(user: User) -> Iterable[Group]:
    yield event_group(user)
    variables = list(GlobalVariable.objects.all())
    fixed = {variable.key: variable for variable in variables if variable.is_read_only}
    yield Group(
        FIXED,
        3,
        [
            Name(f"global.{key}", fixed[key].value if key in fixed and fixed[key].value else about)
            for key, about in READ_ONLY.items()
        ],
    )
    editable = [variable for variable in variables if not variable.is_read_only]
    yield Group(
        EDITABLE,
        3,
        [
            Name(f"global.{variable.key}", variable.value or variable.description)
            for variable in editable
        ],
    )
    yield Group("System", 4, [Name(f"system.{key}", SYSTEM.get(key, "")) for key in SYSTEM_NAMES])


def event_group(user: User) -> Group:
    """`event.*` of every business event; empty where there are none, or none may be seen."""
    group = Group("Event", 2)
    if not isinstance(user, PermissionsMixin) or not user.has_perm("omnichannel.view_event"):
        return group
    model = apps.all_models["omnichannel"].get("event")
    if model is None:
        return group
    rows = model._default_manager.filter(is_active=True).order_by("name")
    used: dict[str, list[str]] = {}
    samples: dict[str, Any] = {}
    for label, schema, sample in rows.values_list("name", "variables_schema", "sample_data")[
        :MAX_EVENTS
    ]:
        for key in properties(schema):
            used.setdefault(key, []).append(label)
            if isinstance(sample, dict) and key in sample:
                samples.setdefault(key, sample[key])
    group.names = [
        Name(f"event.{key}", said_of(labels), samples.get(key, key))
        for key, labels in sorted(used.items())
    ]
    return group


def properties(schema: Any) -> list[str]:
    """The names of a JSON Schema's properties that a template can write."""
    found = schema.get("properties") if isinstance(schema, dict) else None
    return [key for key in found if NAME.fullmatch(key)] if isinstance(found, dict) else []


def said_of(labels: list[str]) -> str:
    """ "Order placed, Order shipped and 3 more"."""
    shown = ", ".join(labels[:3])
    return f"{shown} and {len(labels) - 3} more" if len(labels) > 3 else shown
