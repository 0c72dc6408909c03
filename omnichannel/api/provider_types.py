from __future__ import annotations

from typing import Any, cast

from django import forms
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel import backends, provider_options
from omnichannel.api.filters import Filters
from omnichannel.backends.base import Backend
from omnichannel.choices import ChannelType, Scope
from omnichannel.models import ChannelProvider

Text = serializers.CharField
KINDS: tuple[tuple[type[forms.Field], str], ...] = (
    (forms.BooleanField, "boolean"),
    (forms.IntegerField, "integer"),
    (forms.ChoiceField, "choice"),
)


class ColumnSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Not as attributes: a serializer has a `label` of its own."""
        return {
            "name": Text(help_text="service_url, app_user, app_password or app_key."),
            "label": Text(help_text="What the vendor calls it."),
            "is_required": serializers.BooleanField(),
        }


class SettingSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            "name": Text(help_text="In app_config; of a secret one, in app_secrets."),
            "label": Text(),
            "help": Text(),
            "type": serializers.ChoiceField(choices=[*(kind for _, kind in KINDS), "text"]),
            "choices": serializers.ListField(child=Text()),
            "default": serializers.JSONField(allow_null=True),
            "is_required": serializers.BooleanField(),
            "is_secret": serializers.BooleanField(),
        }


class ProviderTypeSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            "slug": Text(help_text="What a provider's `backend` is set to."),
            "label": Text(),
            "channel_types": serializers.ListField(
                child=serializers.ChoiceField(ChannelType.choices)
            ),
            "columns": ColumnSerializer(many=True),
            "settings": SettingSerializer(many=True),
            "receives": serializers.BooleanField(help_text="The vendor may call us."),
            "documentation": Text(),
            "note": Text(),
        }


def setting(backend: type[Backend], name: str, field: forms.Field) -> dict[str, Any]:
    kind = next((word for cls, word in KINDS if isinstance(field, cls)), "text")
    choices: Any = field.choices if isinstance(field, forms.ChoiceField) else ()
    return {
        "name": name,
        "label": str(field.label or name.replace("_", " ").capitalize()),
        "help": str(field.help_text),
        "type": kind,
        "choices": [str(value) for value, _ in choices],
        "default": field.initial,
        "is_required": field.required,
        "is_secret": name in backend.secret_fields,
    }


def described(backend: type[Backend]) -> dict[str, Any]:
    return {
        "slug": backend.slug,
        "label": backend.label,
        "channel_types": list(backend.channel_types),
        "columns": [
            {"name": name, "label": label, "is_required": name in backend.required}
            for name, label in backend.uses.items()
        ],
        "settings": [
            setting(backend, name, field)
            for name, field in provider_options.fields_of(backend).items()
        ],
        "receives": backend.receives,
        "documentation": backend.documentation,
        "note": backend.note,
    }


class ProviderTypes(viewsets.GenericViewSet[Any]):
    """The kinds of provider there are, and the settings of each."""

    nouns = ("provider type", "provider types")
    queryset = ChannelProvider.objects.none()  # the filters of the schema ask for one
    write_scope = Scope.PROVIDER
    serializer_class = ProviderTypeSerializer
    filter_backends = (Filters,)
    lookup_field = "slug"
    lookup_value_converter = "str"

    def list(self, request: Request) -> Response:
        rows = self.filter_queryset(cast(Any, list(backends.registry().values())))
        page = cast(list[type[Backend]], self.paginate_queryset(rows))
        found = self.get_serializer([described(backend) for backend in page], many=True)
        return self.get_paginated_response(found.data)

    @extend_schema(parameters=[OpenApiParameter("slug", str, OpenApiParameter.PATH)])
    def retrieve(self, request: Request, slug: str) -> Response:
        backend = backends.get(slug)
        if backend is None:
            raise NotFound("There is no such type.")
        return Response(self.get_serializer(described(backend)).data)
