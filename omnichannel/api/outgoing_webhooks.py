from __future__ import annotations

import json
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

from omnichannel import outgoing_webhooks, webhook_walk
from omnichannel.api.fields import StrictChar, StudioModelSerializer
from omnichannel.api.filters import StudioFilterSet
from omnichannel.api.paging import Log
from omnichannel.api.problems import Conflict
from omnichannel.api.resource import ReadOnlyResource, Resource
from omnichannel.backends.outside import AddressRefused, check_url
from omnichannel.choices import Category, Scope, WebhookEvent
from omnichannel.models import OutgoingWebhook, WebhookDelivery

SECRETS = ("secret", "old_secret")


class StrictChoices(serializers.ListField):
    """A list of different ones."""

    def to_internal_value(self, data: Any) -> list[str]:
        found: list[str] = super().to_internal_value(data)
        if len(set(found)) < len(found):
            raise ValidationError("Name each of them once.")
        return found


class StrictChoice(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class OutgoingWebhookSerializer(StudioModelSerializer):
    name = StrictChar(max_length=120, validators=[UniqueValidator(OutgoingWebhook.objects.all())])
    event_types = StrictChoices(
        child=StrictChoice(choices=WebhookEvent.choices), allow_empty=False, max_length=50
    )
    categories = StrictChoices(
        child=StrictChoice(choices=Category.choices), required=False, max_length=10
    )

    class Meta:
        model = OutgoingWebhook
        fields: tuple[str, ...] = (
            *("id", "name", "url", "event_types", "categories", "is_active", "created_at"),
            *("stopped_at", "stopped_reason", "failing_since", "last_call_at", "last_result"),
        )
        read_only_fields = (
            *("created_at", "stopped_at", "stopped_reason", "failing_since"),
            *("last_call_at", "last_result"),
        )

    def validate_url(self, url: str) -> str:
        try:
            check_url(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE)
        except AddressRefused as error:
            raise ValidationError(str(error)) from error
        return url

    def update(self, instance: OutgoingWebhook, validated_data: dict[str, Any]) -> OutgoingWebhook:
        """The ticks write the other columns at the same time."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        return instance


class NewOutgoingWebhookSerializer(OutgoingWebhookSerializer):
    """With the secret, which no other answer has."""

    secret = serializers.CharField(read_only=True)

    class Meta(OutgoingWebhookSerializer.Meta):
        fields: tuple[str, ...] = (*OutgoingWebhookSerializer.Meta.fields, "secret")


class SecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(read_only=True)


class TestAnswerSerializer(serializers.Serializer[Any]):
    is_taken = serializers.BooleanField(read_only=True)
    code = serializers.CharField(read_only=True)
    answer = serializers.CharField(read_only=True)


class OutgoingWebhooks(Resource):
    """Addresses of other systems that are told what happens to messages.

    Calls are signed as Standard Webhooks has it. The secret is answered when the webhook is made,
    and when it is rotated, and never again.
    """

    queryset = OutgoingWebhook.objects.defer(*SECRETS).order_by("id")
    serializer_class = OutgoingWebhookSerializer
    write_scope = Scope.PROVIDER
    filterset_fields = ("is_active",)
    search_fields = ("name", "url")
    ordering_fields = ("id", "name")

    def get_serializer_class(self) -> Any:
        return NewOutgoingWebhookSerializer if self.action == "create" else self.serializer_class

    def perform_create(self, serializer: Any) -> None:
        super().perform_create(serializer)
        webhook_walk.begin()

    @extend_schema(request=None, responses=SecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: int) -> Response:
        """Give it a new secret. For 24 hours calls are signed by the old one, too."""
        secret = outgoing_webhooks.rotate(self.get_object(), at=timezone.now())
        return Response({"secret": secret})

    @extend_schema(request=None, responses=TestAnswerSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: int) -> Response:
        """Call it once, now, with an event of the type `webhook.test`."""
        verdict = outgoing_webhooks.send_test(self.get_object(), at=timezone.now())
        told = {"is_taken": verdict.is_taken, "code": verdict.code, "answer": verdict.answer}
        return Response(told)

    @extend_schema(request=None, responses=OutgoingWebhookSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: int) -> Response:
        """Call a stopped one again."""
        if not outgoing_webhooks.start(self.get_object()):
            raise Conflict("It is not stopped.")
        return Response(OutgoingWebhookSerializer(self.get_object()).data)


class WebhookDeliverySerializer(StudioModelSerializer):
    type = serializers.CharField(read_only=True)  # its choices have a name in the schema already
    payload = serializers.SerializerMethodField()

    class Meta:
        model = WebhookDelivery
        fields = (
            *("id", "webhook", "event_id", "type", "status", "attempts", "created_at"),
            *("last_attempt_at", "due_at", "code", "answer", "message_id", "payload"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_payload(self, row: WebhookDelivery) -> Any:
        return json.loads(row.body)


class IdFilter(django_filters.Filter):
    """A whole number, as the schema says."""

    field_class = forms.IntegerField


class WebhookDeliveryFilters(StudioFilterSet):
    message_id = IdFilter(min_value=0, max_value=2**63 - 1)

    class Meta:
        model = WebhookDelivery
        fields = ("webhook", "status", "type", "event_id", "message_id")


class WebhookDeliveries(ReadOnlyResource):
    """What other systems were told, and what they answered."""

    queryset = WebhookDelivery.objects.all()
    serializer_class = WebhookDeliverySerializer
    pagination_class = Log
    write_scope = Scope.PROVIDER
    filterset_class = WebhookDeliveryFilters

    @extend_schema(request=None, responses=WebhookDeliverySerializer)
    @action(detail=True, methods=["post"], url_path="send-again")
    def send_again(self, request: Request, pk: int) -> Response:
        """Tell it once more, under the same event id."""
        row = self.get_object()
        mine = WebhookDelivery.objects.filter(pk=row.pk)
        if not outgoing_webhooks.send_again(mine, at=timezone.now()):
            raise Conflict("It waits for its first call.")
        return Response(WebhookDeliverySerializer(self.get_object()).data)
