"""Values that are taken only as the schema says."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address, ip_address
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from omnichannel.api.fields import Object, StrictChar
from omnichannel.json_limits import trouble

REQUEST_ID = re.compile(r"[0-9a-f]{32}")
LONGEST_VARIABLES = 10_000  # characters
LONGEST_AGENT = 255  # as it is kept


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: one that is misspelt would not limit anything."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values: dict[str, Any] = super().to_internal_value(data)
        if unknown := sorted(data.keys() - self.fields.keys()):
            raise serializers.ValidationError(
                {name: ["There is no such field."] for name in unknown}
            )
        return values


class Bounded(StrictChar):
    """Text that is judged as it came, before a field makes something else of it."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        self.run_validators(text)
        return text


class RequestId(Bounded):
    """As it is stored: 32 hex digits. Empty when it can be none of ours, which is no error: there
    is no such request.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return request_id(super().to_internal_value(data))


def request_id(text: str) -> str:
    bare = text.replace("-", "").lower()
    return bare if REQUEST_ID.fullmatch(bare) else ""


@extend_schema_field({"type": "string", "maxLength": 45, "example": "198.51.100.7"})
class ClientIp(Bounded):
    """One spelling for each address, for they are counted: an IPv4 address is no IPv6 address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=45, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return canonical_ip(text)
        except ValueError as error:
            raise serializers.ValidationError("Give an IPv4 or IPv6 address.") from error


def canonical_ip(text: str) -> str:
    """Raises ValueError."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id:
            raise AddressValueError("It means something on one machine only.")
        return str(address.ipv4_mapped or address)
    return str(address)


class Agent(Bounded):
    """Only its beginning is kept."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2_000, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data)[:LONGEST_AGENT]


class Variables(Object):
    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values: dict[str, Any] = super().to_internal_value(data)
        if said := trouble(values, LONGEST_VARIABLES):
            raise serializers.ValidationError(said)
        return values
