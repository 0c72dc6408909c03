from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from omnichannel import suppressions
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    DropdownFilter,
    action,
    badge,
    display,
    row_id,
)
from omnichannel.admin.lifting import Lifting
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.admin.people_links import person_url
from omnichannel.admin.suppression_forms import KEY, SuppressionForm, SuppressionTableForm
from omnichannel.choices import SuppressionState
from omnichannel.models import Message, Suppression
from omnichannel.suppression_table import COLUMNS, SAMPLE, SuppressionResource, word_maker
from omnichannel.tables import Report, take_in

COLOURS = {
    SuppressionState.IN_FORCE: "danger",
    SuppressionState.EXPIRED: "info",
    SuppressionState.LIFTED: "success",
}


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"
    all_option = ["", SuppressionState.IN_FORCE.label]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        others = (SuppressionState.EXPIRED, SuppressionState.LIFTED)
        return [*((state.value, str(state.label)) for state in others), ("any", "Any")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == SuppressionState.EXPIRED:
            return queryset & Suppression.objects.expired()
        if self.value() == SuppressionState.LIFTED:
            return queryset.filter(lifted_at__isnull=False)
        return queryset if self.value() == "any" else queryset & Suppression.objects.in_force()


@admin.register(Suppression)
class SuppressionAdmin(Lifting):
    form = SuppressionForm
    list_display = ("address", "state", "why", "scope", "since_day", "until_day", "cause")
    list_filter = (
        StateFilter,
        ("channel_type", ChoicesDropdownFilter),
        ("category", ChoicesDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        ("created_at", MomentRangeFilter),
    )
    search_fields = ("address__startswith",)
    search_help_text = "The beginning of an address"
    paginator = CappedPaginator
    sortable_by = ("address",)
    add_fieldsets = (
        (
            None,
            {"fields": (("channel_type", "address"), ("category", "reason"), "expires_at", "note")},
        ),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("state_now", "reason"),
                    ("channel_type", "address"),
                    "category_or_all",
                    ("since", "until"),
                    "cause",
                    "note",
                )
            },
        ),
    )
    actions = (*Lifting.actions, "lift_selected")
    actions_row = ("person", "lift")
    actions_detail = ("person", "lift")
    empty_hint = "Nobody is suppressed. Add an address that must not be written to."
    table_form = SuppressionTableForm
    table_columns = COLUMNS
    table_sample = SAMPLE
    table_hint = "Moments are UTC."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        message = Message.objects.filter(pk=OuterRef("message_id"))
        may_look = Value(request.user.has_perm("omnichannel.view_message"))
        return super().get_queryset(request).annotate(has_cause=Exists(message), may_look=may_look)

    def get_readonly_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Any:
        return ("state_now", "category_or_all", "since", "until", "cause") if obj else ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        found.pop("delete_selected", None)
        return found

    def has_change_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False  # it is lifted, or said again

    def has_delete_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False  # what is gone could not answer an older word that comes late

    def save_model(
        self, request: HttpRequest, obj: Suppression, form: forms.ModelForm, change: bool
    ) -> None:
        """The same word as the product's own, so that it may be said again."""
        suppressions.say(
            [
                suppressions.Word(
                    channel_type=obj.channel_type,
                    address=obj.address,
                    category=obj.category,
                    reason=obj.reason,
                    note=obj.note,
                    expires_at=obj.expires_at,
                    at=timezone.now(),
                )
            ]
        )
        key = {name: getattr(obj, name) for name in KEY}
        obj.pk = Suppression.objects.values_list("pk", flat=True).get(**key)

    def take_table(self, data: dict[str, Any]) -> Report:
        make = word_maker(
            channel_type=data["channel_type"],
            category=data["category"],
            reason=data["reason"],
            at=timezone.now(),
        )
        return take_in(data["file"], columns=COLUMNS, make=make, keep=suppressions.say)

    def resource(self) -> SuppressionResource:
        return SuppressionResource()

    @display(description="state", label=COLOURS)
    def state(self, obj: Suppression) -> tuple[str, str]:
        state = SuppressionState(obj.state(timezone.now()))
        return state.value, str(state.label)

    @display(description="state")
    def state_now(self, obj: Suppression) -> str:
        state = SuppressionState(obj.state(timezone.now()))
        return badge(COLOURS[state], str(state.label))

    @display(description="scope")
    def scope(self, obj: Suppression) -> str:
        return f"{obj.get_channel_type_display()}, {obj.get_category_display().lower() or 'all'}"

    @display(description="category")
    def category_or_all(self, obj: Suppression) -> str:
        return obj.get_category_display() or "Every category"

    @display(description="reason")
    def why(self, obj: Suppression) -> str:
        if not obj.note:
            return obj.get_reason_display()
        shown = '<span>{0}<br><small class="one-line" title="{1}">{1}</small></span>'
        return format_html(shown, obj.get_reason_display(), obj.note)

    @display(description="since")
    def since(self, obj: Suppression) -> str:
        return f"{obj.created_at:%Y-%m-%d %H:%M}"

    @display(description="until")
    def until(self, obj: Suppression) -> str:
        end = obj.lifted_at or obj.expires_at
        return f"{end:%Y-%m-%d %H:%M}" if end else "Until lifted"

    @display(description="since")
    def since_day(self, obj: Suppression) -> str:
        return self.since(obj)[:10]

    @display(description="until")
    def until_day(self, obj: Suppression) -> str:
        end = obj.lifted_at or obj.expires_at
        return self.until(obj)[:10] if end else "Until lifted"

    @display(description="cause", empty_value="-")
    def cause(self, obj: Any) -> str | None:
        if not obj.message_id:
            return None
        if not obj.has_cause:
            return f"Message {obj.message_id} (deleted)"
        if not obj.may_look:
            return f"Message {obj.message_id}"
        url = reverse("admin:omnichannel_message_change", args=(obj.message_id,))
        return format_html('<a class="text-link" href="{}">Message {}</a>', url, obj.message_id)

    @action(description="Person", icon="person", permissions=["omnichannel.view_person"])
    def person(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(person_url(get_object_or_404(Suppression, pk=row_id(object_id)).address))
