"""The contract between `manage.py prove` and a proof.

A proof is a module in the `proofs` of an app with `NAME`, its sizes `USUAL` and `SHORT`, and
`run(options) -> Iterator[Figure]`. It runs in a database of its own, prepared as for production.
The proof has failed when it raises ProofFailed, or when a bound of one of its figures is broken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from omnichannel.exceptions import OmnichannelError

SHOWN = 5  # cases named in a sentence
ENOUGH = 300.0  # seconds for what takes a few: a busy machine is no broken promise


class ProofFailed(OmnichannelError):
    """What was to be proved could not even be measured: nothing came to its end, say."""


class Size(NamedTuple):
    n: int  # messages
    times: int  # kills, pauses, breakages or slots


@dataclass(frozen=True)
class ProofOptions:
    n: int
    times: int
    db: str  # sqlite | postgresql
    seed: int
    policy: str  # choices.OnUncertain
    processes: int
    connections: int  # of each process
    is_short: bool = False


def wait_until(
    happened: Callable[[], bool], what: str, *, seconds: float, every: float = 0.1
) -> float:
    """Answer after how many seconds it happened. Raises ProofFailed after `seconds`."""
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > seconds:
            raise ProofFailed(f"{what}: not within {seconds:.0f} s.")
        time.sleep(every)
    return time.monotonic() - began


def examples(meaning: str, cases: Iterable[str]) -> str:
    """The meaning, and some of the cases that it is about."""
    shown = list(islice(cases, SHOWN))
    return " ".join([meaning, "For example:", "; ".join(shown) + "."]) if shown else meaning
