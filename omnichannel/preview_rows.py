"""Real records to look at a template with; the apps above offer them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class PreviewRow(NamedTuple):
    label: str
    values: dict[str, Any]


# Given the user and the text looked for: what that user may see, a few rows at most.
Source = Callable[[AbstractBaseUser | AnonymousUser, str], list[PreviewRow]]
sources: list[Source] = []


def find(user: AbstractBaseUser | AnonymousUser, text: str) -> list[PreviewRow]:
    """Up to a few records whose address starts with `text`."""
    return [row for source in sources for row in source(user, text)]
