from __future__ import annotations

import datetime
from collections.abc import Iterator

from django.db.models import Count

from campaigns.choices import ImportStatus
from campaigns.models import AudienceImport
from omnichannel.metrics import Gauge


def gauges(at: datetime.datetime) -> Iterator[Gauge]:
    """The figures of this app for Prometheus."""
    active = AudienceImport.objects.filter(status__in=ImportStatus.active()).order_by()
    found = dict(active.values_list("status").annotate(Count("id")))
    counts = {status.value: found.get(status, 0) for status in ImportStatus.active()}
    yield Gauge("studio_imports", "Audience imports that are not over, by state.", counts, "status")
