from __future__ import annotations

import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel.api.fields import StudioModelSerializer
from omnichannel.api.filters import BooleanFilter, StudioFilterSet
from omnichannel.api.paging import Log
from omnichannel.api.problems import Conflict
from omnichannel.api.resource import ReadOnlyResource
from omnichannel.choices import Scope
from otp import fraud
from otp.api.asked import caller_of
from otp.models import BlockedPrefix


class BlockedPrefixSerializer(StudioModelSerializer):
    in_force = serializers.SerializerMethodField()

    class Meta:
        model = BlockedPrefix
        fields = (
            *("id", "prefix", "reason", "note", "created_at", "until", "lifted_at", "in_force"),
        )
        read_only_fields = ("reason", "created_at", "lifted_at")
        validators = ()  # what is blocked already may be blocked again, with another end

    @extend_schema_field(serializers.BooleanField())
    def get_in_force(self, row: BlockedPrefix) -> bool:
        return row.lifted_at is None and (row.until is None or row.until > timezone.now())

    def validate_until(self, until: datetime.datetime | None) -> datetime.datetime | None:
        if until and until <= timezone.now():
            raise serializers.ValidationError("Give a moment in the future, or null.")
        return until

    def create(self, validated_data: dict[str, Any]) -> BlockedPrefix:
        note = validated_data.pop("note", "") or f"API key {self.context['request'].auth}"
        caller = caller_of(self.context["request"])
        return fraud.block_prefix(**validated_data, note=note, at=timezone.now(), caller=caller)


class PrefixFilters(StudioFilterSet):
    in_force = BooleanFilter(method="are_in_force")

    class Meta:
        model = BlockedPrefix
        fields = ("prefix", "reason")

    def are_in_force(self, rows: QuerySet[BlockedPrefix], name: str, value: bool) -> Any:
        found = BlockedPrefix.objects.in_force(timezone.now()).values("pk")
        return rows.filter(pk__in=found) if value else rows.exclude(pk__in=found)


class BlockedPrefixes(mixins.CreateModelMixin, ReadOnlyResource):
    """Numbers that begin so, or addresses of that mail domain, get no code.

    What is blocked by too few codes that were entered is here, too. A block that was lifted stays;
    none is deleted. `search` looks for the beginning of a prefix.
    """

    queryset = BlockedPrefix.objects.order_by("-id")
    serializer_class = BlockedPrefixSerializer
    write_scope = Scope.OTP_SETTINGS
    pagination_class = Log
    filterset_class = PrefixFilters
    search_fields = ("prefix__startswith",)

    @extend_schema(request=None, responses=BlockedPrefixSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: int) -> Response:
        """Let codes be sent there again. Their conversion is judged anew."""
        by = caller_of(request)
        if not fraud.lift_block(self.get_object(), at=timezone.now(), caller=by):
            raise Conflict("It was lifted already: nothing was changed.")
        return Response(self.get_serializer(self.get_object()).data)
