"""Somebody who guesses the codes of one destination for a day, as cleverly as is allowed.

What may be asked for is asked for, and every try there is is used. Each strategy gets new codes in
another way; each request comes from a new address. What counts is how often a guess was compared.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from otp import engine
from otp.asking import Asked, OtpRefused, Sent
from otp.choices import Verdict
from otp.proofs.ways import new_ip

DAY = datetime.timedelta(days=1)
STEP = 60.0  # seconds, when nobody says how long to wait
# Each target has a prefix of its own: what befalls one is not another's.
_areas = itertools.cycle((205, 212, 213, 303, 305, 310, 312, 404, 415, 505, 512, 602))
_places = itertools.count()


@dataclass
class Target:
    """Whom it is about, and what was compared so far."""

    purpose: str
    length: int
    is_default: bool  # other purposes have the same codes
    mobile: str = field(default_factory=lambda: f"+1{next(_areas)}5550100")
    guesses: int = 0
    requests: int = 0
    first: str = ""  # the id of the latest request
    _next: Iterator[int] = field(default_factory=itertools.count)

    @property
    def email(self) -> str:
        return f"n{self.mobile[1:]}@example.com"

    def guess(self) -> str:
        """Never the same again."""
        return f"{next(self._next) % 10**self.length:0{self.length}}"


Strategy = Callable[[Target, datetime.datetime], list[Sent]]


def ask_anew(target: Target, at: datetime.datetime) -> list[Sent]:
    return engine.send(_asked(target), at=at)


def ask_again(target: Target, at: datetime.datetime) -> list[Sent]:
    """A new code for the same request, for as long as it is known."""
    if target.first:
        return [engine.resend(target.first, at=at, caller="proof", client_ip=_ip(target))]
    return ask_anew(target, at)


def cancel_first(target: Target, at: datetime.datetime) -> list[Sent]:
    if target.first:
        engine.cancel(target.first, at=at, caller="proof")
    return ask_anew(target, at)


def as_others(target: Target, at: datetime.datetime) -> list[Sent]:
    """Each time as another system, and for another purpose: no cool-down is in the way."""
    purpose = f"{target.requests}-of-many" if target.is_default else target.purpose
    asked = _asked(target, caller=f"proof {target.requests}", purpose=purpose)
    return engine.send(asked, at=at)


def by_both_channels(target: Target, at: datetime.datetime) -> list[Sent]:
    """One code behind two requests, each of which could have tries of its own."""
    asked = _asked(target, email=target.email, same_code=True)
    return engine.send(asked, at=at)


STRATEGIES: tuple[Strategy, ...] = (
    *(ask_anew, ask_again, cancel_first, as_others, by_both_channels),
)


def _asked(target: Target, **values: Any) -> Asked:
    usual = Asked(purpose=target.purpose, mobile=target.mobile, caller="proof")
    return replace(usual, client_ip=_ip(target), **values)


def _ip(target: Target) -> str:
    target.requests += 1
    return new_ip(next(_places))


def attack(strategy: Strategy, target: Target, at: datetime.datetime) -> int:
    """How many guesses were compared within a day."""
    ends = at + DAY
    while at < ends:
        at += datetime.timedelta(seconds=_round(strategy, target, at))
    return target.guesses


def _round(strategy: Strategy, target: Target, at: datetime.datetime) -> float:
    """Ask for a code and use up its tries; the seconds to wait before the next."""
    caller_number = target.requests
    try:
        answers = strategy(target, at)
    except OtpRefused as error:
        target.first = ""
        return error.retry_after or STEP
    caller = f"proof {caller_number}" if strategy is as_others else "proof"
    sent = [one for one in answers if one.success]
    for one in sent:
        target.first = one.request_id
        _use_up(target, one.request_id, caller, at)
    if sent:
        return 0.001  # whether it has to wait, the next answer tells
    return max((one.resend_after for one in answers), default=0) or STEP


def _use_up(target: Target, request_id: str, caller: str, at: datetime.datetime) -> None:
    compared = (Verdict.INCORRECT, Verdict.APPROVED)
    while True:
        ip = new_ip(next(_places))
        found = engine.verify(request_id, target.guess(), at=at, caller=caller, client_ip=ip)
        if found.verdict not in compared:
            return
        target.guesses += 1
