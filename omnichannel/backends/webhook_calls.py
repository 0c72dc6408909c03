"""What backends need to read a vendor's call."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest

from omnichannel.exceptions import InvalidWebhook

# What a parser that trusts the shape of a call raises when it is of another.
MISSHAPEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BadRequest,
    LookupError,
    OSError,  # a body that breaks off; a moment that no calendar holds
    RecursionError,
    SuspiciousOperation,
    TypeError,
    ValueError,
)


def json_of(request: HttpRequest) -> Any:
    """Raises InvalidWebhook."""
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise InvalidWebhook("This is not JSON.") from error


def text(value: object) -> str:
    """A word or a number as text; empty for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
