from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from omnichannel.api.fields import StrictKey, StudioModelSerializer
from omnichannel.api.problems import Conflict
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope
from omnichannel.models import Channel, ChannelProvider, Message
from omnichannel.provider_rules import CARRIER, check_carries

IN_USE = "Messages in the queue name it: set is_active to false instead."


@extend_schema_field({"type": "string", "nullable": True, "example": "campaigns.audiencemember"})
class EntityField(serializers.Field[ContentType, str, str, Any]):
    """An entity by its name, app.model."""

    default_error_messages = {"invalid": "There is no entity of this name: write app.model."}

    def to_representation(self, value: ContentType) -> str:
        return f"{value.app_label}.{value.model}"

    def to_internal_value(self, data: Any) -> ContentType:
        app, _, model = data.partition(".") if isinstance(data, str) else ("", "", "")
        found = ContentType.objects.filter(app_label=app, model=model.lower()).first()
        if found is None:
            self.fail("invalid")
        return found


class ChannelSerializer(StudioModelSerializer):
    bus_provider = StrictKey(
        queryset=ChannelProvider.objects.all(), required=False, allow_null=True
    )
    extended_properties_model = EntityField(required=False, allow_null=True)

    class Meta:
        model = Channel
        fields = (
            *("id", "code", "name", "default_action_type", "bus_channel", "bus_provider"),
            *("extended_properties_model", "is_active"),
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row = self.instance or Channel()
        provider = attrs.get("bus_provider", row.bus_provider)
        if provider:
            try:
                check_carries(provider, attrs.get("bus_channel", row.bus_channel), CARRIER)
            except DjangoValidationError as error:
                raise serializers.ValidationError({"bus_provider": error.messages}) from error
        return attrs


class Channels(Resource):
    """What is sent on. Several may share one transport and one provider."""

    queryset = Channel.objects.select_related("bus_provider", "extended_properties_model").order_by(
        "id"
    )
    serializer_class = ChannelSerializer
    write_scope = Scope.PROVIDER
    filterset_fields = ("code", "default_action_type", "bus_channel", "bus_provider", "is_active")
    search_fields = ("name", "code")
    ordering_fields = ("id", "name", "code")

    def perform_destroy(self, instance: Channel) -> None:
        if Message.objects.filter(channel=instance).exists():
            raise Conflict(IN_USE, "in_use")
        super().perform_destroy(instance)
