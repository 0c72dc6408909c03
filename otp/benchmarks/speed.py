"""How fast codes are sent over SMTP and checked, by some callers at a time in one process."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections
from django.utils import timezone

from omnichannel import originals
from omnichannel.backends import sandbox_store
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.benchmarks.timing import percentile, smtp_provider
from omnichannel.models import ChannelProvider
from otp import engine
from otp.asking import Asked, ChannelAsked
from otp.choices import Verdict
from otp.models import OtpConfiguration

CALLERS = 4
MOST = 1_000  # sends, and checks
WARM_UP = 20
Item = TypeVar("Item")
CODE = re.compile(r"\b\d{6}\b")


def run(options: BenchOptions) -> Iterator[Figure]:
    """Sends to an SMTP server on loopback; then checks of codes that the sandbox was given."""
    count = max(1, min(options.n, MOST))
    originals.ensure()
    _without_limits()
    with SmtpSink() as sink:
        sending = _Sending(smtp_provider(sink.port, name="Bench OTP").pk)
        _timed(sending.send, range(WARM_UP))
        yield from _figures("send", *_timed(sending.send, range(WARM_UP, WARM_UP + count)))
    sandbox = ChannelProvider.objects.create(
        name="Bench OTP sandbox", backend="sandbox", from_address="bench@example.com"
    )
    yield from _figures("verify", *_timed(_check, _codes(sandbox, count)))


def new_ip(number: int) -> str:
    """Each end user has a network of their own."""
    return f"2001:db8:{number % 65_536:x}::1"


def _without_limits() -> None:
    """Everyone gets a single code, from a network of their own: no other limit is in the way."""
    usual = OtpConfiguration.objects.filter(is_default=True).first()
    row = usual or OtpConfiguration.defaults()
    row.conversion_floor_percent = 0
    row.save()


class _Sending:
    def __init__(self, provider: int) -> None:
        self.provider = provider

    def send(self, number: int) -> str:
        """The request's id."""
        asked = Asked(
            email=f"person{number}@example.com",
            caller="bench",
            client_ip=new_ip(number),
            overrides={"email": ChannelAsked(provider=self.provider)},
        )
        (sent,) = engine.send(asked, at=timezone.now())
        if not sent.success:
            raise RuntimeError(f"A code was not sent: {sent.message}")
        return sent.request_id


def _codes(sandbox: ChannelProvider, count: int) -> list[tuple[str, str]]:
    """(request's id, its code) of so many that wait to be checked."""
    sending = _Sending(sandbox.pk)
    first = 10 * MOST
    numbers = range(first, first + count)
    ids = {f"person{number}@example.com": sending.send(number) for number in numbers}
    found = []
    for kept in sandbox_store.listing(limit=count):
        code = CODE.search(kept.text)
        if code and kept.to in ids:
            found.append((ids[kept.to], code[0]))
    if len(found) != count:
        raise RuntimeError(f"{count - len(found)} of {count} codes did not arrive.")
    return found


def _check(wanted: tuple[str, str]) -> None:
    request_id, code = wanted
    found = engine.verify(request_id, code, at=timezone.now(), caller="bench")
    if found.verdict != Verdict.APPROVED:
        raise RuntimeError(f"A right code was found {found.verdict}.")


def _timed(do: Callable[[Item], object], what: Sequence[Item]) -> tuple[list[float], float]:
    """Seconds that each took, and all together."""

    def one(item: Item) -> float:
        began = time.perf_counter()
        do(item)
        return time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        times = list(pool.map(one, what))
        seconds = time.perf_counter() - began
        list(pool.map(lambda _: connections.close_all(), range(CALLERS)))
    return times, seconds


def _figures(what: str, times: list[float], seconds: float) -> Iterator[Figure]:
    count = len(times)
    yield Figure(f"otp.{what}_per_s", count / seconds, "codes/s", count, seconds)
    yield Figure(f"otp.{what}_ms_p99", 1000 * percentile(times, 0.99), "ms", count, seconds)
