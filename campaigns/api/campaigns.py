from __future__ import annotations

from typing import Any

from django.db import models, transaction
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from campaigns import drafting
from campaigns.api.campaign_figures import FiguresMixin
from campaigns.api.campaign_steps import StepsMixin
from campaigns.api.values import Tags
from campaigns.models import Audience, Campaign
from omnichannel.api.fields import StrictKey, StrictMoment, StudioModelSerializer
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope

EDITED = (
    *("name", "identifier", "description", "tags", "channel_type", "template", "provider"),
    *("from_address", "audience", "recipient_column", "needs_consent", "starts_at", "ends_at"),
    *("priority", "rate_limit", "calendar", "on_weekends", "on_holidays", "max_delay_days"),
    "is_cap_exempt",
)


class CampaignSerializer(StudioModelSerializer):
    serializer_field_mapping = {
        **StudioModelSerializer.serializer_field_mapping,
        models.DateTimeField: StrictMoment,
    }
    tags = Tags()
    audience = StrictKey(queryset=Audience.objects.filter(removal_asked_at=None))
    trouble = serializers.CharField(
        read_only=True, help_text="Why a scheduled start did not come about."
    )

    class Meta:
        model = Campaign
        fields = ("id", "status", *EDITED, "trouble", "created_at", "updated_at")
        read_only_fields = ("status", "trouble", "created_at", "updated_at")
        extra_kwargs = {
            "identifier": {
                "required": False,
                "help_text": "A short name for reports and links. Left out: made from the name.",
            }
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What the form of a campaign checks, of what it will be like."""
        row = self.instance or Campaign()
        names = ("channel_type", "template", "provider", "audience", "calendar")
        kept = {name: getattr(row, name) for name in names if row.pk or name == "channel_type"}
        more = ("from_address", "recipient_column", "on_holidays", "starts_at", "ends_at")
        values = {**kept, **{name: getattr(row, name) for name in more}, **attrs}
        found = drafting.faults(values)
        if values["starts_at"] and values["ends_at"] and values["starts_at"] >= values["ends_at"]:
            found["ends_at"] = "The end date must be after the start date."
        if found:
            raise ValidationError({name: [text] for name, text in found.items()})
        if "from_address" in attrs:
            attrs["from_address"] = drafting.sender_of(values)
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Campaign:
        if not validated_data.get("identifier"):
            name = validated_data["name"]
            validated_data["identifier"] = drafting.free_identifier(name, Campaign())
        template = validated_data["template"]
        if template.priority is not None:
            validated_data.setdefault("priority", template.priority)
        campaign: Campaign = super().create(validated_data)
        return campaign

    def update(self, instance: Campaign, validated_data: dict[str, Any]) -> Campaign:
        drafting.hold_still(instance)
        changed: Campaign = super().update(instance, validated_data)
        return changed


class Campaigns(StepsMixin, FiguresMixin, Resource):
    """One template, sent to one audience. A campaign under way cannot be changed or deleted."""

    queryset = Campaign.objects.prefetch_related("tags").order_by("-id")
    serializer_class = CampaignSerializer
    write_scope = Scope.CAMPAIGN
    filterset_fields = (
        *("identifier", "status", "channel_type", "audience", "template", "provider", "tags"),
    )
    search_fields = ("name", "identifier", "description")
    ordering_fields = ("id", "name", "starts_at", "created_at")

    def perform_destroy(self, instance: Campaign) -> None:
        with transaction.atomic():
            drafting.hold_still(instance)
            instance.delete()
