"""Who takes documents of partners that are not to be envelopes: an app above registers here.

A document is prepared outside any transaction, then kept in the one that ends its transmission: so
it is taken exactly once, whatever is killed in between.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from omnichannel.exceptions import ImportRefused


@dataclass(frozen=True)
class Document:
    filename: str
    data: bytes
    options: Mapping[str, Any] = field(default_factory=dict)


class Prepared(Protocol):
    def keep(self, *, at: datetime.datetime) -> str:
        """Inside a transaction. What it became, in words. Raises ImportRefused."""

    def drop(self) -> None:
        """It is not to be kept after all."""


@dataclass(frozen=True)
class Sink:
    prepare: Callable[[Document], Prepared]  # raises ImportRefused


sinks: dict[str, Sink] = {}


def sink(name: str) -> Sink:
    """Raises ImportRefused."""
    if name not in sinks:
        raise ImportRefused("Nothing here takes such documents. Choose another target.")
    return sinks[name]
