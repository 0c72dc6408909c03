"""Where every sender starts: validated messages enter the queue here, one by one or as a job."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from omnichannel import copies, doorbell, notices, routing
from omnichannel.choices import (
    Category,
    ChannelType,
    JobStatus,
    MessageStatus,
    Priority,
)
from omnichannel.exceptions import IllegalTransition, InvalidMessage
from omnichannel.lanes import lane_for
from omnichannel.models import ChannelProvider, Job, Lane, Message
from omnichannel.models.messages import MessageQuerySet
from omnichannel.screening import SUPPRESSED, suppressed_addresses
from omnichannel.windows import Window, next_common_opening, next_opening

CHUNK = 5_000  # rows of one statement: SQLite bounds its variables, and others must write too


def enqueue(message: Message, *, at: datetime.datetime) -> Message:
    """Put one unsaved message into the queue: cleaned, routed, with its first status.

    Without a provider, the channel's is used, else the default for its category. Raises
    InvalidMessage or NoProvider; then nothing is saved.
    """
    if message.provider_id is None:
        message.provider = _provider_of(message, at)
    channel_type = message.provider.channel_type
    copies.complete(message, channel_type)
    check_content(message, channel_type)
    if message.lane_id is None:
        message.lane = lane_for(message.provider, message.category, message.priority)
    message.created_at = at
    message.expires_at = expiry(message.ends_at, message.provider, at)
    message.status, message.due_at = _first_status(message, at)
    notices.insert(message, at=at)
    if message.status == MessageStatus.NEW:
        doorbell.ring_for(message.category)
    return message


def _provider_of(message: Message, at: datetime.datetime) -> ChannelProvider:
    channel = message.channel
    if channel is None:
        raise InvalidMessage("Choose a channel or a provider.")
    if channel.bus_provider is not None:
        return channel.bus_provider
    return routing.pick_provider(
        channel.bus_channel, message.category, address=message.to_address, at=at
    )


def check_content(message: Message, channel_type: str) -> None:
    """Raises InvalidMessage for what can never be sent: no body, a broken header, no window."""
    if any(char in message.subject for char in "\r\n\0"):
        raise InvalidMessage("The subject cannot contain a line break.")
    if message.template_version_id is None:
        if not (message.body_html.strip() or message.body_text.strip()):
            raise InvalidMessage("The body is empty.")
        if channel_type != ChannelType.EMAIL and not message.body_text.strip():
            raise InvalidMessage("This channel sends text: fill in the text body.")
    if message.starts_at and message.ends_at and message.starts_at >= message.ends_at:
        raise InvalidMessage("The end date must be after the start date.")
    check_windows(
        (message.interval_min, message.interval_max),
        (message.provider.interval_min, message.provider.interval_max),
    )


def check_windows(own: Window, providers: Window) -> None:
    """Raises InvalidMessage when a message with the one could never go through the other."""
    if own[0] is not None and own[0] == own[1]:
        raise InvalidMessage(
            "Interval Min and Interval Max are equal: leave both empty to send all day."
        )
    someday = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    if next_common_opening(someday, own, providers) is None:
        raise InvalidMessage(
            "The message's interval and the provider's never overlap: it could never be sent."
        )


def expiry(
    ends_at: datetime.datetime | None, provider: ChannelProvider, at: datetime.datetime
) -> datetime.datetime | None:
    """The earlier of the end date and `at` + Days Before Expire; None: never."""
    days = provider.days_before_expire
    ends = [ends_at] if ends_at else []
    if days is not None:
        ends.append(at + datetime.timedelta(days=days))
    return min(ends, default=None)


def _first_status(
    message: Message, at: datetime.datetime
) -> tuple[MessageStatus, datetime.datetime | None]:
    if (message.to_address.lower(), message.category) in suppressed_addresses([message]):
        message.error_message = SUPPRESSED
        return MessageStatus.SUPPRESSED, None
    start = max(at, message.starts_at or at)
    opening = next_opening(start, message.interval_min, message.interval_max)
    if opening > at:
        return MessageStatus.SCHEDULED, opening
    return MessageStatus.NEW, None


def cancel(messages: MessageQuerySet, *, at: datetime.datetime) -> int:
    """Cancel what nobody has in hand yet; answer how many were."""
    text = f"Cancelled {at:%Y-%m-%d %H:%M} UTC."
    return notices.move(messages, MessageStatus.CANCELLED, at=at, due_at=None, error_message=text)


def requeue(messages: MessageQuerySet, *, at: datetime.datetime) -> int:
    """Send again what ended without being taken (or may not have been); answer how many.

    Left alone: messages whose end date has passed and those of a cancelled job. A finished job
    runs on until they are through.
    """
    finished = (
        MessageStatus.FAILED,
        MessageStatus.EXPIRED,
        MessageStatus.CANCELLED,
        MessageStatus.SUPPRESSED,
        MessageStatus.UNCERTAIN,
        MessageStatus.ERROR,
    )
    chosen = messages.filter(status__in=finished).exclude(job__status=JobStatus.CANCELLED)
    for field in ("ends_at", "job__ends_at"):
        chosen = chosen.filter(Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gt": at}))
    moved = 0
    for (provider, ends_at), rows in _by_expiry(chosen).items():
        latest = earlier_end(expiry(ends_at, provider, at))
        for start in range(0, len(rows), CHUNK):
            ids = [pk for pk, _ in rows[start : start + CHUNK]]
            ready = Message.objects.filter(pk__in=ids, status__in=finished)
            with transaction.atomic():  # no job is called finished while a message of it is new
                moved += ready.move(MessageStatus.NEW, **afresh(at), expires_at=latest)
                run_on({job for _, job in rows[start : start + CHUNK] if job})
    return moved


def _by_expiry(
    messages: MessageQuerySet,
) -> dict[tuple[ChannelProvider, datetime.datetime | None], list[tuple[int, int | None]]]:
    """(message, job) by what their new expiry depends on: the provider and the job's end."""
    found: dict[tuple[int, datetime.datetime | None], list[tuple[int, int | None]]] = {}
    columns = ("provider_id", "job__ends_at", "pk", "job_id")
    for provider_id, ends_at, pk, job in messages.values_list(*columns):
        found.setdefault((provider_id, ends_at), []).append((pk, job))
    providers = ChannelProvider.objects.in_bulk({provider_id for provider_id, _ in found})
    return {(providers[key], ends_at): rows for (key, ends_at), rows in found.items()}


def afresh(at: datetime.datetime) -> dict[str, Any]:
    """The columns of a message that has all its attempts before it again."""
    return {
        "due_at": at,
        "attempts": 0,
        "retry_attempt": 0,
        "error_code": "",
        "error_message": "",
        "lease_until": None,
        "claimed_by": "",
    }


def earlier_end(latest: datetime.datetime | None) -> Any:
    """The message's own end date or `latest`, whichever comes first, as an expression."""
    if latest is None:
        return F("ends_at")
    return Case(When(ends_at__lt=latest, then=F("ends_at")), default=Value(latest))


def run_on(jobs: Iterable[int]) -> None:
    """Finished jobs that have something to send again are running, also if they ended on hold."""
    finished = Job.objects.filter(pk__in=jobs, status=JobStatus.FINISHED)
    ids = list(finished.values_list("pk", flat=True))
    finished.update(status=JobStatus.RUNNING, finished_at=None)
    Lane.objects.filter(job__in=ids, job__status=JobStatus.RUNNING).update(is_paused=False)


def resolve_as_sent(messages: MessageQuerySet, *, at: datetime.datetime) -> int:
    """Settle uncertain messages: an operator knows that they arrived."""
    return notices.move(
        messages.filter(status=MessageStatus.UNCERTAIN),
        MessageStatus.SENT,
        at=at,
        error_code="",
        error_message=f"Marked as sent by an operator {at:%Y-%m-%d %H:%M} UTC.",
    )


def open_job(
    *,
    name: str,
    source: str,
    reference: str = "",
    channel_type: str,
    category: Category | str,
    provider: ChannelProvider,
    at: datetime.datetime,
    priority: int = Priority.NORMAL,
    starts_at: datetime.datetime | None = None,
    rate_limit: int | None = None,
    **fields: Any,
) -> Job:
    """A job and its one lane, which is held until `start_job`.

    `fields` are further columns of Job: template_version, context, from_address, from_name,
    reply_to, ends_at, needs_consent, expected, max_delay_days, is_cap_exempt, created_by.
    """
    job = Job.objects.create(
        name=name,
        source=source,
        reference=reference,
        channel_type=channel_type,
        category=category,
        provider=provider,
        priority=priority,
        created_at=at,
        **fields,
    )
    Lane.objects.create(
        provider=provider,
        category=category,
        priority=priority,
        job=job,
        starts_at=starts_at,
        ends_at=job.ends_at,
        rate_limit=rate_limit,
        is_paused=True,
    )
    return job


def start_job(job: Job, at: datetime.datetime) -> None:
    """Let its messages go. Raises IllegalTransition unless it is being prepared."""
    _move_job(job, (JobStatus.PREPARING,), JobStatus.RUNNING, started_at=at)
    job.lanes.update(is_paused=False)
    doorbell.ring_for(job.category)


def pause_job(job: Job, at: datetime.datetime) -> None:
    """Hold its messages. What a worker has in hand stops within a second."""
    _move_job(job, (JobStatus.PREPARING, JobStatus.RUNNING), JobStatus.PAUSED)
    job.lanes.update(is_paused=True)


def resume_job(job: Job, at: datetime.datetime) -> None:
    _move_job(job, (JobStatus.PAUSED,), JobStatus.RUNNING)
    # From now on they are due, and not since they were written.
    job.lanes.exclude(starts_at__gt=at).update(starts_at=at)
    job.lanes.update(is_paused=False)
    doorbell.ring_for(job.category)


def cancel_job(job: Job, at: datetime.datetime) -> int:
    """End it: cancel what still waits; answer how many messages that were."""
    _move_job(job, JobStatus.active(), JobStatus.CANCELLED, finished_at=at)
    # Messages before lanes, as a claim does: else each could wait for the other for ever.
    cancelled = cancel(Message.objects.filter(job=job), at=at)
    job.lanes.update(is_paused=True)
    return cancelled


def _move_job(job: Job, sources: tuple[JobStatus, ...], target: JobStatus, **fields: Any) -> None:
    moved = Job.objects.filter(pk=job.pk, status__in=sources).update(status=target, **fields)
    if not moved:
        job.refresh_from_db()
        raise IllegalTransition(
            f"{job.name} is {job.get_status_display().lower()}: it cannot become "
            f"{target.label.lower()}."
        )
    job.status = target
    for name, value in fields.items():
        setattr(job, name, value)
