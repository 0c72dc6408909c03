"""What the fraud guard knows of each prefix and country, and its blocks."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from otp.models import BlockedPrefix


class Traffic(NamedTuple):
    """Codes by SMS in some time; `key` is a country, a prefix or the beginning of that time."""

    key: Any
    sends: int
    verified: int
    refused: int

    @property
    def conversion(self) -> float | None:
        """Verified of those sent, in percent; None when none was sent."""
        return 100 * self.verified / self.sends if self.sends else None


def by_country(*, since: datetime.datetime, until: datetime.datetime) -> list[Traffic]:
    """Most sends first."""
    raise NotImplementedError


def by_prefix(
    *, since: datetime.datetime, until: datetime.datetime, most: int = 100
) -> list[Traffic]:
    """Most sends and refusals first."""
    raise NotImplementedError


def over_time(
    *, since: datetime.datetime, until: datetime.datetime, by: str = "hour"
) -> list[Traffic]:
    """In order of time; `by` is "hour" or "day". Hours in which nothing happened are left out."""
    raise NotImplementedError


def block_prefix(
    prefix: str,
    *,
    at: datetime.datetime,
    by: Any = None,
    note: str = "",
    until: datetime.datetime | None = None,
) -> BlockedPrefix:
    """`by` is a user. A prefix that is blocked already keeps its block, with the new end."""
    raise NotImplementedError


def lift_block(block: BlockedPrefix, *, at: datetime.datetime, by: Any = None) -> bool:
    """The prefix is judged anew, by what is sent from now on. False: it was lifted already."""
    raise NotImplementedError
