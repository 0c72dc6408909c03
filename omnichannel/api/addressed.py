"""What rows of one address have in common: suppressions, consents."""

from __future__ import annotations

from typing import Any

import django_filters
from django.conf import settings
from rest_framework.exceptions import ValidationError

from omnichannel.addresses import clean_address
from omnichannel.api.fields import StrictChar, StudioModelSerializer
from omnichannel.api.filters import StudioFilterSet
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage


class AddressedSerializer(StudioModelSerializer):
    """Brings `address` into the form in which it is compared, for `channel_type`."""

    address = StrictChar(max_length=320)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = attrs.get("channel_type") or ChannelType.EMAIL
        try:
            address = clean_address(kind, attrs["address"], settings.DEFAULT_PHONE_REGION)
        except InvalidMessage as error:
            raise ValidationError({"address": [str(error)]}) from error
        return {**attrs, "channel_type": kind, "address": address.lower()}


class AddressFilters(StudioFilterSet):
    address = django_filters.CharFilter(method="of_address", label="In any case.")

    def of_address(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(address=value.strip().lower())
