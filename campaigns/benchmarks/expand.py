"""How fast the messages of a campaign are written: audience records to queue rows."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator

from django.db.models import Count
from django.utils import timezone

from campaigns import expansion
from campaigns.benchmarks.other_writer import OtherWriter
from campaigns.benchmarks.rows import make_audience
from campaigns.models import Audience, Campaign, CampaignRun
from omnichannel.benchmarks.base import BenchOptions, Figure, peak_mb
from omnichannel.choices import Category, ChannelType, JobStatus, MessageStatus
from omnichannel.models import (
    ChannelProvider,
    Job,
    Lane,
    MessageTemplate,
    Suppression,
    TemplateVersion,
)

NAME = "expand"
N = 1_000_000
SUPPRESSED_EVERY = 100  # one record in so many is on the list
OTHERS_SUPPRESSED = 100_000  # entries of the list that the audience does not meet
BATCH = 10_000


def run(options: BenchOptions) -> Iterator[Figure]:
    """Write the messages of one job of `n` recipients with five columns each."""
    job = _job(make_audience(options.n))
    suppressed = _suppress(options.n)
    with OtherWriter(NAME) as other:
        cpu, began = time.process_time(), time.monotonic()
        while expansion.expand(job, at=timezone.now(), until=time.monotonic() + 5):
            job.refresh_from_db()
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    _verify(job, options.n, suppressed)
    memory = peak_mb()
    yield Figure("expand.seconds", seconds, "s", options.n, seconds, memory)
    yield Figure("expand.rows_per_s", options.n / seconds, "messages/s", options.n, seconds, memory)
    if options.db == "sqlite":  # a server's writers come and go
        # What stays true on a busy machine.
        yield Figure("expand.cpu_rate", options.n / cpu, "messages/cpu-s", options.n, cpu)
    yield Figure("expand.suppressed", suppressed, "messages", options.n)
    yield from other.figures()


def _suppress(count: int) -> int:
    """Put some of the audience on the list, and many others. How many of the audience."""
    mine = [f"person{number}@example.com" for number in range(0, count, SUPPRESSED_EVERY)]
    others = (f"left{number}@example.com" for number in range(OTHERS_SUPPRESSED))
    addresses = itertools.chain(mine, others)
    while batch := list(itertools.islice(addresses, BATCH)):
        Suppression.objects.bulk_create(
            Suppression(channel_type=ChannelType.EMAIL, address=address) for address in batch
        )
    return len(mine)


def _verify(job: Job, count: int, suppressed: int) -> None:
    found = Counter(dict(job.messages.values_list("status").annotate(Count("id"))))
    wanted = {MessageStatus.NEW: count - suppressed, MessageStatus.SUPPRESSED: suppressed}
    if found != Counter(wanted):
        raise RuntimeError(f"The messages are {dict(found)}, not {wanted}.")


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
