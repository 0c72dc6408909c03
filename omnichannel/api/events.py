"""Business events: what they are, what they send, and triggering them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from omnichannel import dispatch, subscriptions
from omnichannel.api.auth import key_of
from omnichannel.api.event_rows import (
    BulkChangesSerializer,
    ChangedSerializer,
    ChangesSerializer,
    EventSerializer,
    SubscriptionSerializer,
    SwitchesSerializer,
    TriggeredSerializer,
    TriggerSerializer,
    triggered_data,
)
from omnichannel.api.filters import StudioFilterSet
from omnichannel.api.idempotency import idempotent
from omnichannel.api.problems import by_field
from omnichannel.api.resource import ReadOnlyResource, Resource
from omnichannel.choices import Scope
from omnichannel.models import Event, EventSubscription
from omnichannel.models.business_events import is_key
from omnichannel.subscriptions import Change, Place


class Events(Resource):
    """Things that happen in a business, and what each sends. An event is named by its key."""

    queryset = Event.objects.order_by("id").prefetch_related("subscriptions__event")
    serializer_class = EventSerializer
    write_scope = Scope.CONTENT
    lookup_field = "key"
    lookup_value_converter = "str"
    filterset_fields = ("key", "group", "sub_group", "category", "is_active", "is_shipped")
    search_fields = ("key", "name", "description")
    ordering_fields = ("id", "key", "group", "name")

    def get_object(self) -> Event:
        if not is_key(self.kwargs["key"]):
            raise Http404
        event: Event = super().get_object()
        return event

    @extend_schema(request=TriggerSerializer, responses={202: TriggeredSerializer})
    @action(detail=True, methods=["post"], write_scope=Scope.SEND)
    @idempotent()
    def trigger(self, request: Request, key: str) -> Response:
        """Queue one message for each channel that the event is subscribed on: all, or none.

        Answered when they are committed. `skipped` tells of each channel without a message why.
        """
        body = TriggerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        api_key = key_of(request)
        given = dict(body.validated_data)
        done = dispatch.trigger(
            key,
            given.pop("recipient"),
            given.pop("variables"),
            at=timezone.now(),
            source="api",
            uses_sandbox=api_key.is_test,
            **{**given, "reference": given["reference"] or f"key {api_key.prefix}"},
        )
        return Response(triggered_data(done), status=202)

    @extend_schema(responses=SubscriptionSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=())
    def subscriptions(self, request: Request, key: str) -> Response:
        """What the event sends on each channel; a channel that is not there sends nothing."""
        rows = self.get_object().subscriptions.all()
        return Response(SubscriptionSerializer(rows, many=True).data)

    @extend_schema(request=ChangesSerializer, responses=ChangedSerializer)
    @subscriptions.mapping.put
    def subscribe(self, request: Request, key: str) -> Response:
        """Change what the event sends: every channel that is named, or none."""
        event = self.get_object()
        body = ChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rows = [{**row, "event": event.key} for row in body.validated_data["subscriptions"]]
        return _changed(request, rows, {event.key: event.pk})


class SubscriptionFilters(StudioFilterSet):
    event = django_filters.CharFilter("event__key")
    group = django_filters.CharFilter("event__group")

    class Meta:
        model = EventSubscription
        fields = ("event", "group", "channel_type", "is_subscribed", "template", "provider")


class EventSubscriptions(ReadOnlyResource):
    """What every event sends on each channel."""

    queryset = EventSubscription.objects.order_by("id").select_related("event")
    serializer_class = SubscriptionSerializer
    write_scope = Scope.CONTENT
    filterset_class = SubscriptionFilters
    search_fields = ("event__key", "event__name")

    @extend_schema(request=BulkChangesSerializer, responses=ChangedSerializer)
    @action(detail=False, methods=["put"])
    def bulk(self, request: Request) -> Response:
        """Change up to 500 at once: all of them, or none."""
        body = BulkChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rows = body.validated_data["subscriptions"]
        keys = {row["event"] for row in rows}
        events = dict(Event.objects.filter(key__in=keys).values_list("key", "pk"))
        return _changed(request, rows, events)


class EventSwitches(APIView):
    """Whether events send on a channel at all; one-time passwords always do."""

    write_scope = Scope.CONTENT

    @extend_schema(responses=SwitchesSerializer)
    def get(self, request: Request) -> Response:
        return Response(subscriptions.switches())

    @extend_schema(request=SwitchesSerializer, responses=SwitchesSerializer)
    def put(self, request: Request) -> Response:
        """A channel that is not named stays as it is."""
        body = SwitchesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        subscriptions.switch(body.validated_data)
        return Response(subscriptions.switches())


def _changed(request: Request, rows: list[dict[str, Any]], events: dict[str, int]) -> Response:
    """The rows changed, each of an event by its key."""
    changes: dict[Place, Change] = {}
    places: dict[str, int] = {}
    errors: dict[str, list[str]] = {}
    for number, row in enumerate(rows):
        event = events.get(row["event"])
        place = (event or 0, row["channel_type"])
        if event is None:
            errors[f"subscriptions.{number}.event"] = ["There is no event of this key."]
        elif place in changes:
            errors[f"subscriptions.{number}"] = ["It is there twice."]
        else:
            places[f"{event}.{row['channel_type']}"] = number
            changes[place] = _change(row)
    if errors:
        raise ValidationError(errors)
    try:
        count = subscriptions.change(changes, reason=f"API key {key_of(request)}"[:100])
    except subscriptions.InvalidEvent as error:
        raise ValidationError(
            {f"subscriptions.{places[path]}" if path in places else path: texts
             for path, texts in by_field(error.errors).items()}
        ) from error  # fmt: skip
    ids = {event for event, _ in changes}
    found = EventSubscription.objects.filter(event__in=ids).select_related("event").order_by("id")
    return Response(
        {"changed": count, "subscriptions": SubscriptionSerializer(found, many=True).data}
    )


def _change(row: dict[str, Any]) -> Change:
    names = {"is_subscribed": "is_subscribed", "template": "template_id", "provider": "provider_id"}
    return {column: row[name] for name, column in names.items() if name in row}
