"""What the page of an address shows, table by table. An app above adds its own to `sections`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from omnichannel import people
from omnichannel.admin.base import badge
from omnichannel.admin.events import COLOURS as EVENT_COLOURS
from omnichannel.admin.message_list import COLOURS as MESSAGE_COLOURS
from omnichannel.admin.message_list import SHOWN
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.admin.suppression import COLOURS as STATE_COLOURS
from omnichannel.choices import EventType, MessageStatus, SuppressionState
from omnichannel.models import Consent, Message, MessageEvent, Suppression
from omnichannel.people import Address

ROWS = 25
HEAVY = ("body_html", "body_text", "variables", "template_version__html")


@dataclass(frozen=True)
class Table:
    """`cells` makes a row of the page out of a row of the database, texts or safe HTML."""

    title: str
    columns: Sequence[str]
    rows: QuerySet[Any]
    cells: Callable[[Any], Sequence[str]]
    empty: str
    name: str  # of the parameter that holds the number of its page

    def page(self, number: str | None) -> Page[Any]:
        return CappedPaginator(self.rows, ROWS).get_page(number)

    def shown(self, rows: Iterable[Any]) -> list[list[tuple[str, str]]]:
        """Each cell with the name of its column, which a phone shows beside it."""
        return [list(zip(self.columns, self.cells(row), strict=True)) for row in rows]


@dataclass(frozen=True)
class Section:
    """Shown to whoever has the permission."""

    permission: str
    table: Callable[[HttpRequest, Address], Table]


def moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "-"


def link(url_name: str, pk: int, text: str) -> str:
    return format_html('<a class="text-link" href="{}">{}</a>', reverse(url_name, args=(pk,)), text)


def messages(request: HttpRequest, address: Address) -> Table:
    related = ("provider", "template_version__template")
    rows = people.messages_of(address).select_related(*related).defer(*HEAVY).order_by("-pk")

    def cells(row: Message) -> Sequence[str]:
        subject = row.subject or str(row.template_version or "") or "-"
        to = row.to_address
        colour = MESSAGE_COLOURS.get(MessageStatus(row.status), "")
        way = "" if to.lower() == address.text else f" (copy; to {to})"
        return (
            link("admin:omnichannel_message_change", row.pk, moment(row.created_at)),
            row.provider.get_channel_type_display(),
            f"{subject[:SHOWN]}{way}",
            row.get_category_display(),
            row.provider.name,
            badge(colour, row.get_status_display()),
        )

    columns = ("Created", "Channel", "Subject or template", "Category", "Provider", "Status")
    return Table("Messages", columns, rows, cells, "No message to it.", "messages")


def events(request: HttpRequest, address: Address) -> Table:
    def cells(row: MessageEvent) -> Sequence[str]:
        return (
            moment(row.at),
            badge(EVENT_COLOURS.get(EventType(row.type), ""), row.get_type_display()),
            link("admin:omnichannel_message_change", row.message_id, f"Message {row.message_id}"),
            (row.url or row.description or row.code or "-")[:SHOWN],
        )

    columns = ("When", "Event", "Of", "URL or description")
    rows = people.events_of(address).order_by("-at", "-pk")
    return Table("Message events", columns, rows, cells, "No event of its messages.", "events")


def suppressions(request: HttpRequest, address: Address) -> Table:
    at = timezone.now()

    def cells(row: Suppression) -> Sequence[str]:
        state = SuppressionState(row.state(at))
        return (
            link("admin:omnichannel_suppression_change", row.pk, row.get_reason_display()),
            badge(STATE_COLOURS[state], str(state.label)),
            row.get_channel_type_display(),
            row.get_category_display() or "Every category",
            moment(row.created_at),
            moment(row.lifted_at or row.expires_at),
            row.note or "-",
        )

    columns = ("Reason", "State", "Channel", "Category", "Since", "Until", "Note")
    rows = people.suppressions_of(address).order_by("-pk")
    return Table("Suppressions", columns, rows, cells, "It is not suppressed.", "suppressions")


def consents(request: HttpRequest, address: Address) -> Table:
    def cells(row: Consent) -> Sequence[str]:
        return (
            link("admin:omnichannel_consent_change", row.pk, moment(row.at)),
            badge(*(("success", "Given") if row.is_granted else ("danger", "Withdrawn"))),
            row.get_channel_type_display(),
            row.get_category_display(),
            row.source or "-",
            row.wording[:SHOWN] or "-",
        )

    columns = ("When", "Consent", "Channel", "Category", "Source", "Wording")
    rows = people.consents_of(address).newest_first()
    return Table("Consents", columns, rows, cells, "No consent is on record.", "consents")


sections: list[Section] = [
    Section("omnichannel.view_suppression", suppressions),
    Section("omnichannel.view_consent", consents),
    Section("omnichannel.view_message", messages),
    Section("omnichannel.view_messageevent", events),
]
