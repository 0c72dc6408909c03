from __future__ import annotations

import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from omnichannel.choices import CapPeriod, ChannelType

NOUNS = {
    ChannelType.EMAIL: ("e-mail", "e-mails"),
    ChannelType.SMS: ("SMS", "SMS messages"),
    ChannelType.PUSH: ("push message", "push messages"),
}
LENGTHS = {
    CapPeriod.HOUR: datetime.timedelta(hours=1),
    CapPeriod.DAY: datetime.timedelta(days=1),
    CapPeriod.WEEK: datetime.timedelta(weeks=1),
}


class FrequencyCap(models.Model):
    """How many promotional messages one address gets at most. All active caps hold at once."""

    channel_type = models.CharField(
        "channel", max_length=10, choices=ChannelType.choices, default=ChannelType.EMAIL
    )
    number = models.PositiveSmallIntegerField(
        "at most",
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Promotional messages to one address. Upper and lower case are the same.",
    )
    period = models.CharField(
        "within",
        max_length=4,
        choices=CapPeriod.choices,
        default=CapPeriod.WEEK,
        help_text="Counted back from the moment of sending: a week is the last 7 times 24 hours.",
    )
    counts_all = models.BooleanField(
        "transactional messages count too",
        default=True,
        help_text="Transactional messages and one-time passwords use up the number. "
        "They themselves are always sent.",
    )
    is_active = models.BooleanField("active", default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("channel_type", "period", "number")
        verbose_name = "frequency cap"
        constraints = [
            models.UniqueConstraint(
                fields=["channel_type", "period", "counts_all"],
                name="cap_once_per_period",
                violation_error_message="There is a cap of this kind already: change that one.",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="cap_allows_one"),
        ]

    def __str__(self) -> str:
        noun = NOUNS[ChannelType(self.channel_type)][self.number > 1]
        words = CapPeriod(self.period).words
        return f"At most {self.number:,} promotional {noun} {words} to one address"

    @property
    def is_longer_than_kept(self) -> bool:
        """What is counted is deleted before it stops counting."""
        days: int = settings.KEEP_MESSAGES_DAYS
        return 0 < days < self.length / datetime.timedelta(days=1)

    @property
    def length(self) -> datetime.timedelta:
        return LENGTHS[CapPeriod(self.period)]
