"""What a scripted provider does to which message: plain data, so that it can be sent to it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

HTTP = "http"


@dataclass
class Rule:
    """At `phase` (an SMTP phase, or HTTP) do `do`: an SMTP action, or the fields of an Answer.

    It applies to recipients like `to`, to a `share` of them chosen by `seed`, at the `nth`
    passings of its phase, and at most `times` for each recipient (0: always).
    """

    phase: str
    do: Any
    to: str = "*"
    share: float = 1.0
    seed: int = 0
    nth: tuple[int, ...] = ()
    times: int = 0
    passed: int = field(default=0, compare=False)
    done: Counter[str] = field(default_factory=Counter, compare=False)

    def applies(self, phase: str, recipient: str) -> bool:
        if phase != self.phase or not fnmatch(recipient, self.to):
            return False
        self.passed += 1
        if self.nth and self.passed not in self.nth:
            return False
        if not chosen(recipient, self.share, self.seed):
            return False
        self.done[recipient] += 1
        return not self.times or self.done[recipient] <= self.times

    def as_json(self) -> dict[str, Any]:
        names = ("phase", "do", "to", "share", "seed", "nth", "times")
        return {name: getattr(self, name) for name in names}


def chosen(recipient: str, share: float, seed: int) -> bool:
    """The same recipients for the same seed, in any order and in any process."""
    return share >= 1 or random.Random(f"{seed} {recipient}").random() < share
