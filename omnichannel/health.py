"""For load balancers and monitoring: is it alive, can it work, how much waits."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_celery_beat.models import PeriodicTask

from omnichannel.choices import MessageStatus
from omnichannel.models import ChannelProvider, Job, Message

# The states of what still moves: few rows, which PostgreSQL counts in a partial index.
COUNTED = (
    MessageStatus.SCHEDULED,
    MessageStatus.NEW,
    MessageStatus.SENDING,
    MessageStatus.ERROR,
    MessageStatus.UNCERTAIN,
)
FRESH_SECONDS = 15


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and is prepared, else 503 with the reason."""
    try:
        prepared = PeriodicTask.objects.exists()
    except DatabaseError:
        return _not_ready("The database does not answer or is not migrated.")
    return alive(request) if prepared else _not_ready("Run manage.py prepare.")


def _not_ready(reason: str) -> HttpResponse:
    return HttpResponse(f"{reason}\n", content_type="text/plain", status=503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for `Authorization: Bearer METRICS_TOKEN` or a user who sees the queue."""
    if not _may_measure(request):
        return HttpResponseForbidden("Send the METRICS_TOKEN as a bearer token.\n")
    text = cache.get_or_set("metrics", lambda: "".join(_lines()), FRESH_SECONDS)
    return HttpResponse(text, content_type="text/plain; version=0.0.4")


def _may_measure(request: HttpRequest) -> bool:
    expected = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode()
    if settings.METRICS_TOKEN and hmac.compare_digest(given, expected):
        return True
    return request.user.has_perm("omnichannel.view_message")


def _lines() -> Iterator[str]:
    yield "# TYPE studio_messages gauge\n"
    for status in COUNTED:
        count = Message.objects.filter(status=status).count()
        yield f'studio_messages{{status="{status}"}} {count}\n'
    yield "# TYPE studio_jobs gauge\n"
    jobs = Job.objects.order_by("status").values_list("status").annotate(Count("id"))
    for status, count in jobs:
        yield f'studio_jobs{{status="{status}"}} {count}\n'
    yield "# TYPE studio_providers_active gauge\n"
    yield f"studio_providers_active {ChannelProvider.objects.filter(is_active=True).count()}\n"
