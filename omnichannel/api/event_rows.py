"""Business events as they are asked for and answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from omnichannel import event_schema
from omnichannel.api.fields import StrictBoolean, StrictChar, StrictInteger, StudioModelSerializer
from omnichannel.choices import ChannelType, MessageStatus, Priority, SkipReason
from omnichannel.dispatch import MAX_DEDUPE, MAX_REFERENCE, Triggered
from omnichannel.models import Event, EventSubscription
from omnichannel.models.business_events import KEY

LARGEST_ID = 2**63 - 1
MOST = 500  # subscriptions of one call


class SubscriptionSerializer(serializers.ModelSerializer[EventSubscription]):
    event = serializers.CharField(source="event.key")

    class Meta:
        model = EventSubscription
        fields = ("id", "event", "channel_type", "is_subscribed", "template", "provider")
        read_only_fields = fields


class EventSerializer(StudioModelSerializer):
    variables_schema = serializers.DictField(
        required=False, help_text="A JSON Schema (2020-12) of the event's variables."
    )
    sample_data = serializers.DictField(required=False, help_text="It must fit the schema.")
    subscriptions = SubscriptionSerializer(many=True, read_only=True)

    class Meta:
        model = Event
        fields = (
            *("id", "key", "name", "group", "sub_group", "description", "category", "is_active"),
            *("variables_schema", "sample_data", "is_shipped", "subscriptions"),
            *("created_at", "updated_at"),
        )
        read_only_fields = ("is_shipped", "created_at", "updated_at")

    def validate_key(self, key: str) -> str:
        if self.instance is not None and key != self.instance.key:
            raise ValidationError("The key cannot be changed: other systems use it.")
        return key

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        parts = [
            attrs.get(name, getattr(self.instance, name, {}))
            for name in ("variables_schema", "sample_data")
        ]
        event_schema.check(*parts)
        return attrs


class ChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    channel_type = serializers.ChoiceField(ChannelType.choices)
    is_subscribed = StrictBoolean(required=False)
    template = StrictInteger(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)
    provider = StrictInteger(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)


class BulkChangeSerializer(ChangeSerializer):
    event = serializers.RegexField(KEY, max_length=60, help_text="Its key.")


class ChangesSerializer(serializers.Serializer[Any]):
    subscriptions = serializers.ListField(
        child=ChangeSerializer(), max_length=len(ChannelType), allow_empty=False
    )


class BulkChangesSerializer(serializers.Serializer[Any]):
    subscriptions = serializers.ListField(
        child=BulkChangeSerializer(), max_length=MOST, allow_empty=False
    )


class ChangedSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="How many were not so before.")
    subscriptions = SubscriptionSerializer(many=True)


class SwitchesSerializer(serializers.Serializer[Any]):
    """Whether events send on a channel at all; one-time passwords always do."""

    email = StrictBoolean(required=False)
    sms = StrictBoolean(required=False)
    push = StrictBoolean(required=False)


class TriggerSerializer(serializers.Serializer[Any]):
    recipient = serializers.DictField(
        help_text="`email`, `phone` and `push_token`, and any columns that the templates use."
    )
    variables = serializers.DictField(default=dict, help_text="They must fit the event's schema.")
    reference = StrictChar(
        max_length=MAX_REFERENCE, default="", allow_blank=True, help_text="Your own word for it."
    )
    dedupe_key = StrictChar(
        max_length=MAX_DEDUPE,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="For one recipient the event is triggered once with the same key.",
    )
    priority = StrictInteger(
        default=None,
        allow_null=True,
        min_value=min(Priority.values),
        max_value=max(Priority.values),
        help_text="0 (urgent) to 4 (very low).",
    )


class TriggeredMessageSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.UUIDField()
    channel_type = serializers.ChoiceField(ChannelType.choices)
    to_address = serializers.CharField()
    status = serializers.ChoiceField(MessageStatus.choices)


class SkippedSerializer(serializers.Serializer[Any]):
    channel_type = serializers.ChoiceField(ChannelType.choices)
    reason = serializers.ChoiceField(SkipReason.choices)
    text = serializers.CharField()


class TriggeredSerializer(serializers.Serializer[Any]):
    event = serializers.CharField(help_text="Its key.")
    trigger = serializers.IntegerField(help_text="The id of this call in the Studio's list.")
    is_repeat = serializers.BooleanField(
        help_text="It was triggered before with this `dedupe_key`: nothing was done now."
    )
    messages = TriggeredMessageSerializer(many=True)
    skipped = SkippedSerializer(many=True, help_text="The channels without a message, and why.")


def triggered_data(done: Triggered) -> dict[str, Any]:
    return {
        "event": done.event.key,
        "trigger": done.trigger.pk,
        "is_repeat": done.is_repeat,
        "messages": [
            {
                "id": row.pk,
                "key": str(row.key),
                "channel_type": row.provider.channel_type,
                "to_address": row.to_address,
                "status": row.status,
            }
            for row in done.messages
        ],
        "skipped": [row._asdict() for row in done.skipped],
    }
