"""Document templates: what fields the envelopes of a kind have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from integrations.models import DocumentTemplate, DocumentTemplateVersion
from omnichannel.admin.base import (
    RelatedDropdownFilter,
    StudioAdmin,
    UnfoldAdminTextareaWidget,
    display,
)
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.paginator import CappedPaginator

TYPES = ("text", "number", "date")
MOST = 300  # fields
LONGEST = 60  # characters of a name
HELP = (
    "One field a line: name, then type (text, number or date), then “required” if it is. A column "
    "of a table is written as table.column. Example: order_number text required. A change becomes "
    "a new version; rules go on with the version that they name."
)


def lines_of(fields: list[dict[str, Any]]) -> str:
    return "\n".join(
        " ".join(
            [
                f"{field['table']}.{field['name']}" if field.get("table") else field["name"],
                field.get("type", "text"),
                *(["required"] if field.get("required") else []),
            ]
        )
        for field in fields
    )


def fields_of(text: str) -> list[dict[str, Any]]:
    """As a version keeps them. Raises ValidationError with the line that is wrong."""
    found = list(_read(text))
    names = [(field["table"], field["name"]) for field in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValidationError(f"{'.'.join(filter(None, twice))} is there twice.")
    if len(found) > MOST:
        raise ValidationError(f"At most {MOST} fields can be kept.")
    return found


def _read(text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        table, _, name = words[0].rpartition(".")
        rest = [word.lower() for word in words[1:]]
        kind = rest[0] if rest and rest[0] in TYPES else "text"
        unknown = set(rest) - {kind, "required"}
        parts = (table, name) if table else (name,)
        if unknown or not all(part.isidentifier() and len(part) <= LONGEST for part in parts):
            raise ValidationError(
                f"Line {number}: write a name of letters, digits and _, a type "
                "(text, number, date) and perhaps “required”."
            )
        yield {"name": name, "type": kind, "required": "required" in rest, "table": table}


class DocumentTemplateForm(forms.ModelForm):
    field_lines = forms.CharField(
        label="Fields",
        required=False,
        help_text=HELP,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "spellcheck": "false"}),
    )

    class Meta:
        model = DocumentTemplate
        fields = ("account", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.newest = self.instance.newest() if self.instance.pk else None
        self.initial.setdefault("field_lines", lines_of(self.newest.fields) if self.newest else "")

    def clean_field_lines(self) -> list[dict[str, Any]]:
        return fields_of(self.cleaned_data["field_lines"])


@admin.register(DocumentTemplate)
class DocumentTemplateAdmin(HistoryAdmin, StudioAdmin):
    form = DocumentTemplateForm
    list_display = ("name", "account", "uuid", "version")
    list_filter = (("account", RelatedDropdownFilter),)
    list_select_related = ("account",)
    search_fields = ("name", "key")
    search_help_text = "Part of a name, or a UUID"
    paginator = CappedPaginator
    readonly_fields = ("key", "versions_shown", "lines_shown")
    empty_hint = (
        "A document template names the fields of a kind of document, such as an order: rules fill "
        "them, file names may use them. Envelopes work without one, too."
    )

    class Media:
        css = {"all": ("studio/integrations.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[DocumentTemplate]:
        return super().get_queryset(request).annotate(last=Max("versions__number"))

    def get_fieldsets(self, request: HttpRequest, obj: DocumentTemplate | None = None) -> Any:
        may = self.has_change_permission(request, obj) if obj else True
        first = (("account", "name"), "field_lines" if may else "lines_shown")
        return ((None, {"fields": (*first, "key", "versions_shown") if obj else first}),)

    def save_model(
        self, request: HttpRequest, obj: DocumentTemplate, form: Any, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        fields = form.cleaned_data.get("field_lines")
        newest = obj.newest()
        if fields is None or (newest and newest.fields == fields):
            return
        number = newest.number + 1 if newest else 1
        DocumentTemplateVersion.objects.create(template=obj, number=number, fields=fields)

    @display(description="UUID")
    def uuid(self, obj: DocumentTemplate) -> str:
        return format_html('<code class="integration-uuid">{}</code>', obj.key)

    @display(description="newest version", ordering="last", empty_value="-")
    def version(self, obj: Any) -> str | None:
        return f"v{obj.last}" if obj.last else None

    @admin.display(description="fields")
    def lines_shown(self, obj: DocumentTemplate) -> str:
        newest = obj.newest()
        text = lines_of(newest.fields) if newest else "-"
        return format_html('<pre class="integration-code">{}</pre>', text)

    @admin.display(description="versions")
    def versions_shown(self, obj: DocumentTemplate) -> str:
        rows = obj.versions.order_by("-number")[:50]
        return ", ".join(
            f"v{row.number} ({len(row.fields)} fields, {row.created_at:%Y-%m-%d})" for row in rows
        )
