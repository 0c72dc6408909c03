"""Resources that are parts of another row: `<noun>/<id>/<parts>/`."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.shortcuts import get_object_or_404
from rest_framework import viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from omnichannel.api.resource import Resource


class PartsOf(viewsets.GenericViewSet[Any]):
    """Declare `whole`, the name of the key to the row that they are parts of, and `wholes`."""

    whole: ClassVar[str]
    wholes: ClassVar[type[models.Model]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.owner = get_object_or_404(self.wholes, pk=kwargs[f"{self.whole}_id"])

    def get_queryset(self) -> models.QuerySet[Any]:
        owner = getattr(self, "owner", None)
        rows = super().get_queryset()
        return rows.filter(**{self.whole: owner}) if owner else rows

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "owner": getattr(self, "owner", None)}


class Parts(PartsOf, Resource):
    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        with transaction.atomic():
            serializer.save(**{self.whole: self.owner})


def only_one(
    serializer: BaseSerializer[Any], rows: models.QuerySet[Any], field: str, value: Any
) -> Any:
    """The value, unless another row among these has it: what a constraint over more columns
    than the serializer has would say as a conflict.
    """
    same = rows.filter(**{field: value})
    if serializer.instance is not None:
        same = same.exclude(pk=serializer.instance.pk)
    if same.exists():
        raise ValidationError(f"There is one with this {field} already.")
    return value
