from __future__ import annotations

from django.db import models


class CampaignStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SCHEDULED = "scheduled", "Scheduled"  # starts by itself at its start date
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    FINISHED = "finished", "Finished"  # nothing pending is left; may run again as a new job
    CANCELLED = "cancelled", "Cancelled"

    @classmethod
    def at_rest(cls) -> tuple[CampaignStatus, ...]:
        """May be edited, run, scheduled and deleted."""
        return (cls.DRAFT, cls.FINISHED, cls.CANCELLED)

    @classmethod
    def under_way(cls) -> tuple[CampaignStatus, ...]:
        """Has a run that is not over."""
        return (cls.RUNNING, cls.PAUSED)


class OnClosedDay(models.TextChoices):
    """What a campaign does on a weekend or a holiday."""

    SEND = "send", "Send"
    SEND_AFTER = "after", "Send after"  # on the next open day


class Weekday(models.IntegerChoices):
    """As date.weekday() counts."""

    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class ImportStatus(models.TextChoices):
    UPLOADED = "uploaded", "Uploaded"  # waits for its mapping to be confirmed
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    FINISHED = "finished", "Finished"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"

    @classmethod
    def active(cls) -> tuple[ImportStatus, ...]:
        return (cls.QUEUED, cls.RUNNING)


class ImportMode(models.TextChoices):
    UPSERT = "upsert", "Add new records and update known ones"
    ADD = "add", "Add new records only"
    REPLACE = "replace", "Replace all records by this file"
