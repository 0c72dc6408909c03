"""What the oracle found, as figures with bounds."""

from __future__ import annotations

from collections.abc import Iterator

from omnichannel.benchmarks.base import Figure
from omnichannel.proofs.base import examples
from omnichannel.proofs.oracle import Findings


def judged(proof: str, found: Findings, *, duplicates: int = 0) -> Iterator[Figure]:
    """Lost, duplicates (`duplicates` are allowed), contradicted, unbalanced."""
    yield Figure(
        f"{proof}.lost",
        len(found.lost),
        "messages",
        found.recipients,
        at_most=0,
        meaning=examples("Nobody can tell what became of a message.", found.lost),
    )
    yield Figure(
        f"{proof}.duplicates",
        len(found.duplicates),
        "messages",
        found.recipients,
        at_most=duplicates,
        meaning=examples("A message arrived more than once.", found.duplicates),
    )
    yield Figure(
        f"{proof}.contradicted",
        len(found.contradicted),
        "messages",
        found.recipients,
        at_most=0,
        meaning=examples("A message arrived that should not have.", found.contradicted),
    )
    yield Figure(
        f"{proof}.unbalanced",
        found.unbalanced,
        "messages",
        found.recipients,
        at_most=0,
        meaning="sent + failed + suppressed + expired + cancelled + uncertain is not the number "
        f"of recipients: {dict(found.counts)}.",
    )
