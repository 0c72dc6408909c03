from __future__ import annotations

from omnichannel.api.fields import StudioModelSerializer
from omnichannel.api.parts import Parts, only_one
from omnichannel.choices import Scope
from omnichannel.models import ChannelProvider, ProviderStatus, SenderAddress
from omnichannel.provider_rules import check_sender, one_line


class StatusSerializer(StudioModelSerializer):
    class Meta:
        model = ProviderStatus
        fields = (
            "id",
            "code",
            "reason",
            "description",
            "outcome",
            "documentation_link",
            "is_classified",
        )

    def validate_code(self, code: str) -> str:
        owner = self.context["owner"]
        return str(only_one(self, ProviderStatus.objects.filter(provider=owner), "code", code))


class ProviderStatuses(Parts):
    """What the codes of one provider mean: HTTP codes, event names, the vendor's own.

    A code that is new is added by itself, with `is_classified` false and the backend's guess.
    """

    whole = "provider"
    wholes = ChannelProvider
    queryset = ProviderStatus.objects.order_by("code", "id")
    serializer_class = StatusSerializer
    write_scope = Scope.PROVIDER
    filterset_fields = ("code", "outcome", "is_classified")
    search_fields = ("code", "reason", "description")
    ordering_fields = ("id", "code", "outcome")


class SenderSerializer(StudioModelSerializer):
    class Meta:
        model = SenderAddress
        fields = ("id", "address", "name", "is_default")
        extra_kwargs = {"name": {"validators": [one_line]}}

    def validate_address(self, address: str) -> str:
        owner = self.context["owner"]
        address = check_sender(owner.channel_type, address)
        rows = SenderAddress.objects.filter(provider=owner)
        return str(only_one(self, rows, "address", address))

    def validate_is_default(self, is_default: bool) -> bool:
        rows = SenderAddress.objects.filter(provider=self.context["owner"])
        if is_default:
            only_one(self, rows, "is_default", True)
        return is_default


class ProviderSenders(Parts):
    """The further addresses that one provider may send from."""

    whole = "provider"
    wholes = ChannelProvider
    queryset = SenderAddress.objects.order_by("address", "id")
    serializer_class = SenderSerializer
    write_scope = Scope.PROVIDER
    filterset_fields = ("address", "is_default")
    search_fields = ("address", "name")
    ordering_fields = ("id", "address")
