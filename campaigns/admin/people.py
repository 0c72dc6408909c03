"""The audiences that hold an address, on the page of that address."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from campaigns.models import AudienceMember
from campaigns.people import records_of
from omnichannel.admin.people_links import person_link
from omnichannel.admin.people_sections import Section, Table, link, sections
from omnichannel.people import Address


def audience_records(request: HttpRequest, address: Address) -> Table:
    def cells(row: AudienceMember) -> Sequence[str]:
        values = [f"{name}: {value}" for name, value in list(row.variables.items())[:5]]
        return (
            link("admin:campaigns_audience_change", row.audience_id, row.audience.name),
            link("admin:campaigns_audiencemember_change", row.pk, row.key),
            person_link(request, row.email) if row.email else "-",
            person_link(request, row.phone) if row.phone else "-",
            ", ".join(values)[:160] or "-",
        )

    columns = ("Audience", "Record", "E-mail", "Phone", "Values")
    rows = records_of(address).select_related("audience").order_by("-pk")
    return Table("Audiences", columns, rows, cells, "No audience holds it.", "audiences")


sections.insert(2, Section("campaigns.view_audiencemember", audience_records))
