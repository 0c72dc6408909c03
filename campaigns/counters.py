"""The stored counts of audiences and runs, and runs' reports, compared with their rows."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from campaigns import progress, report_check
from campaigns.choices import ImportStatus
from campaigns.models import Audience, CampaignRun
from omnichannel.choices import JobStatus
from omnichannel.counters import Difference
from omnichannel.models import Job


def differences() -> Iterator[Difference]:
    """One audience and one run after the other. What is being written right now is left out."""
    for audience in Audience.objects.filter(removal_asked_at=None).order_by("pk").iterator():
        yield from _records(audience)
    runs = CampaignRun.objects.select_related("job", "campaign").order_by("pk")
    for run in runs.iterator():
        yield from _expected(run)
        if run.job.status not in JobStatus.active():
            yield from _sample(run)
            yield from _report(run)


def _records(audience: Audience) -> Iterator[Difference]:
    for _ in range(2):  # what differs only once was written to in that moment
        if audience.imports.filter(status__in=ImportStatus.active()).exists():
            return
        audience.refresh_from_db(fields=["records_count"])
        stored, counted = audience.records_count, audience.members.order_by().count()
        if stored == counted:
            return
    mine = Audience.objects.filter(pk=audience.pk, records_count=stored)
    name = f"audience {audience.pk} “{audience}”: records"
    yield Difference(name, stored, counted, lambda: mine.update(records_count=counted))


def _expected(run: CampaignRun) -> Iterator[Difference]:
    """Every record that was read was expected."""
    job = run.job
    read = job.expanded + run.without_address + run.repeated
    if run.written_at is not None and read > job.expected:
        mine = Job.objects.filter(pk=job.pk, expected=job.expected)
        name = f"{_named(run)}: expected"
        yield Difference(name, job.expected, read, lambda: mine.update(expected=read))


def _sample(run: CampaignRun) -> Iterator[Difference]:
    """The figures that lists show of a run that has ended."""
    latest = run.job.samples.order_by("-at").first()
    found = progress.figures(run)
    if latest is None or found.written != run.job.expanded:
        return
    stored = (latest.taken, latest.failed, latest.pending)
    for name, old, new in zip(("sent", "failed", "waiting"), stored, found.sampled, strict=True):
        if old != new:
            yield Difference(
                f"{_named(run)}: last sample, {name}", old, new, lambda: progress.recount(run)
            )


def _report(run: CampaignRun) -> Iterator[Difference]:
    """What the report says, which is stored nowhere: a difference is a fault and has no fix."""
    for name, said, counted in report_check.wrong(run, timezone.now()):
        yield Difference(f"{_named(run)}: report, {name}", said, counted, lambda: 0)


def _named(run: CampaignRun) -> str:
    return f"run {run.pk} of “{run.campaign}” (job {run.job_id})"
