from __future__ import annotations

from django.contrib.contenttypes.models import ContentType
from django.db import models
from simple_history.models import HistoricalRecords

from omnichannel.choices import ChannelType


class Channel(models.Model):
    """What an operator sends on. Several channels may share one transport and one provider."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    default_action_type = models.CharField(
        "Default Action Type",
        max_length=10,
        choices=ChannelType.choices,
        default=ChannelType.EMAIL,
        help_text="What a message on this channel is: an e-mail, an SMS or a push message.",
    )
    bus_channel = models.CharField(
        "Bus Communication Channel",
        max_length=10,
        choices=ChannelType.choices,
        default=ChannelType.EMAIL,
        help_text="The transport that carries it.",
    )
    bus_provider = models.ForeignKey(
        "omnichannel.ChannelProvider",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="channels",
        verbose_name="Bus Communication Provider",
        help_text="Left empty, the default provider of the message's category is used.",
    )
    extended_properties_model = models.ForeignKey(
        ContentType,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="Extended Properties Entity",
        help_text="Messages on this channel may carry properties (JSON) named after its fields.",
    )
    is_active = models.BooleanField("active", default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = "communication channel"

    def __str__(self) -> str:
        return self.name
