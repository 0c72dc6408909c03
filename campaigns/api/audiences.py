from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.upload import UploadMixin
from campaigns.api.values import Tags
from campaigns.models import Audience
from campaigns.removal import ask_removal
from omnichannel.api.fields import StudioModelSerializer
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope

GONE = OpenApiResponse(description="It is gone.")
GOING = OpenApiResponse(description="It is large: it is being deleted in the background.")


class AudienceSerializer(StudioModelSerializer):
    tags = Tags()
    columns = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="The names of the variables that its records carry.",
    )

    class Meta:
        model = Audience
        fields = (
            *("id", "name", "description", "tags", "is_active", "columns", "records_count"),
            *("created_at", "updated_at"),
        )
        read_only_fields = ("records_count",)


class Audiences(UploadMixin, Resource):
    """People to write to. Their records come from a file, or one by one as `members`."""

    queryset = (
        Audience.objects.filter(removal_asked_at=None).prefetch_related("tags").order_by("id")
    )
    serializer_class = AudienceSerializer
    write_scope = Scope.AUDIENCE
    filterset_fields = ("name", "is_active", "tags")
    search_fields = ("name", "description")
    ordering_fields = ("id", "name", "records_count", "updated_at")

    @extend_schema(responses={204: GONE, 202: GOING})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A large audience is hidden at once and deleted in the background."""
        is_gone = ask_removal(self.get_object(), at=timezone.now())
        return Response(status=204 if is_gone else 202)
