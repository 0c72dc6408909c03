"""Measure speed: `manage.py bench NAME`, in a database of its own, one line per figure."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.management.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = "Measure speed, in a database of its own. BENCH_POSTGRES_URL names the server."
    package = "benchmarks"

    def figures(self, module: ModuleType, options: dict[str, Any]) -> Iterator[Figure]:
        found: Iterator[Figure] = module.run(
            BenchOptions(n=options["n"] or module.N, db=options["db"], seed=options["seed"])
        )
        return found
