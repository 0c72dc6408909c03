from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel import trials, trouble
from omnichannel.api.problems import Conflict
from omnichannel.api.provider_rows import ProviderSerializer
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope
from omnichannel.models import ChannelProvider, Message

IN_USE = "Messages in the queue name it: set is_active to false instead."


class CheckSerializer(serializers.Serializer[Any]):
    good = serializers.BooleanField()
    outcome = serializers.CharField()
    code = serializers.CharField(default="", help_text="The provider's own, where it gave one.")
    text = serializers.CharField(help_text="What was said.")
    seconds = serializers.FloatField()


class Providers(Resource):
    """Ways to send. Secrets go in and never come out: see `stored_secrets`.

    A new provider gets the table of codes of its type. What its type needs is at
    `provider-types/<backend>/`.
    """

    queryset = ChannelProvider.objects.select_related("webhook").order_by("id")
    serializer_class = ProviderSerializer
    write_scope = Scope.PROVIDER
    filterset_fields = ("name", "channel_type", "backend", "is_active")
    search_fields = ("name", "provider_name", "from_address")
    ordering_fields = ("id", "name", "channel_type", "backend")

    def perform_destroy(self, instance: ChannelProvider) -> None:
        if Message.objects.filter(provider=instance).exists():
            raise Conflict(IN_USE, "in_use")
        super().perform_destroy(instance)

    @extend_schema(request=None, responses=CheckSerializer)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: int) -> Response:
        """Try the connection and the credentials as they are stored. Nothing is sent."""
        return Response(CheckSerializer(trials.try_connection(self.get_object())).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: int) -> Response:
        """Let a stopped or resting provider send again. One that does neither stays as it is."""
        trouble.resume(self.get_object())
        return Response(self.get_serializer(self.get_object()).data)
