"""Export of an audience: one row for each record, its variables as columns of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from import_export import fields, resources

from campaigns.members import in_pages
from campaigns.models import Audience, AudienceMember
from omnichannel.resources import SafeText, csv_parts


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


def export_lines(audience: Audience) -> Iterator[bytes]:
    """The records as a CSV file, in parts."""
    members = in_pages(AudienceMember.objects.filter(audience=audience))
    return csv_parts(MemberResource(audience.columns), members)
