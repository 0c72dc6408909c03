"""Codes asked for to earn from each SMS: one operator's numbers, one after the other."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from otp import engine
from otp.asking import Asked, Sent
from otp.choices import Refusal, Verdict
from otp.proofs.ways import code_sent_to, new_ip

PUMPED = "+1202555"  # with four digits more: 10,000 numbers
QUIET = "+1702555"  # the patient one's
ABROAD = "+1604555"  # in another country
EVERY = 10  # sends, after which somebody abroad asks for a code
STOPPED = (Refusal.BLOCKED_PREFIX,)
HOUR = datetime.timedelta(hours=1)


@dataclass
class Pumped:
    sends: int = 0
    after: int = 0  # sends after it was stopped
    asked: int = 0
    is_stopped: bool = False
    abroad: int = 0
    refused_abroad: int = 0


def pump(count: int, at: datetime.datetime) -> Pumped:
    """As fast as is allowed, each time from a new address; no code is ever entered."""
    found = Pumped()
    for number in range(count):
        sent, at = _patiently(f"{PUMPED}{number:04}", number, at)
        found.asked += 1
        if sent.code in STOPPED:
            found.is_stopped = True
        found.sends += sent.success and not found.is_stopped
        found.after += sent.success and found.is_stopped
        if (found.sends and found.sends % EVERY == 0 and sent.success) or number == count - 1:
            _somebody_abroad(found, at)
    return found


def patient_pump(hours: int, at: datetime.datetime) -> list[int]:
    """Sends of each hour, when just enough codes are entered not to be noticed."""
    ends = [at + HOUR * number for number in range(1, hours + 1)]
    numbers = iter(range(10_000))
    return [_hour(numbers, end - HOUR, end) for end in ends]


def _hour(numbers: Iterator[int], at: datetime.datetime, ends: datetime.datetime) -> int:
    sends = 0
    while at < ends:
        number = next(numbers)
        to = f"{QUIET}{number:04}"
        sent = _send(to, number, at)
        if not sent.success:
            at += datetime.timedelta(seconds=max(1, sent.resend_after))
            continue
        sends += 1
        if number % 8 == 0:
            engine.verify(sent.request_id, code_sent_to(to), at=at, caller="proof")
        at += datetime.timedelta(seconds=1)
    return sends


def _patiently(to: str, number: int, at: datetime.datetime) -> tuple[Sent, datetime.datetime]:
    """Waits as long as it is told to; answers also what time it is then."""
    sent = _send(to, number, at)
    while sent.code == Refusal.TOO_MANY_SENDS:
        at += datetime.timedelta(seconds=sent.resend_after)
        sent = _send(to, number, at)
    return sent, at


def _send(to: str, number: int, at: datetime.datetime) -> Sent:
    (sent,) = engine.send(Asked(mobile=to, caller="proof", client_ip=new_ip(number)), at=at)
    return sent


def _somebody_abroad(found: Pumped, at: datetime.datetime) -> None:
    """Gets a code and enters it, or is one more who cannot."""
    to = f"{ABROAD}{found.abroad:04}"
    sent = _send(to, 50_000 + found.abroad, at)
    found.abroad += 1
    if sent.success:
        code = code_sent_to(to)
        checked = engine.verify(sent.request_id, code, at=at, caller="proof")
        if checked.verdict == Verdict.APPROVED:
            return
    found.refused_abroad += 1
