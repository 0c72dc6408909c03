"""Export of an audience: one row for each record, its variables as columns of their own."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from import_export import fields, resources, widgets

from campaigns.formulas import escape
from campaigns.members import in_pages
from campaigns.models import Audience, AudienceMember


class SafeText(widgets.Widget):
    """Text that no spreadsheet takes for a formula; the import takes the apostrophe off."""

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:
        return escape(str(value)) if value is not None else ""


class VariableField(fields.Field):
    def get_value(self, instance: AudienceMember, **_: Any) -> Any:
        return instance.variables.get(self.column_name, "")


class MemberResource(resources.ModelResource):
    email = fields.Field(attribute="email", column_name="email", widget=SafeText())
    phone = fields.Field(attribute="phone", column_name="phone", widget=SafeText())

    class Meta:
        model = AudienceMember
        fields = ("email", "phone")

    def __init__(self, columns: list[str], **values: Any) -> None:
        super().__init__(**values)
        for name in columns:
            self.fields[name] = VariableField(column_name=name, widget=SafeText())


class _Line:
    """A file whose writes are handed back by the writer: what csv needs to make one line."""

    def write(self, text: str) -> str:
        return text


def export_lines(audience: Audience) -> Iterator[bytes]:
    """The CSV file (UTF-8 with a mark, for Excel) in parts; memory does not grow with it."""
    resource = MemberResource(audience.columns)
    chosen = resource.get_export_fields()
    writer: Any = csv.writer(_Line())
    yield b"\xef\xbb\xbf" + writer.writerow([field.column_name for field in chosen]).encode()
    lines: list[str] = []
    for member in in_pages(AudienceMember.objects.filter(audience=audience)):
        lines.append(writer.writerow([field.export(member) for field in chosen]))
        if len(lines) >= 500:
            yield "".join(lines).encode()
            lines = []
    yield "".join(lines).encode()
