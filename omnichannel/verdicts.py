"""From one attempt's result to what the message's row becomes. Pure: no rows are written."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from omnichannel.backends.base import Result
from omnichannel.choices import EventType, MessageStatus, Outcome
from omnichannel.claimed import AnyMessage

RETRY_AFTER_CAP = datetime.timedelta(hours=1)

_TAKEN = {
    Outcome.ACCEPTED: (MessageStatus.SENT, EventType.SENT),
    Outcome.DELIVERED: (MessageStatus.DELIVERED, EventType.DELIVERED),
    Outcome.REJECTED: (MessageStatus.FAILED, EventType.REJECTED),
    Outcome.UNKNOWN: (MessageStatus.UNCERTAIN, EventType.UNKNOWN),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to write for one message after one attempt."""

    message_id: int
    status: str
    event: str
    code: str = ""
    text: str = ""
    external_id: str = ""
    due_at: datetime.datetime | None = None
    is_attempt: bool = True  # False: nothing was handed over, no retry is used up


def judge(message: AnyMessage, result: Result, outcome: str, at: datetime.datetime) -> Verdict:
    """The verdict on an attempt that ended at `at` with `outcome`.

    `message.provider` must be loaded. N retries allowed means at most 1 + N attempts.
    """
    if outcome in (Outcome.TEMPORARY, Outcome.THROTTLED):
        return _try_again(message, result, at)
    status, event = _TAKEN[Outcome(outcome)]
    return Verdict(message.pk, status, event, result.code, result.text, result.external_id)


def _try_again(message: AnyMessage, result: Result, at: datetime.datetime) -> Verdict:
    if message.attempts >= message.retries_allowed:
        text = f"{result.text} (no retries left)".strip()
        return Verdict(message.pk, MessageStatus.FAILED, EventType.FAILED, result.code, text)
    asked = min(datetime.timedelta(seconds=max(result.retry_after or 0, 0)), RETRY_AFTER_CAP)
    return Verdict(
        message.pk,
        MessageStatus.ERROR,
        EventType.DEFERRED,
        result.code,
        result.text,
        due_at=at + max(message.retry_wait, asked),
    )


def wait_for_provider(message: AnyMessage, text: str, until: datetime.datetime) -> Verdict:
    """No connection could be made: the message waits with the provider, no retry is used up."""
    return Verdict(
        message.pk,
        MessageStatus.ERROR,
        EventType.DEFERRED,
        text=text,
        due_at=until,
        is_attempt=False,
    )
