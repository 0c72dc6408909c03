"""Where vendors call: verify, keep, answer. What it means is worked out by a tick."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from omnichannel import endpoints, receipts
from omnichannel.backends.base import Backend, TrackingEvent
from omnichannel.backends.webhook_calls import MISSHAPEN
from omnichannel.exceptions import ForgedWebhook, InvalidWebhook, OmnichannelError
from omnichannel.models import WebhookEndpoint
from omnichannel.outgoing import backend_of

logger = logging.getLogger(__name__)


@csrf_exempt
def receive(request: HttpRequest, key: UUID, token: str) -> HttpResponse:
    """2xx only when everything told is on the disk; anything else and the vendor tells it again."""
    try:
        endpoint = endpoints.called(key, token)
        backend = backend_of(endpoint.provider)
    except endpoints.NoEndpoint:
        return _answer(404, "There is nothing here.")
    except DatabaseError:
        logger.exception("A call could not be looked at")
        return _answer(503, "Try again later.")
    except OmnichannelError as error:
        logger.error("%s cannot be called: %s", endpoint.provider, error)
        return _answer(503, "Try again later.")
    if not backend.receives:
        return _answer(404, "There is nothing here.")
    if request.method not in backend.webhook_methods:
        return HttpResponseNotAllowed(backend.webhook_methods)
    if request.method == "HEAD":
        return _answer(200, "")
    try:
        return _kept(endpoint, _events(backend, request))
    except Refused as refused:
        return _refuse(endpoint, refused)
    except DatabaseError:
        logger.exception("A call of %s could not be kept", endpoint.provider)
        return _answer(503, "Try again later.")


class Refused(OmnichannelError):
    """The call is answered with `status`, and nothing of it is kept."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _events(backend: Backend, request: HttpRequest) -> list[TrackingEvent]:
    """What the call tells. Raises Refused."""
    if _size(request) > settings.WEBHOOK_MAX_BYTES:
        raise Refused(413, f"More than {settings.WEBHOOK_MAX_BYTES} bytes.")
    try:
        return backend.parse_webhook(request)
    except ForgedWebhook as error:
        raise Refused(401, str(error)) from error
    except InvalidWebhook as error:
        raise Refused(400, str(error)) from error
    except MISSHAPEN as error:
        raise Refused(400, f"Not understood ({type(error).__name__}).") from error


def _size(request: HttpRequest) -> int:
    """As the caller says; nothing beyond it is read."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 10**16


def _kept(endpoint: WebhookEndpoint, events: list[TrackingEvent]) -> HttpResponse:
    at = timezone.now()
    try:
        new = receipts.store(endpoint.provider, events, at=at)
    except IntegrityError:  # the provider was deleted meanwhile
        return _answer(404, "There is nothing here.")
    count = f"{len(events)} event{'' if len(events) == 1 else 's'}, {new} new"
    endpoints.count_call(endpoint, at, f"200: {count}", events=len(events))
    return _answer(200, "Thank you.")


def _refuse(endpoint: WebhookEndpoint, refused: Refused) -> HttpResponse:
    text = f"{refused.status}: {refused}"
    logger.warning("A call of %s was refused: %s", endpoint.provider, text)
    endpoints.count_call(endpoint, timezone.now(), text, events=None)
    return _answer(refused.status, "This call is not accepted.")


def _answer(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain")
