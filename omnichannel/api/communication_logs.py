from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from omnichannel.api.walked import Query, Walked
from omnichannel.choices import MessageStatus, Scope
from omnichannel.models import Message
from omnichannel.report_rows import Names


class LogSerializer(serializers.Serializer[Any]):
    """A line of the communication report, with names in place of ids."""

    id = serializers.IntegerField()
    queued_at = serializers.DateTimeField()
    channel = serializers.CharField()
    to = serializers.CharField()
    template = serializers.CharField()
    job = serializers.CharField()
    job_id = serializers.IntegerField(allow_null=True)
    provider = serializers.CharField()
    status = serializers.ChoiceField(MessageStatus.choices)
    error_code = serializers.CharField()
    error_message = serializers.CharField()
    attempts = serializers.IntegerField()
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)


class CommunicationLogs(GenericViewSet[Any]):
    """What was sent to whom, as in the Studio's report."""

    nouns = ("communication log entry", "communication log entries")
    queryset = Message.objects.none()
    serializer_class = LogSerializer
    pagination_class = Walked
    filter_backends = ()
    write_scope = Scope.SEND

    @extend_schema(parameters=[Query], responses=LogSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Newest first. A page may be short though `next` is there: its time was up."""
        paginator = Walked()
        rows = Names().rows(paginator.find(request).rows)
        return paginator.get_paginated_response(LogSerializer(list(rows), many=True).data)
