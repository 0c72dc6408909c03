"""A provider in JSON, and the checks of its form in the Studio."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from omnichannel import endpoints, provider_rules, provider_secrets
from omnichannel.api.fields import Object, StrictBoolean, StrictChar, StudioModelSerializer
from omnichannel.api.provider_checks import Checked, takes_calls
from omnichannel.models import ChannelProvider
from omnichannel.provider_rules import one_line
from omnichannel.statuses import seed_statuses

STATES = ("working", "resting", "stopped")


class SecretField(StrictChar):
    """Goes in and never comes out."""

    def __init__(self, **kwargs: Any) -> None:
        text = "Never answered. Absent or empty: what is stored is kept. null: it is forgotten."
        given = {"write_only": True, "required": False, "allow_blank": True, "allow_null": True}
        super().__init__(**{**given, "help_text": text, **kwargs})


class ProviderSerializer(StudioModelSerializer):
    service_url = StrictChar(
        required=False,
        allow_blank=True,
        max_length=500,
        validators=[provider_rules.is_web_address, one_line, provider_rules.check_service_url],
    )
    app_password = SecretField()
    app_key = SecretField()
    app_secrets = Object(
        child=SecretField(max_length=10_000),
        write_only=True,
        required=False,
        help_text="The secret ones of the type's own settings, by their names. As app_key.",
    )
    app_config = Object(
        required=False, help_text="The type's own settings, by their names; replaced as a whole."
    )
    stored_secrets = serializers.SerializerMethodField(
        help_text="The names of the secrets that are stored."
    )
    takes_calls = StrictBoolean(required=False, help_text="Whether calls of the vendor are taken.")
    state = serializers.SerializerMethodField()

    class Meta:
        model = ChannelProvider
        fields = (
            *("id", "name", "channel_type", "provider_name", "backend", "service_url", "app_user"),
            *("app_password", "app_key", "app_secrets", "stored_secrets", "app_config"),
            *("from_address", "from_name", "bulk_no", "days_before_expire"),
            *("interval_min", "interval_max", "retry_max_attempt", "pool_time_retry"),
            *("open_setting", "click_setting", "rate_limit"),
            *("on_uncertain", "on_uncertain_transactional", "on_uncertain_otp"),
            *("on_uncertain_promotional", "uncertain_alert_minutes", "takes_calls"),
            *("is_active", "state", "stopped_at", "resting_until", "trouble"),
        )
        read_only_fields = ("stopped_at", "resting_until", "trouble")
        extra_kwargs = {
            "from_name": {"validators": [one_line]},
            "app_user": {"validators": [one_line]},
            "days_before_expire": {"max_value": provider_rules.MAX_DAYS},
            "pool_time_retry": {"validators": [provider_rules.check_wait]},
        }

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_stored_secrets(self, provider: ChannelProvider) -> list[str]:
        return sorted(provider_secrets.stored(provider))

    @extend_schema_field(serializers.ChoiceField(STATES))
    def get_state(self, provider: ChannelProvider) -> str:
        if provider.stopped_at:
            return "stopped"
        until = provider.resting_until
        return "resting" if until and until > timezone.now() else "working"

    def to_representation(self, instance: ChannelProvider) -> dict[str, Any]:
        return {**super().to_representation(instance), "takes_calls": takes_calls(instance)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return Checked(self.instance or ChannelProvider(), attrs).columns()

    def create(self, validated_data: dict[str, Any]) -> ChannelProvider:
        wanted = validated_data.pop("takes_calls", False)
        provider = ChannelProvider.objects.create(**validated_data)
        seed_statuses(provider)
        if wanted:
            endpoints.switch(provider, on=True)
        return ChannelProvider.objects.select_related("webhook").get(pk=provider.pk)

    def update(self, instance: ChannelProvider, validated_data: dict[str, Any]) -> ChannelProvider:
        """The send loop writes the other columns at the same time."""
        wanted = validated_data.pop("takes_calls", None)
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        if wanted is not None and wanted != takes_calls(instance):
            endpoints.switch(instance, on=wanted)
        if "backend" in validated_data or wanted:
            seed_statuses(instance)
        return ChannelProvider.objects.select_related("webhook").get(pk=instance.pk)
