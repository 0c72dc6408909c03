"""Jobs of other systems end by themselves when nothing of them is pending."""

from __future__ import annotations

import datetime

from django.db.models import Exists, OuterRef

from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import Job, Message


def finish(at: datetime.datetime) -> int:
    """End those that are through; answer how many. Requeueing a message starts its job again."""
    pending = Message.objects.filter(job=OuterRef("pk"), status__in=MessageStatus.pending())
    running = Job.objects.filter(status=JobStatus.RUNNING, source=Job.API)
    return running.filter(~Exists(pending)).update(status=JobStatus.FINISHED, finished_at=at)
