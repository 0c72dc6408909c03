"""How often: counts within the last hour or day, kept by the server for all requests together.

A count is one row, locked while it is read and changed: of two processes the second one sees what
the first did. The time is cut into slices, and what was counted in a slice is forgotten when all
of it has left the window: within no hour or day more than the limit ever passes.
"""

from __future__ import annotations

import datetime
import ipaddress
import math
from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Q
from django.utils.crypto import salted_hmac

from otp import destinations
from otp.models import OtpChallenge, OtpConfiguration, OtpCount
from otp.models.configurations import SHORT_FAILURES, SHORT_LENGTH

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
SLICES = 60  # of a window
LONGEST_WAIT = datetime.timedelta(minutes=15)


class Limit(NamedTuple):
    """At most `most` within any `window`. `key` names nobody."""

    kind: str
    key: str
    most: int
    window: datetime.timedelta = DAY

    @property
    def slice(self) -> float:
        return self.window.total_seconds() / SLICES


def limit(
    kind: str, what: str, most: int, window: datetime.timedelta, *, is_test: bool = False
) -> Limit:
    """Test keys have counts of their own: they use up nothing of a real person's."""
    text = f"test {what}" if is_test else what
    key = salted_hmac(f"otp.limits.{kind}", text, algorithm="sha256").hexdigest()
    return Limit(kind, key, most, window)


def of_failures(configuration: OtpConfiguration, challenge: OtpChallenge) -> Limit:
    """Wrong codes for one destination, over all its requests."""
    most = configuration.failures_per_destination_day
    if challenge.length <= SHORT_LENGTH:
        most = min(most, SHORT_FAILURES)
    to = destinations.mailbox(challenge.destination)
    return limit("failures", to, most, DAY, is_test=challenge.is_test)


def network(ip: str) -> str:
    """Whoever has an IPv6 address has 2^64 of them."""
    address = ipaddress.ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None)
    if address.version == 4 or mapped:
        return str(mapped or address)
    return str(ipaddress.ip_network(f"{ip}/64", strict=False))


def wait_after(configuration: OtpConfiguration, sends: int) -> datetime.timedelta:
    """Between the last of so many sends in a row and the next one."""
    doubled = configuration.resend_after * 2 ** min(sends - 1, 10)
    return min(datetime.timedelta(seconds=doubled), LONGEST_WAIT)


class Locked:
    """Counts that nobody else changes before this transaction ends. Must be in one."""

    def __init__(self, limits: Sequence[Limit], at: datetime.datetime) -> None:
        self.limits = sorted(limits)  # always in the same order: nobody waits in a circle
        self.at = at
        self._rows = self._read() if self.limits else {}

    def full(self) -> Limit | None:
        """A limit that is reached."""
        return next((one for one in self.limits if self._used(one) >= one.most), None)

    def take(self) -> None:
        """Count one more of each."""
        for one in self.limits:
            self._add(one, 1)
        OtpCount.objects.bulk_update(self._rows.values(), ["slices", "touched_at"])

    def give_back(self, bound: Limit) -> None:
        """Count one less of each but `bound`, which says how often that may be."""
        if self._used(bound) >= bound.most:
            return
        for one in self.limits:
            self._add(one, 1 if one == bound else -1)
        OtpCount.objects.bulk_update(self._rows.values(), ["slices", "touched_at"])

    def wait(self, one: Limit) -> float:
        """Seconds until the first of what is counted is forgotten."""
        first = min(map(int, self._counted(one)), default=0)
        over = (first + 1) * one.slice + one.window.total_seconds()
        return max(1.0, over - self.at.timestamp())

    def _add(self, one: Limit, number: int) -> None:
        row = self._rows[one.kind, one.key]
        now = str(math.floor(self.at.timestamp() / one.slice))
        slices = self._counted(one)
        slices[now] = slices.get(now, 0) + number
        row.slices = {name: n for name, n in slices.items() if n > 0}
        row.touched_at = self.at

    def _read(self) -> dict[tuple[str, str], OtpCount]:
        """The same work whether there is a row already: how long it takes tells nothing."""
        new = [OtpCount(kind=one.kind, key=one.key, touched_at=self.at) for one in self.limits]
        OtpCount.objects.bulk_create(new, ignore_conflicts=True)
        mine = Q()
        for one in self.limits:
            mine |= Q(kind=one.kind, key=one.key)
        rows = OtpCount.objects.select_for_update().filter(mine).order_by("kind", "key")
        return {(row.kind, row.key): row for row in rows}

    def _used(self, one: Limit) -> int:
        return sum(self._counted(one).values())

    def _counted(self, one: Limit) -> dict[str, int]:
        """What is not yet forgotten. A slice that is to come counts: some clock was ahead."""
        since = self.at.timestamp() - one.window.total_seconds()
        slices = self._rows[one.kind, one.key].slices
        return {name: n for name, n in slices.items() if (int(name) + 1) * one.slice > since}
