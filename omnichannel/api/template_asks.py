"""What can be asked of a template, and how it is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from omnichannel.api.fields import (
    Object,
    StrictChar,
    StrictInteger,
    StrictKey,
    StudioModelSerializer,
)
from omnichannel.api.template_rows import ContentSerializer
from omnichannel.cloning import LONGEST_NAME
from omnichannel.models import ChannelProvider, TemplateVersion
from omnichannel.provider_rules import one_line
from omnichannel.rendering.languages import LONGEST

LAST = 2_147_483_647  # the largest number of a version


def taken(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The body of a request as the form has it. Raises ValidationError."""
    given = form(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


class CloneSerializer(serializers.Serializer[Any]):
    name = StrictChar(
        default="",
        allow_blank=True,
        max_length=LONGEST_NAME,
        validators=[one_line],
        help_text="Empty: a free one like its own.",
    )


class RollBackSerializer(serializers.Serializer[Any]):
    version = StrictInteger(min_value=1, max_value=LAST)


class WithVariables(serializers.Serializer[Any]):
    variables = Object(required=False, help_text="Left out: the sample variables.")
    language = StrictChar(
        default="", allow_blank=True, max_length=LONGEST, help_text="The recipient's, such as pt."
    )


class PreviewSerializer(WithVariables):
    version = StrictInteger(
        required=False, min_value=1, max_value=LAST, help_text="Left out: the published one."
    )


class SizeSerializer(serializers.Serializer[Any]):
    encoding = serializers.CharField()
    units = serializers.IntegerField()
    parts = serializers.IntegerField()
    left = serializers.IntegerField(help_text="What still fits into the last part.")
    reasons = serializers.CharField(help_text="Characters that GSM-7 does not have.")


class PreviewedSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    language = serializers.CharField(help_text="Of the text that was taken.")
    subject = serializers.CharField()
    html = serializers.CharField()
    text = serializers.CharField()
    size = SizeSerializer(allow_null=True, help_text="Of an SMS.")


class TestSendSerializer(WithVariables):
    address = StrictChar(max_length=320)
    provider = StrictKey(
        queryset=ChannelProvider.objects.all(),
        required=False,
        help_text="Left out: the default transactional one. Test keys send by the sandbox.",
    )


class SentSerializer(serializers.Serializer[Any]):
    good = serializers.BooleanField()
    outcome = serializers.CharField()
    code = serializers.CharField(default="", help_text="The provider's own, where it gave one.")
    text = serializers.CharField(help_text="What was said.")
    external_id = serializers.CharField(default="")
    waits_until = serializers.DateTimeField(default=None, allow_null=True)
    message = serializers.IntegerField(
        default=None, source="message.pk", allow_null=True, help_text="Its number in the queue."
    )
    seconds = serializers.FloatField()


class VersionRowSerializer(StudioModelSerializer):
    class Meta:
        model = TemplateVersion
        fields = ("number", "subject", "languages", "created_at")
        read_only_fields = fields


class VersionSerializer(ContentSerializer):
    class Meta(ContentSerializer.Meta):
        fields = ("number", "languages", "created_at", *ContentSerializer.Meta.fields)
