"""Events > Event subscriptions: what every event sends, on one page, changed with one Save."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from omnichannel import subscriptions
from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.log import note
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidEvent
from omnichannel.models import Event, EventSubscription, MessageTemplate
from omnichannel.subscriptions import Change, Place

PAGE = 40  # events; each has three fields for each channel
OFFERED = 500  # templates of one channel


@dataclass
class Cell:
    """One event on one channel, as the page shows it."""

    event: Event
    channel_type: str
    is_on: bool = False
    template: int | None = None
    was: str = ""
    provider: str = ""
    unknown: list[str] = field(default_factory=list)
    error: str = ""
    options: list[tuple[int, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.event.pk}-{self.channel_type}"

    @property
    def label(self) -> str:
        return str(ChannelType(self.channel_type).label)


@admin.register(EventSubscription)
class EventSubscriptionAdmin(ReadOnly, StudioAdmin):
    """No row has a page of its own."""

    search_fields = ("event__key", "event__name")
    empty_hint = "Add an event first."

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="omnichannel_eventsubscription_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        groups = _groups()
        asked = request.GET.get("group", "")
        group = asked if asked in groups else next(iter(groups), "")
        events = Paginator(_in_order(group), PAGE)
        page = events.get_page(request.GET.get("page"))
        cells = list(_cells(page))
        switches = subscriptions.switches()
        problem = ""
        if request.method == "POST":
            try:
                return self._saved(request, group, cells, switches)
            except InvalidEvent as error:
                problem = _mark(cells, error)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Event subscriptions",
            "tabs": [(each, urlencode({"group": each})) for each in groups],
            "group": group,
            "page": page,
            "query": urlencode({"group": group}),
            "sections": _sections(cells),
            "switches": [
                (kind, ChannelType(kind).label, _is_on(request, kind, on), on)
                for kind, on in switches.items()
            ],
            "channels": ChannelType.choices,
            "may_change": _may_change(request),
            "may_trigger": request.user.has_perm("omnichannel.trigger_event"),
            "problem": problem,
        }
        return TemplateResponse(request, "admin/omnichannel/event_subscriptions.html", context)

    def _saved(
        self, request: HttpRequest, group: str, cells: list[Cell], switches: dict[str, bool]
    ) -> HttpResponse:
        """Keep what the operator changed, and no more. Raises InvalidEvent."""
        if not _may_change(request):
            raise PermissionDenied
        turned = {
            kind: is_on
            for kind, is_on in ((kind, _is_on(request, kind, False)) for kind in switches)
            if request.POST.get(f"was-switch-{kind}", _said(is_on)) != _said(is_on)
        }
        changes = dict(_changes(request, cells))
        with transaction.atomic():
            count = subscriptions.change(changes, by=request.user) + subscriptions.switch(turned)
        if count:
            told = f"{count} change{'' if count == 1 else 's'} saved."
            note(request, EventSubscription, group, told)
            messages.success(request, told)
        else:
            messages.info(request, "Nothing was changed.")
        query = urlencode({"group": group, "page": request.GET.get("page", "1")})
        url = reverse("admin:omnichannel_eventsubscription_changelist")
        return HttpResponseRedirect(f"{url}?{query}")


def _groups() -> list[str]:
    """In the order in which they came, as the events in them."""
    rows = Event.objects.order_by().values("group").annotate(first=Min("pk"))
    return list(rows.order_by("first").values_list("group", flat=True))


def _in_order(group: str) -> QuerySet[Event]:
    """Section by section: a page is not to show one of them twice."""
    same = Event.objects.filter(group=group, sub_group=OuterRef("sub_group")).order_by("pk")
    section = Subquery(same.values("pk")[:1])
    return Event.objects.filter(group=group).annotate(section=section).order_by("section", "pk")


def _is_on(request: HttpRequest, kind: str, stored: bool) -> bool:
    """The channel's switch as it was just set, if it was."""
    return f"switch-{kind}" in request.POST if request.method == "POST" else stored


def _may_change(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("omnichannel.change_eventsubscription"))


def _cells(page: Page[Event]) -> Iterator[Cell]:
    """Every event of the page on every channel."""
    rows = EventSubscription.objects.filter(event__in=[event.pk for event in page])
    rows = rows.select_related("template__published_version", "provider")
    present = {(row.event_id, row.channel_type): row for row in rows}
    templates = _templates()
    for event in page:
        for channel_type in ChannelType.values:
            yield _cell(event, channel_type, present.get((event.pk, channel_type)), templates)


def _cell(
    event: Event,
    channel_type: str,
    row: EventSubscription | None,
    templates: dict[str, list[tuple[int, str]]],
) -> Cell:
    cell = Cell(event, channel_type, options=templates[channel_type])
    if row:
        cell.is_on, cell.template = row.is_subscribed, row.template_id
        cell.provider = row.provider.name if row.provider else ""
        if row.template:
            cell.unknown = subscriptions.unknown_variables(event, row.template.published_version)
            if (row.template.pk, row.template.name) not in cell.options:
                cell.options = [*cell.options, (row.template.pk, row.template.name)]
    cell.was = f"{_said(cell.is_on)}:{cell.template or ''}"
    return cell


def _said(is_on: bool) -> str:
    return "1" if is_on else "0"


def _templates() -> dict[str, list[tuple[int, str]]]:
    """(id, name) of the published ones, by channel type."""
    found: dict[str, list[tuple[int, str]]] = {}
    published = MessageTemplate.objects.exclude(published_version=None).order_by("name")
    for kind in ChannelType.values:
        mine = published.filter(channel_type=kind).values_list("pk", "name")
        found[kind] = list(mine[:OFFERED])
    return found


def _changes(request: HttpRequest, cells: Iterable[Cell]) -> Iterator[tuple[Place, Change]]:
    """What differs from what the operator was shown. Another's change is not taken back."""
    for cell in cells:
        was = request.POST.get(f"was-{cell.name}")
        is_on = f"on-{cell.name}" in request.POST
        text = request.POST.get(f"template-{cell.name}", "")
        if was is None or was == f"{_said(is_on)}:{text}":
            continue
        template = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        cell.is_on, cell.template, cell.was = is_on, template, was
        yield (
            (cell.event.pk, cell.channel_type),
            {"is_subscribed": is_on, "template_id": template},
        )


def _mark(cells: Iterable[Cell], error: InvalidEvent) -> str:
    """Each fault beside its cell; answers what stands above the page."""
    said = dict(error.errors)
    for cell in cells:
        cell.error = said.pop(f"{cell.event.pk}.{cell.channel_type}", "")
    return " ".join(said.values()) or "Nothing was saved. Mend what is marked below."


def _sections(cells: list[Cell]) -> list[tuple[str, list[tuple[Event, list[Cell]]]]]:
    """(sub-group, [(event, its cells)])"""
    found: dict[str, dict[int, list[Cell]]] = {}
    for cell in cells:
        found.setdefault(cell.event.sub_group, {}).setdefault(cell.event.pk, []).append(cell)
    return [
        (title, [(row[0].event, row) for row in rows.values()]) for title, rows in found.items()
    ]
