from __future__ import annotations

from django.db import models
from django.db.models import Q

from omnichannel.choices import EventType


class MessageEvent(models.Model):
    """What happened to a message: handed over, delivered, opened, clicked, bounced, ..."""

    message = models.ForeignKey("omnichannel.Message", models.CASCADE, related_name="events")
    provider = models.ForeignKey(
        "omnichannel.ChannelProvider", models.CASCADE, related_name="+", db_index=False
    )
    type = models.CharField("event", max_length=15, choices=EventType.choices)
    at = models.DateTimeField("event date")
    event_id = models.CharField(
        max_length=120, blank=True, help_text="The provider's own id: one event is kept once."
    )
    status = models.CharField("message status", max_length=10, blank=True)
    code = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True)
    url = models.TextField("URL", blank=True)
    is_machine = models.BooleanField("by a machine", default=False)

    class Meta:
        ordering = ("-at", "-id")
        verbose_name = "message event"
        indexes = [
            models.Index(fields=["-at"], name="message_event_at"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"],
                condition=~Q(event_id=""),
                name="message_event_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} at {self.at:%Y-%m-%d %H:%M:%S}"
