"""Files that become audiences: given with the call, or fetched from a URL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.core.files import File
from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

from campaigns import uploading
from campaigns.api.imports import ImportSerializer
from campaigns.models import Audience
from omnichannel.api.fields import StrictChar
from omnichannel.api.idempotency import idempotent, provide
from omnichannel.api.parsing import BoundedJson
from omnichannel.backends.outside import LONGEST_URL

PARSERS = (MultiPartParser, BoundedJson)


class AudienceFileSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(
        allow_empty_file=True, help_text="CSV in any encoding, or an Excel workbook (.xlsx)."
    )


class UrlSerializer(serializers.Serializer[Any]):
    url = StrictChar(
        max_length=LONGEST_URL, help_text="https, on the internet; it is fetched within the call."
    )


class Named(serializers.Serializer[Any]):
    name = StrictChar(max_length=120, validators=[UniqueValidator(Audience.objects.all())])


class NewFileSerializer(Named, AudienceFileSerializer):
    """A new audience is made for the file."""


class NewUrlSerializer(Named, UrlSerializer):
    """A new audience is made for the file."""


class UploadMixin:
    """Answers with the import, which waits to be started, and the file's first rows."""

    get_object: Any

    @extend_schema(
        operation_id="audiences_upload",
        request={
            "multipart/form-data": NewFileSerializer,
            "application/json": NewUrlSerializer,
        },
        responses={201: ImportSerializer},
    )
    @action(detail=False, methods=["post"], url_path="upload", parser_classes=PARSERS)
    @idempotent(in_transaction=False)
    def upload(self, request: Request) -> Response:
        """Upload a file for a new audience."""
        return _take_in(request, None, NewFileSerializer, NewUrlSerializer)

    @extend_schema(
        operation_id="audiences_upload_into",
        request={"multipart/form-data": AudienceFileSerializer, "application/json": UrlSerializer},
        responses={201: ImportSerializer},
    )
    @action(detail=True, methods=["post"], url_path="upload", parser_classes=PARSERS)
    @idempotent(in_transaction=False)
    def upload_into(self, request: Request, pk: int) -> Response:
        """Upload a file for an audience that is there."""
        return _take_in(request, self.get_object(), AudienceFileSerializer, UrlSerializer)


def _take_in(
    request: Request,
    audience: Audience | None,
    by_file: type[serializers.Serializer[Any]],
    by_url: type[serializers.Serializer[Any]],
) -> Response:
    is_form = request.content_type.startswith("multipart/")
    asked = (by_file if is_form else by_url)(data=request.data)
    asked.is_valid(raise_exception=True)
    values = asked.validated_data
    with _opened(values) as upload:
        row = uploading.examine(upload)
    with uploading.dropped_unless_kept(row), transaction.atomic():
        uploading.keep(row, audience, name=values.get("name", ""))
        data = ImportSerializer(row).data
        provide(201, data)
    return Response(data, status=201)


@contextlib.contextmanager
def _opened(values: dict[str, Any]) -> Iterator[File]:
    if "file" in values:
        yield values["file"]
        return
    with uploading.fetched(values["url"]) as upload:
        yield upload
