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


class Encoding(models.TextChoices):
    UTF_8 = "utf-8", "UTF-8"
    CP1252 = "cp1252", "Western European (Windows-1252)"
    CP1250 = "cp1250", "Central European (Windows-1250)"
    CP1251 = "cp1251", "Cyrillic (Windows-1251)"
    LATIN_1 = "iso-8859-1", "Western European (ISO-8859-1)"
    LATIN_2 = "iso-8859-2", "Central European (ISO-8859-2)"
    LATIN_9 = "iso-8859-15", "Western European with euro sign (ISO-8859-15)"


class Delimiter(models.TextChoices):
    COMMA = ",", "Comma ,"
    SEMICOLON = ";", "Semicolon ;"
    TAB = "\t", "Tab"
    PIPE = "|", "Vertical bar |"
