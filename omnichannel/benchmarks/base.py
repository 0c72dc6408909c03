"""The contract between `manage.py bench` and a benchmark.

A benchmark is a module in the `benchmarks` of an app with `NAME` and `run(options) ->
Iterator[Figure]` and `N`, its usual size; one that needs several apps is in `config.benchmarks`.
It runs in a database of its own, already migrated.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class BenchOptions:
    n: int
    db: str  # sqlite | postgresql
    seed: int


@dataclass(frozen=True)
class Figure:
    """One measured value. `peak_mb` is the highest resident size of the process measured.

    A proof bounds its figures, and `meaning` says what it means that a bound is broken.
    """

    name: str  # dotted, such as import.rate
    value: float
    unit: str
    n: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    at_most: float | None = None
    at_least: float | None = None
    meaning: str = ""

    def broken(self) -> str:
        """Which bound is broken, as a sentence; empty when none is."""
        if self.at_most is not None and self.value > self.at_most:
            bound = f"at most {self.at_most:g}"
        elif self.at_least is not None and self.value < self.at_least:
            bound = f"at least {self.at_least:g}"
        else:
            return ""
        return f"{self.name} is {self.value:g}, allowed is {bound}. {self.meaning}".strip()


def peak_mb(*, children: bool = False) -> float:
    """Highest resident size so far, in MB, of this process or of its ended children."""
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    size = resource.getrusage(who).ru_maxrss
    return size / (1024 * 1024) if sys.platform == "darwin" else size / 1024
