"""For load balancers and monitoring: is it alive, can it work, how much waits."""

from __future__ import annotations

import datetime
import hmac
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_celery_beat.models import PeriodicTask

from omnichannel import due, liveness
from omnichannel import metrics as figures

FRESH_SECONDS = 15
READY_SECONDS = 5
# Measuring takes at most a twentieth of the time, however large the queue has become.
COST = 20

Source = Callable[[datetime.datetime], Iterator[figures.Gauge]]


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and is prepared, else 503 with the reason.

    What else is wrong follows as lines that begin with "warning: ". It does not make this 503:
    a page that can be served must be, above all while workers are lost.
    """
    try:
        prepared = PeriodicTask.objects.exists()
        details = _kept("ready", READY_SECONDS, _details) if prepared else ""
    except DatabaseError:
        return _not_ready("The database does not answer or is not migrated.")
    if not prepared:
        return _not_ready("Run manage.py prepare.")
    return HttpResponse(f"ok\n{details}", content_type="text/plain")


def _not_ready(reason: str) -> HttpResponse:
    return HttpResponse(f"{reason}\n", content_type="text/plain", status=503)


def _details() -> str:
    at = timezone.now()
    oldest = max(due.oldest_due(at).values())
    living = sum(not row.is_lost for row in liveness.processes())
    lines = [f"oldest due message: {oldest:.0f} s", f"processes alive: {living}"]
    lines += [f"warning: {text}" for text in liveness.warnings(at)]
    return "".join(f"{line}\n" for line in lines)


@require_safe
@never_cache
def metrics(request: HttpRequest, sources: tuple[Source, ...] = (figures.gauges,)) -> HttpResponse:
    """Prometheus text, for `Authorization: Bearer METRICS_TOKEN` or a user who sees the queue."""
    if not _may_measure(request):
        return HttpResponseForbidden("Send the METRICS_TOKEN as a bearer token.\n")
    text = _kept("metrics", FRESH_SECONDS, lambda: _measured(sources))
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_measure(request: HttpRequest) -> bool:
    expected = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode()
    if settings.METRICS_TOKEN and hmac.compare_digest(given, expected):
        return True
    return request.user.has_perm("omnichannel.view_message")


def _measured(sources: tuple[Source, ...]) -> str:
    at = timezone.now()
    return "".join(figures.text(source(at)) for source in sources)


def _kept(key: str, seconds: float, make: Callable[[], str]) -> str:
    """Made at most every `seconds`, and less often when it takes long."""
    text: str | None = cache.get(key)
    if text is None:
        began = time.monotonic()
        text = make()
        cache.set(key, text, max(seconds, COST * (time.monotonic() - began)))
    return text
