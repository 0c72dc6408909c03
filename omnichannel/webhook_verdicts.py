"""What a call to another system came to, and when it is tried again. Pure: no rows are written."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from omnichannel.backends.http_answer import Answer
from omnichannel.backends.outside_line import NoAnswer
from omnichannel.choices import WebhookStatus
from omnichannel.recording import clean

LONGEST_ANSWER = 500
# After the first failed call, the second, ...; after the last of them it is given up.
WAITS = tuple(
    datetime.timedelta(**{unit: number})
    for unit, number in (
        ("seconds", 5),
        ("minutes", 5),
        ("minutes", 30),
        ("hours", 2),
        ("hours", 5),
        ("hours", 10),
        ("hours", 14),
    )
)
JITTER = 0.1  # of a wait, added
# A webhook that failed is left alone for a second, and twice as long each time it fails again.
FIRST_REST = datetime.timedelta(seconds=1)
LONGEST_REST = datetime.timedelta(minutes=5)
LONGEST_ASKED = datetime.timedelta(hours=1)
GIVEN_UP_AFTER = datetime.timedelta(days=5)
GONE = 410


@dataclass(frozen=True)
class Verdict:
    """What one call came to. `retry_after`: how long the other system asks us to wait."""

    is_taken: bool
    code: str
    answer: str
    retry_after: datetime.timedelta = datetime.timedelta(0)

    @property
    def is_gone(self) -> bool:
        """It wants no more of it."""
        return self.code == str(GONE)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.code, self.answer)))


def judge(answer: Answer) -> Verdict:
    said = clean(answer.text.strip(), LONGEST_ANSWER)
    if 300 <= answer.status < 400:
        said = f"A redirect, which is not followed: {answer.headers.get('location', '')[:200]}"
    asked = answer.headers.get("retry-after", "")
    seconds = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    return Verdict(
        is_taken=200 <= answer.status < 300,
        code=str(answer.status),
        answer=clean(said, LONGEST_ANSWER),
        retry_after=min(datetime.timedelta(seconds=seconds), LONGEST_ASKED),
    )


def judge_silence(error: NoAnswer) -> Verdict:
    return Verdict(is_taken=False, code=error.code, answer=clean(str(error), LONGEST_ANSWER))


def next_try(
    verdict: Verdict, attempts: int, at: datetime.datetime, chance: float
) -> tuple[WebhookStatus, datetime.datetime | None]:
    """The status after the call number `attempts` (from 1), and when the next one is.

    `chance` is from 0 to 1: what failed together comes back one by one.
    """
    if verdict.is_taken:
        return WebhookStatus.DELIVERED, None
    if attempts > len(WAITS):
        return WebhookStatus.GIVEN_UP, None
    wait = max(WAITS[attempts - 1] * (1 + JITTER * chance), verdict.retry_after)
    return WebhookStatus.FAILED, at + wait


def rest(verdict: Verdict, failures: int) -> datetime.timedelta:
    """How long a webhook is left alone after so many failed calls in a row."""
    return max(min(FIRST_REST * 2 ** min(failures - 1, 20), LONGEST_REST), verdict.retry_after)
