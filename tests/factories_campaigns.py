"""Rows a campaign is made of."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from campaigns.models import Audience, AudienceMember, Campaign, CampaignRun, HolidayCalendar
from omnichannel.choices import Category, ChannelType, JobStatus
from omnichannel.models import Job, Lane, MessageTemplate, TemplateVersion
from tests.factories import NOW, _numbers, make_provider

HTML = "<p>Hello {{ first_name }}</p><p>No more: {{ system.unsubscribe_url }}</p>"


def make_people(emails: Iterable[str], **values: Any) -> Audience:
    """An audience with one record per address and a first name as its only variable."""
    number = next(_numbers)
    values = {"name": f"Audience {number}", "columns": ["first_name"], **values}
    audience = Audience.objects.create(**values)
    AudienceMember.objects.bulk_create(
        AudienceMember(
            audience=audience,
            key=email or f"key {position}",
            email=email,
            variables={"first_name": f"Ana {position}"},
        )
        for position, email in enumerate(emails)
    )
    audience.records_count = audience.members.count()
    audience.save()
    return audience


def make_published_template(**version: Any) -> MessageTemplate:
    number = next(_numbers)
    channel_type = version.pop("channel_type", ChannelType.EMAIL)
    template = MessageTemplate.objects.create(name=f"Template {number}", channel_type=channel_type)
    values = {
        "number": 1,
        "subject": "Hello {{ first_name }}",
        "html": HTML,
        "compiled_html": HTML,
        "compiled_text": "Hello {{ first_name }}",
        "variables": ["first_name", "system.unsubscribe_url"],
        **version,
    }
    template.published_version = TemplateVersion.objects.create(template=template, **values)
    template.save()
    return template


def make_campaign(**values: Any) -> Campaign:
    """A draft to two people, through a provider of its own."""
    number = next(_numbers)
    values = {"name": f"Campaign {number}", "identifier": f"campaign-{number}", **values}
    values.setdefault("audience", None)
    values["audience"] = values["audience"] or make_people(["a@example.com", "b@example.com"])
    values.setdefault("template", None)
    values["template"] = values["template"] or make_published_template()
    if "provider" not in values:
        values["provider"] = make_provider()
    return Campaign.objects.create(**values)


def make_run(campaign: Campaign, *, column: str = "email", **values: Any) -> CampaignRun:
    """A run as it is right after a start: nothing written yet."""
    job = Job.objects.create(
        **{
            "name": campaign.name,
            "source": "campaign",
            "reference": str(campaign.pk),
            "status": JobStatus.RUNNING,
            "channel_type": campaign.channel_type,
            "category": Category.PROMOTIONAL,
            "provider": campaign.provider,
            "template_version": campaign.template.published_version,
            "expected": campaign.audience.members.count(),
            "created_at": NOW,
            "started_at": NOW,
            **values,
        }
    )
    Lane.objects.create(provider=job.provider, category=job.category, job=job)
    last = campaign.audience.members.order_by("-id").values_list("id", flat=True).first()
    return CampaignRun.objects.create(
        campaign=campaign,
        job=job,
        audience=campaign.audience,
        recipient_column=column,
        last_member=last or 0,
    )


def make_calendar(*holidays: str, **values: Any) -> HolidayCalendar:
    """A calendar with these dates, each as "2026-05-14" or, for every year, "12-25"."""
    number = next(_numbers)
    calendar = HolidayCalendar.objects.create(**{"name": f"Calendar {number}", **values})
    for text in holidays:
        is_yearly = len(text) == 5
        date = datetime.date.fromisoformat(f"2024-{text}" if is_yearly else text)
        calendar.holidays.create(date=date, name=f"Feast {text}", is_yearly=is_yearly)
    return calendar
