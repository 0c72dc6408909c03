from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone
from rest_framework import mixins, serializers

from omnichannel import consents
from omnichannel.api.addressed import AddressedSerializer, AddressFilters
from omnichannel.api.paging import Log
from omnichannel.api.resource import ReadOnlyResource
from omnichannel.choices import Category, Scope
from omnichannel.consents import Proof
from omnichannel.models import Consent


class ConsentSerializer(AddressedSerializer):
    class Meta:
        model = Consent
        fields = (
            *("id", "channel_type", "address", "category", "is_granted"),
            *("source", "wording", "ip", "at"),
        )

    def validate_at(self, at: datetime.datetime) -> datetime.datetime:
        if at > timezone.now():
            raise serializers.ValidationError("It lies in the future: give when it was said.")
        return at

    def create(self, validated_data: dict[str, Any]) -> Consent:
        given = dict(validated_data)
        kind, address = given.pop("channel_type"), given.pop("address")
        category = given.pop("category", Category.PROMOTIONAL)
        say = consents.give if given.pop("is_granted", True) else consents.withdraw
        return say(kind, address, category, Proof(**{"at": timezone.now(), **given}))


class ConsentFilters(AddressFilters):
    class Meta:
        model = Consent
        fields = {
            "channel_type": ["exact"],
            "category": ["exact"],
            "is_granted": ["exact"],
            "at": ["gte", "lt"],
        }


class Consents(mixins.CreateModelMixin, ReadOnlyResource):
    """What people said about being written to. Words are only added: the newest counts.

    One with `is_granted` false takes the consent back. `search` looks for the beginning of an
    address, in lower case.
    """

    queryset = Consent.objects.order_by("-id")
    serializer_class = ConsentSerializer
    write_scope = Scope.SUPPRESSION
    pagination_class = Log
    filterset_class = ConsentFilters
    search_fields = ("address__startswith",)
