from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from omnichannel.choices import ChannelType

Template = TypeVar("Template", bound="MessageTemplate")


class MessageTemplate(models.Model):
    """What a message says. Its text lives in versions; the published one is used by new jobs."""

    channel_type = models.CharField(
        "channel", max_length=10, choices=ChannelType.choices, default=ChannelType.EMAIL
    )
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    tags = models.ManyToManyField("omnichannel.Label", blank=True, related_name="templates")
    sample_variables = models.JSONField(
        "sample variables",
        default=dict,
        blank=True,
        help_text='Values for the preview and test sends, such as {"first_name": "Ana"}.',
    )
    published_version = models.ForeignKey(
        "omnichannel.TemplateVersion",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField("created", auto_now_add=True)
    updated_at = models.DateTimeField("changed", auto_now=True)
    history = HistoricalRecords(m2m_fields=[tags])

    class Meta:
        ordering = ("name",)
        verbose_name = "template"
        constraints = [
            models.UniqueConstraint(fields=["channel_type", "name"], name="template_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """One immutable text of a template. Rendered with Jinja2 (see `rendering`)."""

    template = models.ForeignKey(MessageTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=998, blank=True)
    html = models.TextField("HTML", blank=True)
    text = models.TextField(blank=True, help_text="Empty: made from the HTML.")
    from_name = models.CharField("from display name", max_length=120, blank=True)
    reply_to = models.CharField("reply to", max_length=320, blank=True)
    compiled_html = models.TextField(
        editable=False, blank=True, help_text="The HTML with its CSS inlined."
    )
    compiled_text = models.TextField(
        editable=False, blank=True, help_text="The text, made from the HTML when none was given."
    )
    variables = models.JSONField(
        default=list, editable=False, help_text="The names found in the text."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField("created", auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        verbose_name = "template version"
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"


class ChannelTemplateManager(models.Manager[Template]):
    """The templates of one channel; what it creates is of that channel."""

    def __init__(self, channel_type: str) -> None:
        super().__init__()
        self.channel_type = channel_type

    def get_queryset(self) -> models.QuerySet[Template]:
        return super().get_queryset().filter(channel_type=self.channel_type)

    def create(self, **values: Any) -> Template:
        return super().create(channel_type=self.channel_type, **values)


class EmailTemplate(MessageTemplate):
    objects: ClassVar[ChannelTemplateManager[Self]] = ChannelTemplateManager(ChannelType.EMAIL)

    class Meta:
        proxy = True
        verbose_name = "e-mail template"


class SmsTemplate(MessageTemplate):
    objects: ClassVar[ChannelTemplateManager[Self]] = ChannelTemplateManager(ChannelType.SMS)

    class Meta:
        proxy = True
        verbose_name = "SMS template"
