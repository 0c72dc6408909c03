"""Where AS2 stations of partners post to."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations import as2_receiving
from integrations.as2_receiving import Posted
from omnichannel.exceptions import OmnichannelError
from omnichannel.visitors import client_ip

logger = logging.getLogger(__name__)


@csrf_exempt
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """2xx only when the document is on the disk. The body is read once, up to the limit."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    posted = Posted(
        token=token,
        headers={name.lower(): value for name, value in request.headers.items()},
        size=_size(request),
        read=request.read,
        ip=client_ip(request),
    )
    try:
        reply = as2_receiving.receive(posted, at=timezone.now())
    except UnreadablePostError:
        reply = as2_receiving.say(400, "The message broke off.")
    except (DatabaseError, OSError):
        logger.exception("An AS2 message could not be kept")
        reply = as2_receiving.say(503, "Try again later.")
    except OmnichannelError as error:
        logger.error("An AS2 message could not be looked at: %s", error)
        reply = as2_receiving.say(503, "Try again later.")
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))


def _size(request: HttpRequest) -> int:
    """As the sender says; -1 when it does not."""
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text:
        return -1
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 10**16
