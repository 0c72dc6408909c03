from __future__ import annotations

import copy
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel.api.fields import StrictBoolean, StudioModelSerializer
from omnichannel.api.filters import PAGING
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope
from otp import codes
from otp.models import OtpConfiguration
from otp.models.configurations import DEFAULT_PURPOSE

FIXED = "The purpose cannot be changed: other systems use it."
WAYS = ("sms_template", "email_template", "sms_provider", "email_provider")


class OtpConfigurationSerializer(StudioModelSerializer):
    id = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="null: nothing is stored; this is the default."
    )
    countries = serializers.ListField(
        child=serializers.RegexField(r"^[A-Z]{2}$"),
        max_length=300,
        required=False,
        help_text="Countries to which SMS may go, such as GB. Empty: only that of "
        "DEFAULT_PHONE_REGION.",
    )
    is_default = StrictBoolean(
        required=False, help_text="Used for purposes that have no configuration."
    )
    bits = serializers.SerializerMethodField(
        help_text="How much there is to guess. Under 20 is a low assurance."
    )

    class Meta:
        model = OtpConfiguration
        fields = (
            *("id", "purpose", "name", "is_default", "is_active", "length", "kind", "bits"),
            *("expiry_duration", "expiry_unit", "tries", "resend_after"),
            *("sends_per_destination_hour", "sends_per_destination_day", "sends_per_ip_hour"),
            *("sends_per_prefix_hour", "failures_per_destination_day", "sends_per_day"),
            *("countries", "conversion_floor_percent", "conversion_after", *WAYS),
            *("same_code", "fallback_after", "webotp_domain"),
        )
        validators = ()  # `full_clean` looks at them, and at the other constraints

    def get_bits(self, row: OtpConfiguration) -> float:
        return round(codes.bits(row.length, row.kind), 1)

    def validate_purpose(self, purpose: str) -> str:
        if self.instance is not None and purpose != self.instance.purpose:
            raise serializers.ValidationError(FIXED)
        return purpose

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What the form in the Studio checks is checked here."""
        row = copy.copy(self.instance) if self.instance else OtpConfiguration()
        for name, value in attrs.items():
            setattr(row, name, value)
        row.full_clean()
        return attrs

    def update(
        self, instance: OtpConfiguration, validated_data: dict[str, Any]
    ) -> OtpConfiguration:
        if instance.pk is not None:
            return super().update(instance, validated_data)
        for name, value in validated_data.items():  # the default, stored for the first time
            setattr(instance, name, value)
        instance.save()
        return instance


SLUG = {"type": "string", "pattern": r"^[-a-zA-Z0-9_]+$"}
NAME = OpenApiParameter("purpose", SLUG, OpenApiParameter.PATH)


@extend_schema_view(
    **{
        name: extend_schema(parameters=[NAME])
        for name in ("retrieve", "update", "partial_update", "destroy")
    }
)
class Configurations(Resource):
    """How codes for a purpose are made, sent, limited and checked; named by the purpose.

    `default` is the one for purposes that have none of their own. Until one is stored it is what
    the Studio came with (its `id` is null), and to change it stores it.
    """

    queryset = OtpConfiguration.objects.order_by("id")
    serializer_class = OtpConfigurationSerializer
    write_scope = Scope.OTP_SETTINGS
    lookup_field = "purpose"
    lookup_value_converter = "slug"
    filterset_fields = ("purpose", "is_default", "is_active", "kind", "length")
    search_fields = ("purpose", "name")
    ordering_fields = ("id", "purpose", "name")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The default is there also when nothing is stored."""
        if set(request.query_params) <= PAGING and not OtpConfiguration.objects.exists():
            page = self.paginate_queryset([OtpConfiguration.defaults()])
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        return super().list(request, *args, **kwargs)

    def get_object(self) -> OtpConfiguration:
        try:
            found: OtpConfiguration = super().get_object()
        except Http404:
            if self.kwargs["purpose"] != DEFAULT_PURPOSE or self.action == "destroy":
                raise
            stored = OtpConfiguration.objects.filter(is_default=True).first()
            found = stored or OtpConfiguration.defaults()
        return found
