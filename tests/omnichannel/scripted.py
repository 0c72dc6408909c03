"""A backend that does as it is told: for tests of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from omnichannel.backends.base import Backend, OutgoingMessage, Result, Status
from omnichannel.choices import ChannelType, Outcome


class Scripted(Backend):
    slug = "scripted"
    label = "Scripted"
    channel_types = (ChannelType.EMAIL, ChannelType.SMS)
    statuses = (
        Status("250", "OK", Outcome.ACCEPTED),
        Status("451", "Later", Outcome.TEMPORARY),
        Status("550", "No such user", Outcome.REJECTED),
    )
    answer: Callable[[OutgoingMessage], Result]
    seen: list[OutgoingMessage]

    def send(self, message: OutgoingMessage) -> Result:
        type(self).seen.append(message)
        return type(self).answer(message)


def accept(message: OutgoingMessage) -> Result:
    return Result(message.key, Outcome.ACCEPTED, "250", external_id=f"ext-{message.key}")


def fails_with(error: Exception) -> Callable[[OutgoingMessage], Result]:
    def answer(message: OutgoingMessage) -> Result:
        raise error

    return answer


def results(outcome: str, code: str = "", text: str = "", **more: object) -> Callable:
    return lambda message: Result(message.key, outcome, code, text, **more)


def in_turn(*answers: Callable[[OutgoingMessage], Result]) -> Callable:
    turn: Iterator[Callable] = iter(answers)
    return lambda message: next(turn)(message)
