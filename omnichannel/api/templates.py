from __future__ import annotations

from typing import Any

import django_filters
from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel import cloning, publishing, rendering, routing, sms_text, trials
from omnichannel.addresses import clean_address
from omnichannel.api import template_asks as asks
from omnichannel.api.filters import BooleanFilter, StudioFilterSet
from omnichannel.api.idempotency import idempotent
from omnichannel.api.parts import PartsOf
from omnichannel.api.problems import Conflict
from omnichannel.api.resource import ReadOnlyResource, Resource
from omnichannel.api.template_rows import (
    ContentSerializer,
    TemplateRowSerializer,
    TemplateSerializer,
    faults_in,
)
from omnichannel.choices import ChannelType, Scope
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ApiKey, Label, MessageTemplate, TemplateVersion
from omnichannel.rendering.languages import name_at, position_for
from omnichannel.variables import global_values

HEAVY = ("html", "text", "compiled_html", "compiled_text")


class TemplateFilters(StudioFilterSet):
    tags = django_filters.ModelChoiceFilter(queryset=Label.objects.all())
    is_system = BooleanFilter(method="of_system")

    class Meta:
        model = MessageTemplate
        fields = ("name", "channel_type", "category")

    def of_system(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        return rows.exclude(system_key="") if value else rows.filter(system_key="")


class Templates(Resource):
    """What messages say. To change the content publishes the next version; the versions that
    there were stay. Lists leave the content out.
    """

    queryset = MessageTemplate.objects.select_related("published_version").order_by("id")
    serializer_class = TemplateSerializer
    write_scope = Scope.CONTENT
    filterset_class = TemplateFilters
    search_fields = ("name", "description")
    ordering_fields = ("id", "name", "updated_at")

    def get_queryset(self) -> QuerySet[MessageTemplate]:
        rows = super().get_queryset().prefetch_related("tags")
        if self.action != "list":
            return rows
        return rows.defer(*(f"published_version__{name}" for name in HEAVY))

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return TemplateRowSerializer if self.action == "list" else TemplateSerializer

    def perform_destroy(self, instance: MessageTemplate) -> None:
        if instance.is_system:
            raise Conflict(str(publishing.SystemTemplate(instance)))
        publishing.delete(instance)

    @extend_schema(request=asks.CloneSerializer, responses={201: TemplateSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, pk: int) -> Response:
        """A template of your own with the published content, as its version 1."""
        name = asks.taken(asks.CloneSerializer, request)["name"]
        with faults_in():
            copy = cloning.clone(self.get_object(), by=None, name=name)
        return Response(TemplateSerializer(copy).data, status=201)

    @extend_schema(request=asks.RollBackSerializer, responses=TemplateSerializer)
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, pk: int) -> Response:
        """Publish an earlier version's content again, as the next version."""
        template = self.get_object()
        if template.is_system:
            raise Conflict(str(publishing.SystemTemplate(template)))
        version = _version(template, asks.taken(asks.RollBackSerializer, request)["version"])
        publishing.roll_back(template, version, by=None)
        return Response(TemplateSerializer(self.get_object()).data)

    @extend_schema(request=asks.PreviewSerializer, responses=asks.PreviewedSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: int) -> Response:
        """What a version says with the given variables, or with the sample variables."""
        asked = asks.taken(asks.PreviewSerializer, request)
        template = self.get_object()
        version = _version(template, asked.get("version"))
        values = dict(asked.get("variables", template.sample_variables))
        if asked["language"]:
            values["language"] = asked["language"]
        rendered = rendering.render(version, values, global_values())
        is_sms = template.channel_type == ChannelType.SMS
        return Response(
            {
                "version": version.number,
                "language": name_at(version.languages, position_for(version.offered, values)),
                "subject": rendered.subject,
                "html": rendered.html,
                "text": rendered.text,
                "size": sms_text.measure(rendered.text)._asdict() if is_sms else None,
            }
        )

    @extend_schema(request=asks.TestSendSerializer, responses=asks.SentSerializer)
    @action(detail=True, methods=["post"], url_path="test-send", write_scope=Scope.SEND)
    @idempotent(in_transaction=False)
    def test_send(self, request: Request, pk: int) -> Response:
        """Send the published version to one address, now; `good` says whether it was taken."""
        asked = asks.taken(asks.TestSendSerializer, request)
        template = self.get_object()
        _version(template, None)
        provider = asked.get("provider")
        if provider and provider.channel_type != template.channel_type:
            raise ValidationError({"provider": ["It sends on another channel."]})
        if isinstance(request.auth, ApiKey) and request.auth.is_test:
            provider = routing.sandbox_for(template.channel_type)
        told = trials.send_template(
            template,
            _address(template.channel_type, asked["address"]),
            variables=asked.get("variables"),
            language=asked["language"],
            provider=provider,
        )
        return Response(asks.SentSerializer(told).data)


def _version(template: MessageTemplate, number: int | None) -> TemplateVersion:
    """The published one unless a number is given."""
    if number is not None:
        return get_object_or_404(template.versions, number=number)
    if template.published_version is None:
        raise Conflict("The template has no version yet: give it a content.")
    return template.published_version


def _address(channel_type: str, text: str) -> str:
    try:
        return clean_address(channel_type, text, settings.DEFAULT_PHONE_REGION)
    except InvalidMessage as error:
        raise ValidationError({"address": [str(error)]}) from error


class TemplateVersions(PartsOf, ReadOnlyResource):
    """Every content that a template ever had; none of them changes. `versions/<number>/`."""

    whole = "template"
    wholes = MessageTemplate
    queryset = TemplateVersion.objects.order_by("-number")
    serializer_class = ContentSerializer
    write_scope = Scope.CONTENT
    lookup_field = "number"
    search_fields = ("subject",)
    ordering_fields = ("number",)

    def get_queryset(self) -> QuerySet[TemplateVersion]:
        rows: QuerySet[TemplateVersion] = super().get_queryset()
        return rows.defer(*HEAVY) if self.action == "list" else rows.prefetch_related("texts")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return asks.VersionRowSerializer if self.action == "list" else asks.VersionSerializer
