from __future__ import annotations

import uuid
from collections import Counter

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q

from omnichannel.choices import Category, ChannelType, JobStatus, Priority


class Job(models.Model):
    """One submission of messages, with the snapshot that all of them are rendered from.

    `source` and `reference` point upward without an import: ("campaign", "7").
    """

    API = "api"  # the source of what other systems send

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    source = models.CharField(max_length=20)
    reference = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PREPARING)
    channel_type = models.CharField("channel", max_length=10, choices=ChannelType.choices)
    category = models.CharField(
        max_length=15, choices=Category.choices, default=Category.TRANSACTIONAL
    )
    provider = models.ForeignKey("omnichannel.ChannelProvider", models.PROTECT, related_name="jobs")
    template_version = models.ForeignKey(
        "omnichannel.TemplateVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    context = models.JSONField(
        default=dict, help_text="The global variables as they were when the job was opened."
    )
    from_address = models.CharField("from address", max_length=320, blank=True)
    from_name = models.CharField("from display name", max_length=120, blank=True)
    reply_to = models.CharField("reply to", max_length=320, blank=True)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    ends_at = models.DateTimeField("end date", null=True, blank=True)
    needs_consent = models.BooleanField(
        default=False, help_text="Only recipients who consented are written to."
    )
    expected = models.PositiveBigIntegerField(
        default=0, help_text="How many recipients the job has."
    )
    expanded = models.PositiveBigIntegerField(
        default=0, help_text="How many of them have a message already."
    )
    cursor = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Where the writing of messages goes on."
    )
    max_delay_days = models.PositiveSmallIntegerField(
        "maximum delay days",
        null=True,
        blank=True,
        help_text="So many days after it was written, a capped message is given up.",
    )
    is_cap_exempt = models.BooleanField("exempt from the frequency cap", default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField("created")
    started_at = models.DateTimeField("started", null=True, blank=True)
    finished_at = models.DateTimeField("finished", null=True, blank=True)
    purged_counts = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="The messages deleted by retention, by the status they had.",
    )

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["source", "reference"], name="job_source"),
            models.Index(
                fields=["status"],
                condition=Q(status__in=["preparing", "running", "paused"]),
                name="job_active",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def counts(self) -> dict[str, int]:
        """Its messages by status, those that retention has deleted included."""
        mine = Job.objects.filter(pk=self.pk).values_list("purged_counts", flat=True)
        purged: dict[str, int] = mine.get()
        for _ in range(3):
            rows = self.messages.order_by().values_list("status").annotate(number=Count("id"))
            found = Counter(dict(rows))
            before, purged = purged, mine.get()
            if before == purged:  # nothing went from here to there while it was counted
                break
        found.update(purged)
        return dict(found)

    @property
    def purged(self) -> int:
        """How many of its messages retention has deleted."""
        return sum(self.purged_counts.values())


class JobSample(models.Model):
    """The counts of a running job at one moment: what its chart is drawn from."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    taken = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    pending = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ("at",)
        indexes = [models.Index(fields=["job", "at"], name="job_sample_at")]

    def __str__(self) -> str:
        return f"{self.job_id} at {self.at:%H:%M:%S}"


class Lane(models.Model):
    """What a whole stream of messages shares, so that claiming is one short index range."""

    provider = models.ForeignKey(
        "omnichannel.ChannelProvider", models.CASCADE, related_name="lanes"
    )
    category = models.CharField(max_length=15, choices=Category.choices)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    job = models.ForeignKey(Job, models.CASCADE, null=True, blank=True, related_name="lanes")
    interval_min = models.TimeField(null=True, blank=True)
    interval_max = models.TimeField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    # Closed from the one moment to the other, end exclusive; moved on by whoever sets it.
    closed_from = models.DateTimeField(null=True, blank=True)
    closed_until = models.DateTimeField(null=True, blank=True)
    is_paused = models.BooleanField(default=False)
    rate_limit = models.PositiveIntegerField(null=True, blank=True)
    cursor = models.PositiveBigIntegerField(
        default=0, help_text="A hint: claims start above this message id."
    )

    class Meta:
        ordering = ("priority", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "category", "priority"],
                condition=Q(job__isnull=True),
                name="lane_shared_once",
            ),
            models.UniqueConstraint(
                fields=["job", "provider", "priority"],
                condition=Q(job__isnull=False),
                name="lane_of_job_once",
            ),
            models.CheckConstraint(
                condition=Q(interval_min__isnull=True)
                | Q(interval_max__isnull=True)
                | ~Q(interval_min=F("interval_max")),
                name="lane_interval_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"lane {self.pk}"


class RateClock(models.Model):
    """When a shared rate allows the next message: ("provider:7", moment)."""

    scope = models.CharField(max_length=40, unique=True)
    free_at = models.DateTimeField()

    class Meta:
        verbose_name = "rate clock"

    def __str__(self) -> str:
        return self.scope
