"""How fast the messages of a campaign are written: audience records to queue rows."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.utils import timezone

from campaigns import expansion
from campaigns.benchmarks.rows import make_audience
from campaigns.models import Audience, Campaign, CampaignRun
from omnichannel.benchmarks.base import BenchOptions, Figure, peak_mb
from omnichannel.choices import Category, JobStatus
from omnichannel.models import ChannelProvider, Job, Lane, MessageTemplate, TemplateVersion

NAME = "expand"
N = 1_000_000
N = 1_000_000


def run(options: BenchOptions) -> Iterator[Figure]:
    """Write the messages of one job of `n` recipients with five columns each."""
    job = _job(make_audience(options.n))
    began = time.monotonic()
    while True:
        if not expansion.expand(job, at=timezone.now(), until=time.monotonic() + 5):
            break
        job.refresh_from_db()
    seconds = time.monotonic() - began
    if job.messages.count() != options.n:
        raise RuntimeError("The number of messages is not the number of recipients.")
    memory = peak_mb()
    yield Figure("expand.seconds", seconds, "s", options.n, seconds, memory)
    yield Figure("expand.rows_per_s", options.n / seconds, "messages/s", options.n, seconds, memory)


def _job(audience: Audience) -> Job:
    now = timezone.now()
    provider = ChannelProvider.objects.create(name="Bench", backend="sandbox")
    template = MessageTemplate.objects.create(name="Bench")
    version = TemplateVersion.objects.create(template=template, number=1, subject="Hello")
    job = Job.objects.create(
        name="Bench",
        source="campaign",
        status=JobStatus.RUNNING,
        channel_type=provider.channel_type,
        category=Category.PROMOTIONAL,
        provider=provider,
        template_version=version,
        expected=audience.records_count,
        created_at=now,
    )
    Lane.objects.create(provider=provider, category=job.category, job=job, is_paused=True)
    campaign = Campaign.objects.create(
        name="Bench", identifier="bench", template=template, audience=audience, provider=provider
    )
    last = audience.members.order_by("-id").values_list("id", flat=True)[0]
    CampaignRun.objects.create(
        campaign=campaign, job=job, audience=audience, recipient_column="email", last_member=last
    )
    return job
