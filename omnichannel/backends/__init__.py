"""The registry: every `Backend` in this folder that has a slug, found by a package scan."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from omnichannel.backends.base import Backend


@cache
def registry() -> dict[str, type[Backend]]:
    """{slug: class}, in the order of their labels."""
    found: dict[str, type[Backend]] = {}
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for item in vars(loaded).values():
            if isinstance(item, type) and issubclass(item, Backend) and "slug" in vars(item):
                found[item.slug] = item
    return dict(sorted(found.items(), key=lambda pair: pair[1].label))


def choices() -> list[tuple[str, str]]:
    return [(slug, backend.label) for slug, backend in registry().items()]


def get(slug: str) -> type[Backend] | None:
    return registry().get(slug)
