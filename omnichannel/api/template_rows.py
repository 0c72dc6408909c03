"""A template and its content in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from omnichannel import publishing, template_checks
from omnichannel.api.fields import Object, StrictChar, StudioModelSerializer
from omnichannel.api.problems import Conflict
from omnichannel.choices import ChannelType
from omnichannel.exceptions import TemplateError
from omnichannel.models import MessageTemplate, TemplateText, TemplateVersion

CHANNELS = [(kind.value, kind.label) for kind in (ChannelType.EMAIL, ChannelType.SMS)]
AS_WRITTEN = {"trim_whitespace": False}
COLUMNS = (
    *publishing.TEXTS,
    *publishing.SWITCHES,
    *("static_to", "static_cc", "static_bcc", "to_key", "cc_key", "bcc_key", "headers"),
)


@contextmanager
def faults_in(*places: str) -> Iterator[None]:
    """What is wrong with a template is told at its field, which is inside of `places`."""
    try:
        yield
    except TemplateError as error:
        told: Any = [str(error)]
        for name in (error.part, *reversed(places)):
            told = {name: told} if name else told
        raise ValidationError(told) from error


class TranslationSerializer(StudioModelSerializer):
    class Meta:
        model = TemplateText
        fields = ("language", "subject", "html", "text")
        extra_kwargs = {"html": AS_WRITTEN, "text": AS_WRITTEN}


class FileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")


class ContentSerializer(StudioModelSerializer):
    """What a version says. It is given as a whole: what is left out is empty."""

    headers = Object(child=StrictChar(), required=False)
    translations = TranslationSerializer(many=True, required=False)
    files = FileSerializer(many=True, read_only=True)

    class Meta:
        model = TemplateVersion
        fields: tuple[str, ...] = (*COLUMNS, "translations", "files", "variables")
        read_only_fields = ("variables",)
        extra_kwargs = {"html": AS_WRITTEN, "text": AS_WRITTEN, "dlt_text": AS_WRITTEN}

    def to_representation(self, instance: TemplateVersion) -> dict[str, Any]:
        further = [TranslationSerializer(row).data for row in instance.further_texts.values()]
        return {**super().to_representation(instance), "translations": further}


class TemplateRowSerializer(StudioModelSerializer):
    """As it is in lists: without the content."""

    channel_type = serializers.ChoiceField(choices=CHANNELS, default=ChannelType.EMAIL)
    sample_variables = Object(required=False)
    is_system = serializers.BooleanField(
        read_only=True, help_text="An original that came with the product: it is only cloned."
    )
    version = serializers.SerializerMethodField(help_text="The number of the published one.")
    languages = serializers.SerializerMethodField(help_text="Those of its further texts.")

    class Meta:
        model = MessageTemplate
        fields: tuple[str, ...] = (
            *("id", "name", "channel_type", "description", "tags", "sample_variables"),
            *("category", "priority", "is_system", "version", "languages"),
            *("created_at", "updated_at"),
        )
        read_only_fields = ("created_at", "updated_at")
        validators = ()  # see validate_name

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_version(self, template: MessageTemplate) -> int | None:
        return template.published_version.number if template.published_version else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_languages(self, template: MessageTemplate) -> list[str]:
        return list(template.published_version.languages) if template.published_version else []


class TemplateSerializer(TemplateRowSerializer):
    """With the published content."""

    content = ContentSerializer(
        required=False,
        source="published_version",
        help_text="Needed for a new template. Of another one: the next version's, which is "
        "published at once where it differs; its attachments stay.",
    )

    class Meta(TemplateRowSerializer.Meta):
        fields = (*TemplateRowSerializer.Meta.fields, "content")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row: MessageTemplate | None = self.instance
        if row is not None and row.is_system:
            raise Conflict(str(publishing.SystemTemplate(row)))
        content = attrs.pop("published_version", None)
        if row is None and content is None:
            raise ValidationError({"content": ["This field is required."]})
        self._check_identity(row, attrs)
        template = row or MessageTemplate(channel_type=attrs["channel_type"])
        if "sample_variables" in attrs:
            with faults_in():
                template_checks.check_samples(attrs["sample_variables"])
            template.sample_variables = attrs["sample_variables"]
        self.checked = self._next_version(template, content, "sample_variables" in attrs)
        return attrs

    def _check_identity(self, row: MessageTemplate | None, attrs: dict[str, Any]) -> None:
        kind = row.channel_type if row else attrs["channel_type"]
        if attrs.get("channel_type", kind) != kind:
            raise ValidationError({"channel_type": ["The channel of a template stays."]})
        same = MessageTemplate.objects.filter(channel_type=kind, name=attrs.get("name", ""))
        if row is not None:
            same = same.exclude(pk=row.pk)
        if same.exists():
            raise ValidationError({"name": ["Another template has this name already."]})

    def _next_version(
        self, template: MessageTemplate, content: dict[str, Any] | None, has_new_samples: bool
    ) -> TemplateVersion | None:
        """Checked here, outside of the transaction that stores it: a child process does it."""
        current = template.published_version
        if content is None and not (has_new_samples and current):
            return current
        given = dict(content) if content is not None else content_of(current)
        further = given.pop("translations", [])
        with faults_in("content"):
            given = template_checks.check_content(template.channel_type, given)
            files = current.files if current else []
            return publishing.next_version(template, translations=further, files=files, **given)

    def create(self, validated_data: dict[str, Any]) -> MessageTemplate:
        tags = validated_data.pop("tags", [])
        template = MessageTemplate.objects.create(**validated_data)
        template.tags.set(tags)
        return self._publish(template)

    def update(self, instance: MessageTemplate, validated_data: dict[str, Any]) -> MessageTemplate:
        return self._publish(super().update(instance, validated_data))

    def _publish(self, template: MessageTemplate) -> MessageTemplate:
        if self.checked is not None:
            publishing.store(template, self.checked, None)
        return template


def content_of(version: TemplateVersion | None) -> dict[str, Any]:
    """A version's content as it is given."""
    if version is None:
        return {}
    further = [dict(TranslationSerializer(row).data) for row in version.further_texts.values()]
    return {**{name: getattr(version, name) for name in COLUMNS}, "translations": further}
