from __future__ import annotations

import datetime

from django.db import models
from django.db.models import ExpressionWrapper, F
from django.db.models.functions import Now

from omnichannel.choices import ProcessRole

LOST_AFTER = datetime.timedelta(seconds=30)


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def with_age(self) -> HeartbeatQuerySet:
        """With `age`, the time since the last sign of life by the database's own clock."""
        age = ExpressionWrapper(Now() - F("seen_at"), output_field=models.DurationField())
        return self.annotate(age=age)

    def silent_for(self, time: datetime.timedelta) -> HeartbeatQuerySet:
        return self.filter(seen_at__lt=Now() - time)


class Heartbeat(models.Model):
    """The last sign of life of one worker or scheduler process, written by itself."""

    role = models.CharField(max_length=10, choices=ProcessRole.choices)
    name = models.CharField(max_length=120, help_text="Such as promotional@send1.")
    host = models.CharField(max_length=120)
    pid = models.PositiveBigIntegerField()
    queues = models.CharField(max_length=200, blank=True, help_text="Empty: all of them.")
    version = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="By the database's clock.")
    tasks = models.PositiveIntegerField(default=0, help_text="Ticks begun in the last minute.")
    messages = models.PositiveIntegerField(
        default=0, help_text="Messages handled in the last minute."
    )

    age: datetime.timedelta  # of with_age()
    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        ordering = ("role", "name", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def is_lost(self) -> bool:
        """Silent for too long. Only for rows of `with_age()`."""
        return self.age > LOST_AFTER

    @property
    def queue_names(self) -> list[str]:
        return self.queues.split(",") if self.queues else []
