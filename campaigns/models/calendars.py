from __future__ import annotations

import zoneinfo

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from campaigns.choices import Weekday


def usual_weekend() -> list[int]:
    return [Weekday.SATURDAY.value, Weekday.SUNDAY.value]


def check_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError("There is no such time zone: write one such as Europe/Berlin.")


def check_weekend(weekdays: object) -> None:
    if not isinstance(weekdays, list) or not set(weekdays) <= set(Weekday.values):
        raise ValidationError("Weekend days are numbers from 0 (Monday) to 6 (Sunday).")
    if len(set(weekdays)) == len(Weekday):
        raise ValidationError("Leave at least one day of the week on which something goes.")


class HolidayCalendar(models.Model):
    """The days of one country, or of one shop, on which campaigns may wait."""

    name = models.CharField(max_length=120, unique=True)
    country = models.CharField(
        max_length=120, blank=True, help_text="For you: where these holidays are kept."
    )
    time_zone = models.CharField(
        "time zone",
        max_length=60,
        default="UTC",
        validators=[check_zone],
        help_text="Where a day begins and ends, such as Europe/Berlin.",
    )
    weekend = models.JSONField(
        "weekend days", default=usual_weekend, blank=True, validators=[check_weekend]
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = "holiday calendar"

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    calendar = models.ForeignKey(HolidayCalendar, models.CASCADE, related_name="holidays")
    date = models.DateField()
    name = models.CharField(max_length=120)
    is_yearly = models.BooleanField("every year", default=False)

    class Meta:
        ordering = ("date", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "date"],
                name="holiday_once",
                violation_error_message="This date is in the calendar already.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="holiday_has_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.date:%-d %B}" + ("" if self.is_yearly else f" {self.date:%Y}")
