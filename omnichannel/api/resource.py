"""What the views of a resource are built from: paging, filters, scope, transactions."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework import mixins, viewsets
from rest_framework.serializers import BaseSerializer

from omnichannel.choices import Scope


class ReadOnlyResource(
    mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Any]
):
    """List and retrieve. Declare `queryset`, `serializer_class`, `write_scope`.

    Beside these: `filterset_fields` or `filterset_class`, `search_fields`, `ordering_fields`, and
    `pagination_class = Log` for what grows without end. An `@action` may have a `write_scope` of
    its own.
    """

    write_scope: Scope | None = None
    lookup_value_converter = "int"
    search_fields: tuple[str, ...] = ()
    ordering_fields: tuple[str, ...] = ("id",)


class Resource(
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    ReadOnlyResource,
):
    """All of it. A row and its history are one transaction."""

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        with transaction.atomic():
            serializer.save()

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        with transaction.atomic():
            serializer.save()

    def perform_destroy(self, instance: Any) -> None:
        with transaction.atomic():
            instance.delete()
