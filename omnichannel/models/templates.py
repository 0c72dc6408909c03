from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models
from django.utils.functional import cached_property
from simple_history.models import HistoricalRecords

from omnichannel.choices import Category, ChannelType, Priority, SourceKind
from omnichannel.models.template_content import TemplateText, VersionContent

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
    category = models.CharField(
        max_length=15,
        choices=Category.choices,
        blank=True,
        help_text="What its messages are, unless their sender says otherwise.",
    )
    priority = models.PositiveSmallIntegerField(
        choices=Priority.choices,
        null=True,
        blank=True,
        help_text="Of its messages, unless their sender says otherwise. Empty: Normal.",
    )
    is_demo = models.BooleanField(default=False, editable=False)
    system_key = models.CharField(
        max_length=40,
        blank=True,
        editable=False,
        help_text="Set: an original that came with the product and is only cloned.",
    )
    created_at = models.DateTimeField("created", auto_now_add=True)
    updated_at = models.DateTimeField("changed", auto_now=True)
    history = HistoricalRecords(m2m_fields=[tags])

    class Meta:
        ordering = ("name",)
        verbose_name = "template"
        constraints = [
            models.UniqueConstraint(fields=["channel_type", "name"], name="template_name_once"),
            models.UniqueConstraint(
                fields=["system_key"],
                condition=~models.Q(system_key=""),
                name="template_original_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_system(self) -> bool:
        """An original: read-only, but for the product itself."""
        return bool(self.system_key)

    @property
    def default_category(self) -> Category:
        """Of a message whose sender does not say it."""
        return Category(self.category or Category.TRANSACTIONAL)

    @property
    def default_priority(self) -> Priority:
        """The same."""
        return Priority.NORMAL if self.priority is None else Priority(self.priority)


class TemplateVersion(VersionContent):
    """One immutable text of a template. Rendered with Jinja2 (see `rendering`)."""

    template = models.ForeignKey(MessageTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=998, blank=True)
    source_kind = models.CharField(
        "written in",
        max_length=4,
        choices=SourceKind.choices,
        default=SourceKind.HTML,
        help_text="MJML is made into HTML when the template is saved.",
    )
    html = models.TextField("HTML", blank=True)
    text = models.TextField(blank=True, help_text="Empty: made from the HTML.")
    from_name = models.CharField("from display name", max_length=120, blank=True)
    reply_to = models.CharField("reply to", max_length=320, blank=True)
    # Of an SMS only (`short_links`, `dlt`).
    url_shorten = models.BooleanField("shorten links", default=False)
    dlt_template_id = models.CharField("DLT template ID", max_length=30, blank=True)
    dlt_header = models.CharField("DLT header", max_length=11, blank=True)
    dlt_text = models.TextField("DLT registered text", blank=True)
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

    # The further texts of a version that is not saved yet (see `publishing`).
    unsaved_texts: tuple[TemplateText, ...] = ()

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"

    @cached_property
    def offered(self) -> tuple[str, ...]:
        """The tags of its further texts, in their order."""
        return tuple(self.languages)

    @cached_property
    def further_texts(self) -> dict[int, TemplateText]:
        """By their position. Read once: none of it changes."""
        if not self.languages:
            return {}
        rows = self.unsaved_texts if self.pk is None else self.texts.all()
        return {row.position: row for row in rows}

    def text_at(self, position: int) -> TemplateVersion | TemplateText | None:
        """The default text (0) or a further one; None when there is no such text."""
        return self.further_texts.get(position) if position else self


class ChannelTemplateManager(models.Manager[Template]):
    """The templates of one channel; what it creates is of that channel."""

    def __init__(self, channel_type: str) -> None:
        super().__init__()
        self.channel_type = channel_type

    def get_queryset(self) -> models.QuerySet[Template]:
        return super().get_queryset().filter(channel_type=self.channel_type)

    def create(self, **values: Any) -> Template:
        return super().create(**{**values, "channel_type": self.channel_type})

    def get_or_create(self, *args: Any, **values: Any) -> tuple[Template, bool]:
        return super().get_or_create(*args, **{**values, "channel_type": self.channel_type})

    def update_or_create(self, *args: Any, **values: Any) -> tuple[Template, bool]:
        return super().update_or_create(*args, **{**values, "channel_type": self.channel_type})


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
