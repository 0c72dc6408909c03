from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Greatest
from simple_history.models import HistoricalRecords

from campaigns.choices import CampaignStatus, OnClosedDay
from omnichannel.choices import ChannelType, JobStatus, Priority
from omnichannel.models import Job, JobSample


class Campaign(models.Model):
    """A recipe: this template, to this audience, through this provider. One run is one Job."""

    name = models.CharField(max_length=120, unique=True)
    identifier = models.SlugField(
        max_length=60, unique=True, help_text="A short name for reports and links."
    )
    description = models.TextField(blank=True)
    tags = models.ManyToManyField("omnichannel.Label", blank=True, related_name="campaigns")
    status = models.CharField(
        max_length=10,
        choices=CampaignStatus.choices,
        default=CampaignStatus.DRAFT,
        editable=False,
    )
    channel_type = models.CharField(
        "channel type",
        max_length=10,
        choices=ChannelType.choices,
        default=ChannelType.EMAIL,
    )
    template = models.ForeignKey(
        "omnichannel.MessageTemplate", models.PROTECT, related_name="campaigns"
    )
    audience = models.ForeignKey("campaigns.Audience", models.PROTECT, related_name="campaigns")
    recipient_column = models.CharField(
        max_length=60,
        blank=True,
        help_text="The column that holds the address. Empty: e-mail or phone, by channel.",
    )
    needs_consent = models.BooleanField(
        "only recipients who consented",
        default=False,
        help_text="Records without a consent on record are left out.",
    )
    provider = models.ForeignKey(
        "omnichannel.ChannelProvider",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text="Empty: the default provider for promotional messages.",
    )
    from_address = models.CharField(
        "from address", max_length=320, blank=True, help_text="Empty: the provider's."
    )
    starts_at = models.DateTimeField(
        "start date", null=True, blank=True, help_text="UTC. Needed to schedule; empty: now."
    )
    ends_at = models.DateTimeField(
        "end date", null=True, blank=True, help_text="UTC. What is not sent by then expires."
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    rate_limit = models.PositiveIntegerField(
        "per-second limit",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Messages per second. Empty: as fast as the provider goes.",
    )
    calendar = models.ForeignKey(
        "campaigns.HolidayCalendar",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text="Its holidays, weekend days and time zone. Empty: Saturday and Sunday, UTC.",
    )
    on_weekends = models.CharField(
        "on weekends", max_length=5, choices=OnClosedDay.choices, default=OnClosedDay.SEND
    )
    on_holidays = models.CharField(
        "on holidays",
        max_length=5,
        choices=OnClosedDay.choices,
        default=OnClosedDay.SEND,
        help_text="Send after: nothing goes on such a day; it goes on when the next open day "
        "begins, inside the provider's sending hours.",
    )
    max_delay_days = models.PositiveSmallIntegerField(
        "maximum delay days",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="After so many closed days in a row it goes anyway. A message that a frequency "
        "cap holds back is given up when it is so many days old. Empty: no limit.",
    )
    is_cap_exempt = models.BooleanField(
        "exempt from the frequency cap",
        default=False,
        help_text="For what everybody must get, such as a recall.",
    )
    trouble = models.TextField(
        blank=True, editable=False, help_text="Why a scheduled start did not come about."
    )
    is_demo = models.BooleanField(default=False, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField("created", auto_now_add=True)
    updated_at = models.DateTimeField("changed", auto_now=True)
    history = HistoricalRecords(excluded_fields=["status", "trouble"])

    class Meta:
        ordering = ("-id",)
        permissions = [("launch_campaign", "Can run, pause and cancel campaigns")]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(starts_at__lt=F("ends_at")),
                name="campaign_ends_after_start",
                violation_error_message="The end date must be after the start date.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def jobs(self) -> models.QuerySet[Job]:
        """Its runs, latest first."""
        return Job.objects.filter(source="campaign", reference=str(self.pk))

    def latest_run(self) -> CampaignRun | None:
        """Its last run, with the job and the provider."""
        return self.runs.select_related("job__provider").order_by("-id").first()

    @property
    def is_editable(self) -> bool:
        return self.status in CampaignStatus.at_rest()


class CampaignRunQuerySet(models.QuerySet["CampaignRun"]):
    def with_figures(self) -> CampaignRunQuerySet:
        """With what the last sample says: `taken`, `failed`, `waiting` (None: no sample yet), and
        `whom`, the number of recipients: each has a message or will have one.
        """
        sample = JobSample.objects.filter(job=OuterRef("job")).order_by("-at")
        is_whole = Q(written_at__isnull=False) | ~Q(job__status__in=JobStatus.active())
        to_come = F("job__expected") - F("without_address") - F("repeated")
        return self.annotate(
            whom=Case(
                When(is_whole, then=F("job__expanded")),
                default=Greatest(F("job__expanded"), to_come),
            ),
            taken=Subquery(sample.values("taken")[:1]),
            failed=Subquery(sample.values("failed")[:1]),
            waiting=Subquery(sample.values("pending")[:1]),
        )


class CampaignRun(models.Model):
    """One run: the job, and what was frozen about its recipients.

    The recipients are the audience's records with an id up to `last_member`. Every record read
    is counted: it has a message (`job.expanded`), no address, or an address met before.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="runs")
    job = models.OneToOneField(Job, models.CASCADE, related_name="campaign_run")
    audience = models.ForeignKey("campaigns.Audience", models.SET_NULL, null=True, related_name="+")
    recipient_column = models.CharField(max_length=60)
    last_member = models.PositiveBigIntegerField(default=0)
    without_address = models.PositiveBigIntegerField(default=0)
    repeated = models.PositiveBigIntegerField(default=0)
    written_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last message had been written."
    )
    resend_before = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Set: failed messages last tried before this moment are being sent again.",
    )
    resend_uncertain = models.BooleanField(default=False, help_text="And uncertain ones.")

    objects = CampaignRunQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "campaign run"

    def __str__(self) -> str:
        return f"{self.campaign} run {self.pk}"

    @property
    def removed(self) -> int:
        """Records that left the audience between the start and their turn."""
        if self.written_at is None:
            return 0
        read = self.job.expanded + self.without_address + self.repeated
        return max(0, self.job.expected - read)
