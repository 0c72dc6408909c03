"""The page of one address: everything about it, to look at, to export, to erase."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from omnichannel import erasing, people, uncertain
from omnichannel.admin.base import (
    DestructiveDialog,
    StudioAdmin,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.log import note
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.admin.people_links import person_url
from omnichannel.admin.people_sections import Table, sections
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import Person
from omnichannel.people import Address

ERASE_DIALOG = {
    "title": "Erase this person?",
    "description": "This cannot be undone.",
    "form_submit_text": "Erase",
}


class EraseForm(DestructiveDialog):
    """`object_id` is the address."""

    form_before_template = "admin/omnichannel/person_erase.html"
    keep_barred = forms.BooleanField(
        label="Keep it on the suppression list",
        initial=True,
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="The address alone is kept there, so that nobody writes to it again: also when "
        "a file brings it back. Without this it may be written to as soon as someone adds it.",
    )
    typed = forms.CharField(
        label="Type the address to confirm",
        max_length=people.MAX_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.strip().lower() != self.object_id:
            raise ValidationError(f"This is not the address: type {self.object_id}")
        return typed

    def get_before_template_context(
        self, request: Any, object_id: int | str | None = None
    ) -> dict[str, Any]:
        return {"address": object_id, "plan": erasing.plan(people.parse(str(object_id)))}


@admin.register(Person)
class PersonAdmin(ReadOnly, StudioAdmin):
    search_fields = ("to_address",)
    paginator = CappedPaginator
    empty_hint = "Enter an address to see everything about it."

    def get_urls(self) -> list[URLPattern]:
        """No row has a page of its own here: the address is a parameter."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="omnichannel_person_changelist"),
            path("export/", wrap(self.export_view), name="omnichannel_person_export"),
            path("erase/", wrap(self.erase_view), name="omnichannel_person_erase"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        typed = request.GET.get("a", "")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "People",
            "typed": typed[: people.MAX_LENGTH],
        }
        if typed:
            try:
                context |= self._found(request, people.parse(typed))
            except InvalidMessage as error:
                context["problem"] = str(error)
        return TemplateResponse(request, "admin/omnichannel/person.html", context)

    def _found(self, request: HttpRequest, address: Address) -> dict[str, Any]:
        tables = [
            each.table(request, address)
            for each in sections
            if request.user.has_perm(each.permission)
        ]
        return {
            "address": address,
            "tables": [_shown(request, table) for table in tables],
            "erasings": _erasings(address),
            "query": urlencode({"a": address.given}),
            "may_export": request.user.has_perm("omnichannel.export_person"),
            "may_erase": request.user.has_perm("omnichannel.erase_person"),
        }

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.has_perm("omnichannel.export_person"):
            raise PermissionDenied
        address = _address(request)
        note(request, Person, _sealed(address), "Exported.")
        return StreamingHttpResponse(
            people.export(address, at=timezone.now()),
            content_type="application/json; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="person.json"'},
        )

    def erase_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("omnichannel.erase_person"):
            raise PermissionDenied
        address = _address(request)
        form = EraseForm(request=request, object_id=address.text, data=request.POST or None)
        if not form.is_valid():
            return self.answer(request, form, ERASE_DIALOG)
        keep = form.cleaned_data["keep_barred"]
        done = erasing.erase(address, keep_barred=keep, at=timezone.now())
        uncertain.forget_count()
        told = f"Erased ({done}). {'Kept barred.' if keep else 'Not kept barred.'}"
        note(request, Person, _sealed(address), told, flag=DELETION)
        text = "The person was erased."
        if done.left:
            text = f"Erased, but for {done.left:,} being sent right now: erase again in a minute."
        return self.done(request, text, person_url(address.text))


def _erasings(address: Address) -> QuerySet[LogEntry]:
    found = LogEntry.objects.filter(object_repr=_sealed(address), action_flag=DELETION)
    return found.select_related("user")


def _sealed(address: Address) -> str:
    return f"Address {address.seal}"


def _address(request: HttpRequest) -> Address:
    try:
        return people.parse(request.GET.get("a", ""))
    except InvalidMessage as error:
        raise Http404(str(error)) from error


def _shown(request: HttpRequest, table: Table) -> dict[str, Any]:
    page = table.page(request.GET.get(table.name))
    return {"table": table, "page": page, "rows": table.shown(page.object_list)}
