"""Messages and jobs as they are answered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from omnichannel.addresses import split_addresses
from omnichannel.choices import Category, ChannelType, MessageStatus
from omnichannel.models import Job, Message, MessageEvent
from omnichannel.submissions import Accepted, Queued


class QueuedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.UUIDField(help_text="Also in its Message-ID and in what providers tell.")
    to_address = serializers.CharField()
    status = serializers.ChoiceField(MessageStatus.choices)


class AcceptedSerializer(serializers.Serializer[Any]):
    job = serializers.IntegerField(allow_null=True, help_text="Of several recipients.")
    messages = QueuedSerializer(many=True, help_text="In the order of the recipients.")


def accepted_data(accepted: Accepted) -> dict[str, Any]:
    return {
        "job": accepted.job.pk if accepted.job else None,
        "messages": [
            {"id": pk, "key": key, "to_address": to, "status": status}
            for pk, key, to, status, _ in accepted.messages
        ],
    }


class InstantReplySerializer(QueuedSerializer):
    provider = serializers.IntegerField()
    code = serializers.CharField(help_text="The provider's.")
    message = serializers.CharField(help_text="What the provider said, or why it was not sent.")
    external_id = serializers.CharField(help_text="The provider's name for it.")


def instant_data(message: Message) -> dict[str, Any]:
    """`provider_status` must be loaded."""
    known = message.provider_status
    reason = known.reason if known and known.is_classified else ""
    return {
        "id": message.pk,
        "key": message.key,
        "to_address": message.to_address,
        "status": message.status,
        "provider": message.provider_id,
        "code": known.code if known else message.error_code,
        "message": message.error_message or reason,
        "external_id": message.external_id,
    }


def on_its_way(queued: Queued) -> dict[str, Any]:
    """What is known of it while its provider has not answered."""
    return {
        "id": queued.id,
        "key": queued.key,
        "to_address": queued.to_address,
        "status": MessageStatus.SENDING,
        "provider": queued.provider_id,
        "code": "",
        "message": "",
        "external_id": "",
    }


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A row of the message queue. What a one-time password says is never told."""

    channel = serializers.CharField(source="channel.code", default=None, allow_null=True)
    channel_type = serializers.ChoiceField(ChannelType.choices, source="provider.channel_type")
    template = serializers.IntegerField(
        source="template_version.template_id", default=None, allow_null=True
    )
    provider_code = serializers.CharField(
        source="provider_status.code", default="", help_text="Its Channel Provider Status."
    )
    cc_addresses = serializers.SerializerMethodField()
    bcc_addresses = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            *("id", "key", "status", "to_address", "cc_addresses", "bcc_addresses"),
            *("channel_type", "channel", "provider", "job", "template", "template_version"),
            *("category", "priority", "subject", "provider_code", "external_id"),
            *("error_code", "error_message", "attempts", "created_at", "due_at", "expires_at"),
            *("last_attempt_at",),
        )
        read_only_fields = fields

    def get_cc_addresses(self, row: Message) -> list[str]:
        return split_addresses(row.cc_addresses)

    def get_bcc_addresses(self, row: Message) -> list[str]:
        return split_addresses(row.bcc_addresses)

    def to_representation(self, instance: Message) -> dict[str, Any]:
        data = super().to_representation(instance)
        if instance.category == Category.OTP:
            data |= {name: "" for name in ("subject", "body_html", "body_text") if name in data}
            data |= {"variables": {}} if "variables" in data else {}
        return data


class MessageDetailSerializer(MessageSerializer):
    """All of a message."""

    variables = serializers.SerializerMethodField()

    class Meta(MessageSerializer.Meta):
        fields = (
            *MessageSerializer.Meta.fields,
            *("body_html", "body_text", "variables", "channel_provider_params"),
            *("extended_properties", "starts_at", "ends_at", "interval_min", "interval_max"),
            *("retry_max_attempt", "pool_time_retry"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_variables(self, row: Message) -> dict[str, Any]:
        return {name: value for name, value in row.variables.items() if name != "global"}


class MessageEventSerializer(serializers.ModelSerializer[MessageEvent]):
    class Meta:
        model = MessageEvent
        fields = ("id", "type", "at", "status", "code", "description", "url", "is_machine")
        read_only_fields = fields


class JobSerializer(serializers.ModelSerializer[Job]):
    template = serializers.IntegerField(
        source="template_version.template_id", default=None, allow_null=True
    )

    class Meta:
        model = Job
        fields = (
            *("id", "key", "name", "source", "reference", "status", "channel_type", "category"),
            *("provider", "template", "template_version", "priority", "from_address"),
            *("from_name", "reply_to", "needs_consent", "expected", "expanded"),
            *("ends_at", "created_at", "started_at", "finished_at"),
        )
        read_only_fields = fields


class JobLogSerializer(serializers.Serializer[Any]):
    job = serializers.IntegerField()
    status = serializers.CharField()
    total = serializers.IntegerField()
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="Its messages by status."
    )
