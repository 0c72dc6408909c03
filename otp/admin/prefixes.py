"""Prefixes that get no code: blocked by operators or by the fraud guard, and allowed again."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from omnichannel.admin.base import (
    ActionVariant,
    BaseDialogForm,
    ChoicesDropdownFilter,
    DropdownFilter,
    StudioAdmin,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    action,
    badge,
    display,
    row_id,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.paginator import CappedPaginator
from otp import fraud
from otp.admin.fraud_pages import page_url
from otp.choices import BlockReason
from otp.models import BlockedPrefix

COLOURS = {"blocked": "danger", "over": "info", "lifted": "success"}
STATES = {"blocked": "In force", "over": "Over", "lifted": "Lifted"}
DAYS = (("", "Until it is lifted"), ("1", "A day"), ("7", "A week"), ("30", "30 days"))
PREFIX = BlockedPrefix._meta.get_field("prefix")


class BlockForm(BaseDialogForm):
    prefix = forms.CharField(
        max_length=PREFIX.max_length,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        validators=list(PREFIX.validators[:1]),
        help_text=str(PREFIX.help_text),
    )
    days = forms.ChoiceField(
        label="For how long", choices=DAYS, required=False, widget=UnfoldAdminSelectWidget()
    )
    note = forms.CharField(
        label="Why",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(),
        help_text="For your colleagues, such as the number of a complaint.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["prefix"].initial = self.request.GET.get("prefix", "")[:255]

    def clean_prefix(self) -> str:
        prefix: str = self.cleaned_data["prefix"]
        return prefix.lower()

    def until(self, at: datetime.datetime) -> datetime.datetime | None:
        days = self.cleaned_data["days"]
        return at + datetime.timedelta(days=int(days)) if days else None


BLOCK_DIALOG = {
    "title": "Block prefix",
    "description": "Numbers that begin so, or addresses of that domain, get no code any more. "
    "Codes that were sent already can still be entered.",
    "form_class": BlockForm,
    "form_submit_text": "Block",
}
LIFT_DIALOG = {
    "title": "Lift this block?",
    "description": "Codes go to this prefix again. The fraud guard judges it anew, by what is "
    "sent from now on.",
    "form_class": None,
    "form_submit_text": "Lift",
}


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"
    all_option = ["", STATES["blocked"]]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("lifted", "Lifted"), ("over", "Over"), ("any", "Any")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "any":
            return queryset
        if self.value() == "lifted":
            return queryset.filter(lifted_at__isnull=False)
        at = timezone.now()
        if self.value() == "over":
            return queryset.filter(lifted_at=None, until__lte=at)
        return queryset & BlockedPrefix.objects.in_force(at)


@admin.register(BlockedPrefix)
class BlockedPrefixAdmin(ReadOnly, StudioAdmin):
    list_display = ("prefix", "state", "blocked_by", "note", "since", "ends")
    list_filter = (StateFilter, ("reason", ChoicesDropdownFilter))
    list_select_related = ("created_by",)
    search_fields = ("prefix__startswith",)
    search_help_text = "The beginning of a prefix"
    paginator = CappedPaginator
    sortable_by = ("prefix",)
    actions_list = ("block",)
    actions_row = ("lift",)
    actions_detail = ("lift",)
    empty_title = "Nothing is blocked"
    empty_hint = (
        "The fraud guard blocks a prefix by itself when too few of its codes are entered. To block "
        "one yourself, press Block prefix above, or beside its figures."
    )
    fields = (
        *(("prefix", "state_now"), ("reason", "created_by"), "note"),
        *(("created_at", "until"), "lifted_at"),
    )
    readonly_fields = ("state_now",)

    class Media:
        css = {"all": ("studio/otp.css",)}

    def has_block_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("otp.add_blockedprefix")

    def has_lift_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("otp.change_blockedprefix"):
            return False
        if request.method == "POST" or not object_id:
            return True
        return BlockedPrefix.objects.filter(pk=row_id(object_id), lifted_at=None).exists()

    @display(description="state", label=COLOURS)
    def state(self, obj: BlockedPrefix) -> tuple[str, str]:
        state = _state(obj)
        return state, STATES[state]

    @admin.display(description="state")
    def state_now(self, obj: BlockedPrefix) -> str:
        state = _state(obj)
        return badge(COLOURS[state], STATES[state])

    @display(description="by", ordering="reason")
    def blocked_by(self, obj: BlockedPrefix) -> str:
        if obj.reason == BlockReason.OPERATOR:
            return str(obj.created_by or "An operator")
        return "Fraud guard"

    @display(description="since")
    def since(self, obj: BlockedPrefix) -> str:
        return f"{obj.created_at:%Y-%m-%d %H:%M}"

    @display(description="until")
    def ends(self, obj: BlockedPrefix) -> str:
        end = obj.lifted_at or obj.until
        return f"{end:%Y-%m-%d %H:%M}" if end else "Until lifted"

    @action(
        description="Block prefix",
        icon="block",
        permissions=["block"],
        variant=ActionVariant.PRIMARY,
        dialog=BLOCK_DIALOG,
    )
    def block(self, request: HttpRequest, form: BlockForm) -> HttpResponse:
        at, found = timezone.now(), form.cleaned_data
        block = fraud.block_prefix(
            found["prefix"], at=at, by=request.user, note=found["note"], until=form.until(at)
        )
        self.log_change(request, block, f"Blocked: {found['note']}")
        period = request.GET.get("period", "")
        return self.done(request, f"{block.prefix} is blocked.", page_url(period))

    @action(
        description="Lift",
        icon="lock_open",
        permissions=["lift"],
        variant=ActionVariant.WARNING,
        dialog=LIFT_DIALOG,
    )
    def lift(self, request: HttpRequest, form: forms.Form, object_id: str) -> HttpResponse:
        block = get_object_or_404(BlockedPrefix, pk=row_id(object_id))
        page = reverse("admin:otp_blockedprefix_change", args=(block.pk,))
        if not fraud.lift_block(block, at=timezone.now(), by=request.user):
            return self.done(request, "Nothing was changed: it was lifted already.", page)
        self.log_change(request, block, "Lifted.")
        return self.done(request, f"Codes go to {block.prefix} again.", page)


def _state(obj: BlockedPrefix) -> str:
    if obj.lifted_at:
        return "lifted"
    return "over" if obj.until and obj.until <= timezone.now() else "blocked"
