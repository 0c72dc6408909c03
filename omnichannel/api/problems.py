"""Every error of the API is one shape: application/problem+json (RFC 9457).

`type` is always about:blank: the status says what kind it is, `code` in one stable word.
`errors` has {field, message} of everything that is wrong, `field` being a dotted path.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError
from django.db.models import ProtectedError, RestrictedError
from rest_framework.exceptions import APIException, NotFound, ParseError, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.response import Response
from rest_framework.views import exception_handler

from omnichannel.api.parsing import TooLarge
from omnichannel.exceptions import (
    Busy,
    CannotSendNow,
    IllegalTransition,
    InvalidEvent,
    InvalidSubmission,
    NoProvider,
    OmnichannelError,
    UnknownEvent,
)

MEDIA_TYPE = "application/problem+json"


class Conflict(APIException):
    status_code = HTTPStatus.CONFLICT
    default_detail = "The state that it is in does not allow this."
    default_code = "conflict"


class Refused(APIException):
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = "This cannot be done as it was asked for."
    default_code = "refused"


class Unavailable(APIException):
    """`wait`: after how many seconds it is worth another try; DRF makes Retry-After of it."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "cannot_send_now"

    def __init__(self, detail: str, wait: float | None) -> None:
        super().__init__(detail)
        self.wait = None if wait is None else max(1, math.ceil(wait))


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None: a defect of ours, which Django answers with 500."""
    known = as_api_error(error)
    response = exception_handler(known, context)
    if response is None:
        return None
    response.data = problem(response.status_code, known)
    response.content_type = MEDIA_TYPE
    return response


def as_api_error(error: Exception) -> Exception:
    match error:
        case IllegalTransition() | NoProvider() | Busy():
            return Conflict(str(error))
        case InvalidEvent() | InvalidSubmission() | CannotSendNow():
            return unfit(error)
        case OmnichannelError():
            return Refused(str(error))
        case DjangoValidationError():
            return ValidationError(get_error_detail(error))
        case ProtectedError() | RestrictedError():
            return Conflict("Something else uses it: change that first.", "in_use")
        case IntegrityError():
            return Conflict("It contradicts what is stored: perhaps it exists already.")
        case DataError() | OverflowError():
            return ParseError("A value is out of range.")
        case RequestDataTooBig():
            return TooLarge()
        case SuspiciousOperation() | BadRequest():
            return ParseError("The request is malformed.")
    return error


def by_field(faults: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for field, text in faults:
        found.setdefault(field, []).append(text)
    return found


def unfit(error: InvalidEvent | InvalidSubmission | CannotSendNow) -> APIException:
    match error:
        case CannotSendNow():
            return Unavailable(str(error), error.retry_after)
        case InvalidSubmission():
            return ValidationError(by_field(error.faults))
        case UnknownEvent():
            return NotFound(error.errors[0][1])
    return ValidationError(by_field(error.errors))


def problem(status: int, error: Exception) -> dict[str, Any]:
    detail = getattr(error, "detail", "") or str(error)
    errors = list(flat(detail)) if isinstance(error, ValidationError) else []
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code_of(status, error),
        "detail": "Some values are not valid." if errors else str(detail),
        "errors": errors,
    }


def code_of(status: int, error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "invalid"
    code = getattr(getattr(error, "detail", None), "code", None)
    return code or HTTPStatus(status).name.lower()


def flat(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """The nested errors of serializers, one after the other, each with its dotted path."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name in ("non_field_errors", "__all__") else str(name)
            yield from flat(inner, ".".join(filter(None, (path, own))))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            is_nested = isinstance(inner, dict | list)
            step = ".".join(filter(None, (path, str(number)))) if is_nested else path
            yield from flat(inner, step)
    else:
        yield {"field": path, "message": str(detail)}
