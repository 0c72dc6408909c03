from __future__ import annotations

import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel import suppressions
from omnichannel.api.addressed import AddressedSerializer, AddressFilters
from omnichannel.api.fields import StrictBoolean
from omnichannel.api.paging import Log
from omnichannel.api.problems import Conflict, Refused
from omnichannel.api.resource import ReadOnlyResource
from omnichannel.choices import Scope, SuppressionReason, SuppressionState
from omnichannel.models import Suppression
from omnichannel.suppressions import Word

SURE = (
    "A mailbox that bounced or an owner who complained: set sure to true where there is reason to "
    "believe that the address works and that its owner wants to hear from you."
)


class SuppressionSerializer(AddressedSerializer):
    state = serializers.SerializerMethodField()

    class Meta:
        model = Suppression
        fields = (
            *("id", "channel_type", "address", "category", "reason", "note"),
            *("expires_at", "created_at", "lifted_at", "message_id", "state"),
        )
        read_only_fields = ("created_at", "lifted_at", "message_id")
        validators = ()  # what is known already may be said again: the latest word counts

    @extend_schema_field(serializers.ChoiceField(SuppressionState.values))
    def get_state(self, row: Suppression) -> str:
        return row.state(timezone.now())

    def validate_expires_at(self, until: datetime.datetime | None) -> datetime.datetime | None:
        if until and until <= timezone.now():
            raise serializers.ValidationError("Give a moment in the future, or null.")
        return until

    def create(self, validated_data: dict[str, Any]) -> Suppression:
        reason = validated_data.pop("reason", SuppressionReason.MANUAL)
        note = validated_data.pop("note", "") or f"API key {self.context['request'].auth}"
        word = Word(**validated_data, reason=reason, note=note, at=timezone.now())
        suppressions.say([word])
        return Suppression.objects.get(
            channel_type=word.channel_type,
            address=word.address,
            category=word.category,
            reason=word.reason,
        )


class LiftSerializer(serializers.Serializer[Any]):
    sure = StrictBoolean(default=False, help_text="Needed to lift a bounce or a complaint.")


class SuppressionFilters(AddressFilters):
    state = django_filters.ChoiceFilter(choices=SuppressionState.choices, method="in_state")

    class Meta:
        model = Suppression
        fields = {
            "channel_type": ["exact"],
            "category": ["exact"],
            "reason": ["exact"],
            "created_at": ["gte", "lt"],
        }

    def in_state(self, rows: QuerySet[Suppression], name: str, value: str) -> Any:
        known = Suppression.objects
        if value == SuppressionState.LIFTED:
            return rows.filter(lifted_at__isnull=False)
        found = known.in_force() if value == SuppressionState.IN_FORCE else known.expired()
        return rows & found


class Suppressions(mixins.CreateModelMixin, ReadOnlyResource):
    """Addresses that must not be written to. A lifted row stays; none is deleted.

    To add what is known already says it again: the latest word counts. `search` looks for the
    beginning of an address, in lower case.
    """

    queryset = Suppression.objects.order_by("-id")
    serializer_class = SuppressionSerializer
    write_scope = Scope.SUPPRESSION
    pagination_class = Log
    filterset_class = SuppressionFilters
    search_fields = ("address__startswith",)

    @extend_schema(request=LiftSerializer, responses=SuppressionSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: int) -> Response:
        """Let the address be written to again, unless another suppression bars it."""
        form = LiftSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        row = self.get_object()
        if row.reason in SuppressionReason.strict() and not form.validated_data["sure"]:
            raise Refused(SURE)
        if not suppressions.lift_rows(Suppression.objects.filter(pk=row.pk), at=timezone.now()):
            raise Conflict("It is not in force any more: nothing was changed.")
        return Response(self.get_serializer(self.get_object()).data)
