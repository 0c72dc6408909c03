from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from phonenumbers import SUPPORTED_REGIONS
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import audience_import
from campaigns.choices import ImportMode, ImportStatus
from campaigns.import_mapping import Mapping
from campaigns.import_preview import Preview, preview
from campaigns.import_rejects import read_rejects
from campaigns.import_run import rejects_path
from campaigns.import_summary import headline, percent
from campaigns.models import AudienceImport
from omnichannel.api.fields import StrictBoolean, StrictChar, StrictChoice, StrictInteger
from omnichannel.api.idempotency import idempotent
from omnichannel.api.resource import ReadOnlyResource
from omnichannel.choices import Delimiter, Encoding, Scope
from omnichannel.csv_source import ROWS
from omnichannel.exceptions import IllegalTransition, ImportRefused

ROWS_ASKED = OpenApiParameter(
    "rows", {"type": "integer", "minimum": 1, "maximum": ROWS}, description="How many at most."
)


class Column(StrictInteger):
    """A column of the file, by its number from 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=10_000, **kwargs)


class MappingSerializer(serializers.Serializer[Any]):
    email = Column(allow_null=True, default=None, help_text="Column of e-mail addresses, from 0.")
    phone = Column(allow_null=True, default=None, help_text="Column of phone numbers, from 0.")
    variables = serializers.DictField(
        child=Column(), default=dict, help_text="The name of each variable, and its column."
    )
    key = StrictChar(
        max_length=60, help_text="Duplicates are known by it: email, phone, or a variable."
    )


class SampleSerializer(serializers.Serializer[Any]):
    """How the file is read, and what its columns most likely are."""

    headers = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What had to be changed about the headers."
    )
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    mapping = MappingSerializer(help_text="A proposal. It is used when no other is given.")


class StartSerializer(serializers.Serializer[Any]):
    """All of it may be left out: then the file is read as it was found to be written."""

    mapping = MappingSerializer(required=False)
    mode = StrictChoice(choices=ImportMode.choices, default=ImportMode.UPSERT)
    default_region = StrictChoice(
        choices=["", *sorted(SUPPORTED_REGIONS)],
        required=False,
        help_text="Country of phone numbers without +. Empty: every number must have one.",
    )
    encoding = StrictChoice(choices=Encoding.choices, required=False)
    delimiter = StrictChoice(choices=Delimiter.choices, required=False)
    has_header = StrictBoolean(required=False)


class ImportSerializer(serializers.ModelSerializer[Any]):
    file_name = serializers.CharField(source="original_name")
    encoding = serializers.ChoiceField(
        choices=[("", "Not known"), *Encoding.choices],
        help_text="Empty: it could not be found out and has to be said at the start.",
    )
    sample = serializers.SerializerMethodField(help_text="Until it is started, its first rows.")
    progress = serializers.SerializerMethodField(help_text="How much of the file is read: 0-100.")
    summary = serializers.SerializerMethodField(help_text="What it did, in a sentence or two.")
    has_rejected_rows = serializers.SerializerMethodField()

    class Meta:
        model = AudienceImport
        fields = (
            *("id", "audience", "status", "file_name", "encoding", "delimiter", "has_header"),
            *("mode", "default_region", "progress", "summary", "rows_done", "added", "updated"),
            *("unchanged", "duplicates", "rejected", "removed", "has_rejected_rows", "error"),
            *("created_at", "started_at", "finished_at", "sample"),
        )
        read_only_fields = fields

    def get_progress(self, row: AudienceImport) -> int:
        return percent(row)

    def get_summary(self, row: AudienceImport) -> str:
        if row.status == ImportStatus.UPLOADED:
            return "It waits to be started."
        return headline(row)

    def get_has_rejected_rows(self, row: AudienceImport) -> bool:
        return bool(row.checkpoint.get("rejects"))

    @extend_schema_field(SampleSerializer(allow_null=True))
    def get_sample(self, row: AudienceImport) -> dict[str, Any] | None:
        if self.context.get("is_short") or row.status != ImportStatus.UPLOADED:
            return None
        try:
            return sample_of(preview(row), ROWS)
        except (ImportRefused, OSError):
            return None


def sample_of(seen: Preview, rows: int) -> dict[str, Any]:
    return {
        "headers": seen.headers,
        "notes": seen.notes,
        "rows": [fields for _, fields, _ in seen.rows[:rows]],
        "mapping": seen.mapping.as_json(),
    }


class Files(BaseContentNegotiation):
    """What is answered is a file, whatever is asked for; errors are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class Imports(mixins.DestroyModelMixin, ReadOnlyResource):
    """Files on their way into audiences: uploaded, started, then read in the background."""

    queryset = AudienceImport.objects.select_related("audience").order_by("-id")
    serializer_class = ImportSerializer
    write_scope = Scope.AUDIENCE
    filterset_fields = ("audience", "status")
    search_fields = ("original_name", "audience__name")
    ordering_fields = ("id", "created_at")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "is_short": self.action == "list"}

    def perform_destroy(self, instance: AudienceImport) -> None:
        """Forget an upload that was not started."""
        audience_import.discard(instance)

    @extend_schema(parameters=[ROWS_ASKED], responses=SampleSerializer)
    @action(detail=True)
    def sample(self, request: Request, pk: int) -> Response:
        """The first rows of a file that is not started yet, and a proposal for its columns."""
        text = request.query_params.get("rows", str(ROWS))
        if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= ROWS):
            raise ValidationError({"rows": [f"Give a number from 1 to {ROWS}."]})
        return Response(sample_of(_looked_into(self.get_object()), int(text)))

    @extend_schema(request=StartSerializer, responses=ImportSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def start(self, request: Request, pk: int) -> Response:
        """Begin to read the file into the audience, with these columns."""
        row = self.get_object()
        asked = StartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = {"default_region": settings.DEFAULT_PHONE_REGION, **asked.validated_data}
        given = values.pop("mapping", None)
        for name, value in values.items():
            setattr(row, name, value)
        seen = _looked_into(row)
        mapping = Mapping(**given) if given else seen.mapping
        _check_columns(mapping, seen)
        row.headers, row.mapping = seen.names, mapping.as_json()
        audience_import.submit(row)
        row.refresh_from_db()
        return Response(ImportSerializer(row).data)

    @extend_schema(request=None, responses=ImportSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Stop it; what is imported stays."""
        row = self.get_object()
        with transaction.atomic():
            audience_import.cancel(row, at=timezone.now())
        row.refresh_from_db()
        return Response(ImportSerializer(row).data)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    @action(detail=True, url_path="rejected", content_negotiation_class=Files)
    def rejected(self, request: Request, pk: int) -> StreamingHttpResponse:
        """The rows that were not imported, each with the reason, as CSV."""
        row = self.get_object()
        size = row.checkpoint.get("rejects", 0)
        if not size or not rejects_path(row).exists():
            raise NotFound("This import has no rejected rows.")
        return StreamingHttpResponse(
            read_rejects(rejects_path(row), size),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="rejected-rows-{row.pk}.csv"'},
        )


def _looked_into(row: AudienceImport) -> Preview:
    if row.status != ImportStatus.UPLOADED:
        raise IllegalTransition("This import was started already.")
    try:
        return preview(row)
    except FileNotFoundError as error:
        raise IllegalTransition("The uploaded file is gone. Upload it again.") from error


def _check_columns(mapping: Mapping, seen: Preview) -> None:
    """Raises ValidationError for columns that the file does not have."""
    chosen = {"email": mapping.email, "phone": mapping.phone}
    chosen |= {f"variables.{name}": index for name, index in mapping.variables.items()}
    text = f"The file has {len(seen.names)} columns: they count from 0."
    wrong = [name for name, at in chosen.items() if at is not None and at >= len(seen.names)]
    if wrong:
        raise ValidationError({f"mapping.{name}": [text] for name in wrong})
