"""What every engine is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.conversion.native import NativeEnvelope
from integrations.exceptions import ConversionFailed

Element = Any  # lxml has no types


@dataclass(frozen=True)
class Task:
    """One document and the words that a rule knows beside it."""

    view: Element
    output: str  # native | xml | json | ...
    parameters: Mapping[str, str] = field(default_factory=dict)
    dictionaries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def look_up(self, dictionary: str, key: str) -> str:
        """Empty for a key that is not in it. Raises ConversionFailed for no such dictionary."""
        if dictionary not in self.dictionaries:
            raise ConversionFailed(f'There is no dictionary "{dictionary[:60]}".', "dictionary")
        return self.dictionaries[dictionary].get(key, "")


@dataclass(frozen=True)
class Made:
    """One of these: a tree, a text, or envelopes."""

    tree: Element = None
    text: bytes | None = None
    envelopes: tuple[NativeEnvelope, ...] | None = None
