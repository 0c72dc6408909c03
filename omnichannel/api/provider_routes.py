from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from omnichannel.api.fields import StrictKey, StudioModelSerializer
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope
from omnichannel.models import ChannelProvider, ProviderRoute
from omnichannel.provider_rules import check_carries, check_prefix


class RouteSerializer(StudioModelSerializer):
    provider = StrictKey(queryset=ChannelProvider.objects.all())

    class Meta:
        model = ProviderRoute
        fields = (
            *("id", "channel_type", "category", "country_prefix", "provider"),
            *("priority", "weight", "is_active"),
        )
        extra_kwargs = {"country_prefix": {"default": ""}}

    def validate_country_prefix(self, prefix: str) -> str:
        return check_prefix(prefix)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row: Any = self.instance or ProviderRoute(**attrs)
        kind = attrs.get("channel_type", row.channel_type)
        try:
            check_carries(attrs.get("provider", row.provider), kind, "this channel")
        except DjangoValidationError as error:
            raise serializers.ValidationError({"provider": error.messages}) from error
        return attrs


class ProviderRoutes(Resource):
    """Default providers: who sends what nobody chose a provider for, by channel, category and
    country. The lowest priority whose provider is able to send is used; equal ones share by weight.
    """

    queryset = ProviderRoute.objects.select_related("provider").order_by("id")
    serializer_class = RouteSerializer
    write_scope = Scope.PROVIDER
    filterset_fields = ("channel_type", "category", "country_prefix", "provider", "is_active")
    search_fields = ("provider__name", "country_prefix")
    ordering_fields = ("id", "channel_type", "category", "priority")
