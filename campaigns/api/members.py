from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import adding
from campaigns.import_rows import MAX_KEY, NewMember, Reject
from campaigns.members import starting_with
from campaigns.models import Audience, AudienceMember
from omnichannel.api.fields import StrictChar
from omnichannel.api.filters import Filters, Ordering, Search
from omnichannel.api.idempotency import idempotent
from omnichannel.api.paging import Log
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope

MOST = 1_000
LONGEST_VALUE = 100_000


class StrictList(serializers.ListField):
    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        return list(super().to_internal_value(data))


class MemberSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    key = StrictChar(
        max_length=MAX_KEY,
        required=False,
        allow_blank=True,
        help_text="What makes it unique. Empty: the e-mail address, or else the phone number.",
    )
    email = StrictChar(max_length=320, required=False, allow_blank=True)
    phone = StrictChar(max_length=60, required=False, allow_blank=True)
    variables = serializers.DictField(
        child=StrictChar(allow_blank=True, trim_whitespace=False, max_length=LONGEST_VALUE),
        required=False,
        help_text="What templates use: {name: text}.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Judged as a row of a file; `member` is what becomes of it."""
        try:
            return {"member": adding.member_of(self._whole(attrs))}
        except Reject as error:
            raise ValidationError({error.field: [error.reason]}) from error

    def _whole(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row: AudienceMember | None = self.instance
        if row is None:
            return attrs
        kept = {"email": row.email, "phone": row.phone, "variables": row.variables}
        values = {**kept, **attrs} if self.partial else attrs
        return {**values, "key": adding.key_after(row, attrs)}


class ManySerializer(serializers.Serializer[Any]):
    members = StrictList(child=MemberSerializer(), allow_empty=False, max_length=MOST)


class CountsSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class MemberSearch(Search):
    """The beginning of a key, an e-mail address or a phone number: quick among a million."""

    search_description = "The beginning of a key, an e-mail address or a phone number."

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        text = request.query_params.get(self.search_param, "").replace("\0", "")
        return starting_with(queryset, text) if text.strip() else queryset


class Members(Resource):
    """The records of an audience. They are judged as the rows of a file are."""

    queryset = AudienceMember.objects.select_related("audience").order_by("-id")
    serializer_class = MemberSerializer
    write_scope = Scope.AUDIENCE
    pagination_class = Log
    filter_backends = (Filters, MemberSearch, Ordering)
    filterset_fields = ("key",)
    search_fields = ("key", "email", "phone")
    ordering_fields = ("id",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        audiences = Audience.objects.filter(removal_asked_at=None)
        self.audience = get_object_or_404(audiences, pk=kwargs["audience_id"])

    def get_queryset(self) -> Any:
        audience = getattr(self, "audience", None)
        rows = super().get_queryset()
        return rows.filter(audience=audience) if audience else rows

    def perform_create(self, serializer: Any) -> None:
        member: NewMember = serializer.validated_data["member"]
        serializer.instance = adding.add_one(self.audience, member)

    def perform_update(self, serializer: Any) -> None:
        member: NewMember = serializer.validated_data["member"]
        serializer.instance = adding.change(serializer.instance, member)

    def perform_destroy(self, instance: AudienceMember) -> None:
        adding.remove(instance)

    @extend_schema(request=ManySerializer, responses=CountsSerializer)
    @action(detail=False, methods=["post"], url_path="bulk")
    @idempotent()
    def bulk(self, request: Request, audience_id: int) -> Response:
        """Add up to 1,000, or update those whose key is known: all of them, or none.

        Variables that are not given stay. Of two with the same key the later one counts.
        """
        asked = ManySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        members = [each["member"] for each in asked.validated_data["members"]]
        counts = adding.add_many(self.audience, members)
        return Response(CountsSerializer(counts).data)
