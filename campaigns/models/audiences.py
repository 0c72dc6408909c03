from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from campaigns.choices import ImportMode, ImportStatus
from omnichannel.choices import Delimiter, Encoding

WITH_CAPITALS = ~Q(email=Lower("email"))


class Audience(models.Model):
    """People to write to: from one record to millions, with the values templates use."""

    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    tags = models.ManyToManyField("omnichannel.Label", blank=True, related_name="audiences")
    columns = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="The names of the variables its records carry, in the order of the file.",
    )
    records_count = models.PositiveBigIntegerField("records", default=0, editable=False)
    is_active = models.BooleanField("active", default=True)
    is_demo = models.BooleanField(default=False, editable=False)
    removal_asked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Set: it is deleted in the background."
    )
    created_at = models.DateTimeField("created", auto_now_add=True)
    updated_at = models.DateTimeField("changed", auto_now=True)

    class Meta:
        ordering = ("name",)
        permissions = [
            ("import_audience", "Can import audiences"),
            ("export_audience", "Can export audiences"),
        ]

    def __str__(self) -> str:
        return self.name


class AudienceMember(models.Model):
    """One record. `key` is the value that makes it unique in its audience."""

    audience = models.ForeignKey(Audience, models.CASCADE, related_name="members", db_index=False)
    key = models.CharField(max_length=320)
    email = models.CharField("e-mail", max_length=320, blank=True)
    phone = models.CharField(max_length=20, blank=True, help_text="E.164: + and digits.")
    variables = models.JSONField(default=dict, blank=True)
    import_id = models.PositiveBigIntegerField(
        null=True, blank=True, editable=False, help_text="The import that wrote it last."
    )

    class Meta:
        ordering = ("id",)
        verbose_name = "audience record"
        constraints = [
            # By bytes on PostgreSQL, so that a search for a beginning uses it.
            models.UniqueConstraint(
                fields=["audience", "key"],
                name="member_once_per_audience",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            )
        ]
        indexes = [
            models.Index(fields=["audience", "id"], name="member_page"),
            # For a search: what the key does not find already.
            models.Index(
                fields=["audience", "email"],
                name="member_email",
                opclasses=["int8_ops", "varchar_pattern_ops"],
                condition=~Q(email=F("key")) & ~Q(email=""),
            ),
            models.Index(
                fields=["audience", "phone"],
                name="member_phone",
                opclasses=["int8_ops", "varchar_pattern_ops"],
                condition=~Q(phone=F("key")) & ~Q(phone=""),
            ),
            # For one person's page, whatever the audience: few rows of a million.
            models.Index(Lower("email"), name="member_email_capitals", condition=WITH_CAPITALS),
        ]

    def __str__(self) -> str:
        return self.key


def import_path(row: AudienceImport, filename: str) -> str:
    return f"imports/{uuid.uuid4().hex}"


class AudienceImport(models.Model):
    """One file on its way into an audience, with all that was decided about it."""

    audience = models.ForeignKey(Audience, models.CASCADE, related_name="imports")
    status = models.CharField(
        max_length=10, choices=ImportStatus.choices, default=ImportStatus.UPLOADED
    )
    file = models.FileField(upload_to=import_path, blank=True)
    made_audience = models.BooleanField(
        default=False, editable=False, help_text="The audience was made for this file."
    )
    original_name = models.CharField("file name", max_length=255)
    is_xlsx = models.BooleanField(default=False, editable=False)
    encoding = models.CharField(
        max_length=20,
        choices=Encoding.choices,
        default=Encoding.UTF_8,
        blank=True,
        help_text="Empty: not known, the operator must say.",
    )
    delimiter = models.CharField(max_length=1, choices=Delimiter.choices, default=Delimiter.COMMA)
    has_header = models.BooleanField("first row is the header", default=True)
    mode = models.CharField(max_length=10, choices=ImportMode.choices, default=ImportMode.UPSERT)
    default_region = models.CharField(
        max_length=2,
        blank=True,
        help_text="Country (two letters) of phone numbers that are written without +.",
    )
    headers = models.JSONField(default=list, editable=False)
    mapping = models.JSONField(
        default=dict,
        help_text='{"email": index, "phone": index, "variables": {name: index}, '
        '"key": "email" | "phone" | a variable}',
    )
    bytes_total = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    rows_done = models.PositiveBigIntegerField("rows read", default=0)
    added = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    unchanged = models.PositiveBigIntegerField(default=0)
    duplicates = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    removed = models.PositiveBigIntegerField(default=0)
    checkpoint = models.JSONField(
        default=dict, editable=False, help_text="Where the import goes on after a crash."
    )
    claimed_by = models.CharField(max_length=80, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField("created", auto_now_add=True)
    started_at = models.DateTimeField("started", null=True, blank=True)
    finished_at = models.DateTimeField("finished", null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "import"
        constraints = [
            models.UniqueConstraint(
                fields=["audience"],
                condition=Q(status__in=["queued", "running"]),
                name="import_one_at_a_time",
                violation_error_message="Another import into this audience is still running.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.original_name} into {self.audience}"
