"""A checked submission becomes rows, all in one transaction."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from omnichannel import consents, doorbell, notices, outbox, unkept
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.lanes import shared_lane_id
from omnichannel.models import ChannelProvider, Job, Message
from omnichannel.screening import SUPPRESSED, suppressions_of
from omnichannel.submissions import files, rows
from omnichannel.submissions.asked import Submission
from omnichannel.submissions.content import Content
from omnichannel.submissions.outcome import Accepted, Prepared, Queued
from omnichannel.windows import next_opening


def shared_columns(asked: Submission, content: Content, provider: ChannelProvider) -> Message:
    """A message with the columns that are the same for all; not to be saved."""
    return Message(
        provider=provider,
        template_version=content.version,
        **{
            name: getattr(asked, name)
            for name in (
                *("subject", "body_html", "body_text", "category", "priority"),
                *("starts_at", "ends_at", "interval_min", "interval_max"),
                *("retry_max_attempt", "pool_time_retry"),
                *("channel_provider_params", "extended_properties"),
            )
        },
    )


def write(prepared: Prepared, *, at: datetime.datetime, rings: bool = True) -> Accepted:
    """Queue what was checked, in one transaction. `rings`: workers are to look at it."""
    asked, recipients = prepared.asked, prepared.recipients
    stored = files.Stored(prepared.files, len(recipients)) if prepared.files else None
    keys = rows.new_keys(len(recipients))
    try:
        with transaction.atomic(savepoint=False):
            job = _job(prepared, at) if _needs_job(asked) else None
            queued = _rows(prepared, keys, job, at)
            shared = shared_columns(asked, prepared.content, recipients[0].provider)
            shared.job, shared.channel, shared.created_at = job, prepared.way.channel, at
            ids = rows.insert(queued, shared)
            _tell(queued, ids, at)
            if stored:
                stored.write([ids[key] for key in keys])
            if rings and any(row.status == MessageStatus.NEW for row in queued):
                doorbell.ring_for(asked.category)
    except BaseException:
        if stored:
            stored.discard()
        raise
    messages = [
        Queued(ids[row.key], str(row.key), row.to_address, row.status, row.provider_id)
        for row in queued
    ]
    return Accepted(job, messages)


def _tell(queued: Sequence[rows.Row], ids: Mapping[uuid.UUID, int], at: datetime.datetime) -> None:
    """Some messages end as they begin, which an outgoing webhook may want to know."""
    barred = [ids[row.key] for row in queued if row.status == MessageStatus.SUPPRESSED]
    if barred and notices.is_wanted(MessageStatus.SUPPRESSED):
        notices.keep(MessageStatus.SUPPRESSED, barred, at=at)


def _needs_job(asked: Submission) -> bool:
    of_the_job = (asked.from_address, asked.from_name, asked.reply_to, asked.needs_consent)
    return len(asked.recipients) > 1 or any(of_the_job)


def _job(prepared: Prepared, at: datetime.datetime) -> Job:
    """Its messages go by the shared lanes: a lane for each of these would slow down all sending."""
    asked, content = prepared.asked, prepared.content
    number = len(prepared.recipients)
    usual = content.version.template.name if content.version else asked.subject
    return Job.objects.create(
        name=(asked.name or usual or "API")[:200],
        source=Job.API,
        reference=asked.reference,
        status=JobStatus.RUNNING,
        channel_type=prepared.way.channel_type,
        category=asked.category,
        provider=prepared.recipients[0].provider,
        template_version=content.version,
        context=dict(content.global_values),
        from_address=asked.from_address,
        from_name=asked.from_name,
        reply_to=asked.reply_to,
        priority=asked.urgency,
        ends_at=asked.ends_at,
        needs_consent=asked.needs_consent,
        expected=number,
        expanded=number,
        created_at=at,
        started_at=at,
    )


def _rows(
    prepared: Prepared, keys: Sequence[uuid.UUID], job: Job | None, at: datetime.datetime
) -> list[rows.Row]:
    asked, recipients = prepared.asked, prepared.recipients
    opening = next_opening(max(at, asked.starts_at or at), asked.interval_min, asked.interval_max)
    status = MessageStatus.SCHEDULED if opening > at else MessageStatus.NEW
    due_at = opening if opening > at else None
    barred = _barred(prepared)
    providers = {each.provider.pk: each.provider for each in recipients}
    lanes = {pk: shared_lane_id(pk, asked.category, asked.urgency) for pk in providers}
    expiries = {
        pk: outbox.expiry(asked.ends_at, provider, at) for pk, provider in providers.items()
    }
    keeps_globals = job is None and prepared.content.version is not None
    return [
        rows.Row(
            key=key,
            to_address=each.to_address,
            cc_addresses=each.cc_addresses,
            bcc_addresses=each.bcc_addresses,
            variables=_with_globals(prepared.content, variables) if keeps_globals else variables,
            provider_id=each.provider.pk,
            lane_id=lanes[each.provider.pk],
            status=MessageStatus.SUPPRESSED
            if (text := barred.get(each.to_address, ""))
            else status,
            error_message=text,
            due_at=None if text else due_at,
            expires_at=expiries[each.provider.pk],
        )
        for key, each in zip(keys, recipients, strict=True)
        for variables in (unkept.kept(each.variables, asked.unkept),)
    ]


def _with_globals(content: Content, variables: dict[str, Any]) -> dict[str, Any]:
    return {**variables, "global": content.snapshot_for(variables)}


def _barred(prepared: Prepared) -> dict[str, str]:
    """Why an address must not be written to, of those that must not."""
    asked, channel_type = prepared.asked, prepared.way.channel_type
    lower = {each.to_address: each.to_address.lower() for each in prepared.recipients}
    found = suppressions_of(channel_type, set(lower.values()))
    barred = {
        address: SUPPRESSED
        for address, text in lower.items()
        if (text, "") in found or (text, asked.category) in found
    }
    if asked.needs_consent:
        known = consents.latest(channel_type, asked.category, lower.values())
        for address, text in lower.items():
            if not known.get(text):
                barred.setdefault(address, consents.NONE_ON_RECORD)
    return barred
