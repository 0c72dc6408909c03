"""What the engine refuses, as the API says it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from rest_framework.exceptions import APIException

from otp.asking import OtpRefused, Sent
from otp.choices import Refusal

CANNOT = HTTPStatus.UNPROCESSABLE_ENTITY
STATUSES: dict[str, HTTPStatus] = {
    Refusal.COOL_DOWN: HTTPStatus.TOO_MANY_REQUESTS,
    Refusal.TOO_MANY_SENDS: HTTPStatus.TOO_MANY_REQUESTS,
    Refusal.PROVIDER: HTTPStatus.SERVICE_UNAVAILABLE,
    Refusal.UNKNOWN: HTTPStatus.NOT_FOUND,
}
# Where each channel failed for a reason of its own: what is worth another try is said first.
WORTH = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)


class NotSent(APIException):
    """`code` is a `Refusal`; DRF makes Retry-After of `wait`."""

    def __init__(self, code: str, text: str, wait: float | None) -> None:
        super().__init__(text, code)
        self.status_code = status_of(code)
        self.wait = math.ceil(wait) if wait and wait > 0 and self.status_code in WORTH else None


def status_of(code: str) -> HTTPStatus:
    return STATUSES.get(code, CANNOT)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except OtpRefused as error:
        raise NotSent(error.code, str(error), error.retry_after) from error


def need_one(sent: Sequence[Sent]) -> None:
    """Raises NotSent when nothing went by any channel."""
    if any(each.success for each in sent):
        return
    ranks = {status: rank for rank, status in enumerate(WORTH)}
    first = min(sent, key=lambda each: ranks.get(status_of(each.code), len(ranks)))
    raise NotSent(first.code, first.message, first.resend_after)
