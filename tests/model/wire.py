"""A provider that answers by script, and lets things happen while an answer is awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from omnichannel.backends.base import Backend, OutgoingMessage, Result
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from tests.model.ledger import HandOver


@dataclass(frozen=True)
class Act:
    """One answer, and the name of what happens in the world before it is given."""

    answer: str = "ok"
    meanwhile: str = ""


class BackendBug(Exception):
    """A backend's code fails in the middle of its work."""


def _result(outcome: str, code: str, **more: Any) -> Callable[[HandOver], Result]:
    return lambda entry: Result(entry.key, outcome, code, f"said {code}", **more)


def _accepted(entry: HandOver) -> Result:
    return Result(entry.key, Outcome.ACCEPTED, "250", "OK", external_id=f"x-{entry.key}")


TAKEN = {"ok", "delivered", "silent", "bug"}  # the answers to a message that has arrived
VOID = {"auth", "refused connection", "no connection"}
RESULTS = {
    "ok": _accepted,
    "delivered": _result(Outcome.DELIVERED, "200"),
    "busy": _result(Outcome.TEMPORARY, "451"),
    "busy for long": _result(Outcome.TEMPORARY, "452", retry_after=1200.0),
    "slow down": _result(Outcome.THROTTLED, "429", retry_after=30.0),
    "rejected": _result(Outcome.REJECTED, "550"),
    "auth": _result(Outcome.AUTH, "535"),
    "unknown": _result(Outcome.UNKNOWN, ""),
}
ERRORS = {
    "silent": OutcomeUnknown("no answer came"),
    "cut": OutcomeUnknown("the connection was lost"),
    "refused connection": ProviderRefused("wrong password"),
    "no connection": ProviderUnavailable("nobody answers"),
    "bug": BackendBug("a fault in the backend"),
}
ANSWERS = sorted({*RESULTS, *ERRORS})


class Wire(Backend):
    """Hands over up to `depth` messages before it waits for the first answer."""

    slug = "wire"
    label = "Wire"
    world: ClassVar[Any]

    def deliver(self, messages: Iterable[OutgoingMessage]) -> Iterator[Result]:
        in_hand: list[HandOver] = []
        for message in messages:
            in_hand.append(self.world.take(message))
            if len(in_hand) >= self.world.depth:
                yield from self._hear(in_hand)
        while in_hand:
            yield from self._hear(in_hand)

    def _hear(self, in_hand: list[HandOver]) -> Iterator[Result]:
        act = self.world.next_act()
        in_hand[0].accepted = act.answer in TAKEN
        self.world.happen(act.meanwhile, in_hand[0])
        self.world.passed("wire")
        if act.answer in ERRORS:
            for entry in in_hand:
                entry.void = act.answer in VOID
            raise ERRORS[act.answer]
        entry = in_hand.pop(0)
        entry.void = act.answer in VOID
        yield RESULTS[act.answer](entry)
        entry.answered = True
