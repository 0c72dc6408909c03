"""Prove that faults lose nothing: `manage.py prove NAME`, in a database of its own."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from django.core.management.base import CommandError

from omnichannel.benchmarks.base import Figure
from omnichannel.choices import OnUncertain
from omnichannel.management.measuring import MeasuringCommand
from omnichannel.proofs.base import ProofFailed, ProofOptions, Size


class Command(MeasuringCommand):
    help = (
        "Break things while messages are sent, then compare what arrived with the database. "
        "Ends with an error when a bound is broken. See docs/proofs.md."
    )
    package = "proofs"
    preparation = ("prepare",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--short", action="store_true", help="a minute instead of several")
        parser.add_argument(
            "--kills", "--times", dest="times", type=int, help="how many kills, pauses or slots"
        )
        parser.add_argument("--policy", choices=OnUncertain.values, default=OnUncertain.HOLD)
        parser.add_argument("--processes", type=int, default=2, help="that send")
        parser.add_argument("--connections", type=int, default=1, help="of each process")

    def figures(self, module: ModuleType, options: dict[str, Any]) -> Iterator[Figure]:
        usual: Size = module.SHORT if options["short"] else module.USUAL
        chosen = ProofOptions(
            n=options["n"] or usual.n,
            times=options["times"] or usual.times,
            db=options["db"],
            seed=options["seed"],
            policy=options["policy"],
            processes=options["processes"],
            connections=options["connections"],
            is_short=options["short"],
        )
        try:
            yield from module.run(chosen)
        except ProofFailed as error:
            raise CommandError(str(error)) from error

    def report(self, figures: list[Figure]) -> None:
        broken = [said for figure in figures if (said := figure.broken())]
        if broken:
            raise CommandError("\n".join(broken))
