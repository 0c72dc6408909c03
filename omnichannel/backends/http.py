"""HTTP for backends: what an answer means, and backends that make several calls at once.

Providers on private networks are legitimate in a self-hosted product, so no address is refused.
Redirects are never followed: they would carry the key to somebody else.
"""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import ClassVar

from django import forms
from django.utils import timezone

from omnichannel.backends.base import Backend, OutgoingMessage, ProviderConfig, Result
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_fleet import Fleet
from omnichannel.backends.http_line import Call
from omnichannel.backends.http_request import base_url, peer_of
from omnichannel.exceptions import (
    ProviderRefused,
    ProviderTrouble,
    Rejected,
    SendError,
    TemporaryError,
    Throttled,
)

LONGEST_WAIT = 3600.0  # seconds; a provider that asks for more is asked again after this
CONNECTIONS, MOST_CONNECTIONS = 8, 64

Judge = Callable[[Answer], Result]  # raises SendError for an answer that is not acceptance


class HttpForm(forms.Form):
    connections = forms.IntegerField(
        min_value=1,
        max_value=MOST_CONNECTIONS,
        required=False,
        help_text=f"How many calls at the same time, for each worker. Empty: {CONNECTIONS}. At "
        f"most {MOST_CONNECTIONS}.",
    )


class HttpBackend(Backend):
    """One call for each message, several at once. A backend says how to `pack` a message."""

    service_url: ClassVar[str] = ""  # used when the provider has none of its own
    config_form: ClassVar[type[forms.Form] | None] = HttpForm
    is_worth_keeping = True

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self._fleet: Fleet | None = None

    def pack(self, message: OutgoingMessage) -> tuple[bytes, Judge]:
        """The whole request for one message, and what reads its answer. Raises SendError."""
        raise NotImplementedError

    def plan(self, messages: Iterable[OutgoingMessage]) -> Iterator[Call | Result]:
        """The calls to make. Taking the next one takes no more messages than it carries."""
        for message in messages:
            yield self.single(message)

    def single(self, message: OutgoingMessage) -> Call | Result:
        """A call for this message alone, or why there is none. Raises ProviderTrouble."""
        try:
            request, judge = self.pack(message)
        except ProviderTrouble:
            raise
        except SendError as error:
            return Result.from_error(message, error)
        return self.call(request, partial(_settled, message, judge))

    def call(
        self, request: bytes, settle: Callable[[Answer | SendError], Iterable[Result | Call]]
    ) -> Call:
        return Call(request, time.monotonic() + self.config.deadline, settle)

    def deliver(self, messages: Iterable[OutgoingMessage]) -> Iterator[Result]:
        self.fleet.idle = self.idle
        try:
            yield from self.fleet.deliver(self.plan(messages))
        finally:
            if self._fleet is not None:
                self._fleet.idle = Backend.idle

    def send(self, message: OutgoingMessage) -> Result:
        request, judge = self.pack(message)
        return judge(self.fleet.ask(request))

    def close(self) -> None:
        fleet, self._fleet = self._fleet, None
        if fleet is not None:
            fleet.close()

    @property
    def url(self) -> str:
        """Without a slash at its end. Raises ProviderRefused."""
        return base_url(self.config.service_url, self.service_url)

    @property
    def fleet(self) -> Fleet:
        """Raises ProviderRefused when the Service URL cannot be used."""
        if self._fleet is None:
            wanted = self.whole_number("connections", CONNECTIONS, MOST_CONNECTIONS)
            self._fleet = Fleet(peer_of(self.url), wanted, self.config.deadline)
        return self._fleet

    def whole_number(self, name: str, default: int, most: int) -> int:
        """An option between 1 and `most`."""
        return max(1, min(int(self.config.options.get(name) or default), most))


def _settled(
    message: OutgoingMessage, judge: Judge, outcome: Answer | SendError
) -> list[Result | Call]:
    return [judged(message, judge, outcome)]


def judged(message: OutgoingMessage, judge: Judge, outcome: Answer | SendError) -> Result:
    """Raises ProviderTrouble; any other error is a result."""
    try:
        if isinstance(outcome, SendError):
            raise outcome
        return judge(outcome)
    except ProviderTrouble:
        raise
    except SendError as error:
        return Result.from_error(message, error)


def refusal(answer: Answer, text: str) -> SendError:
    """The error for an HTTP status that is not acceptance."""
    status = answer.status
    code, wait = str(status), retry_after(answer.headers)
    if status in (401, 403):
        return ProviderRefused(f"{code}: {text}", code=code)
    if status in (404, 405) or 300 <= status < 400:
        where = answer.headers.get("location", "")
        return ProviderRefused(f"{code}: check the Service URL. {text} {where}".strip(), code=code)
    if status in (420, 429):
        return Throttled(f"{code}: {text}", code=code, retry_after=wait)
    if status >= 500 or status in (408, 425):
        return TemporaryError(f"{code}: {text}", code=code, retry_after=wait)
    return Rejected(f"{code}: {text}", code=code)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from Retry-After (seconds or a date) or X-RateLimit-Reset (epoch)."""
    now = timezone.now()
    value = headers.get("retry-after", "")
    try:
        seconds = float(value) if value else float(headers["x-ratelimit-reset"]) - now.timestamp()
    except KeyError:
        return None
    except ValueError:
        seconds = _seconds_until(value, now)
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def _seconds_until(date: str, now: datetime.datetime) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - now.timestamp()
    except (ValueError, OverflowError):
        return math.nan
