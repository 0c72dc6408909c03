"""Conversion rules: the list, the form, and what a list does with a rule."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import BooleanField, F, ForeignKey, Q, QuerySet, Value
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from integrations import blobs
from integrations import rules as flow
from integrations.admin import downloads, rule_fieldsets
from integrations.admin.rule_form import RuleForm, SavedRuleForm
from integrations.admin.rule_rows import COLOURS, row_of
from integrations.admin.rule_run_pages import RunPages
from integrations.admin.two_ways import TwoWaysFilter
from integrations.choices import Direction
from integrations.conversion.names import safe_name
from integrations.models import ConversionRule, DocumentTemplateVersion
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    action,
    display,
    row_id,
)
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.exceptions import OmnichannelError

CLONE_DIALOG = {
    "title": "Clone this rule?",
    "description": "A copy with “(copy)” behind its name, off, at the end of the order.",
    "form_submit_text": "Clone",
}
MOST_ORDERED = 500


class LevelFilter(TwoWaysFilter):
    title = "level"
    parameter_name = "level"
    ways = {"mailbox": ("Mailbox", ~Q(mailbox=None)), "account": ("Account", Q(mailbox=None))}


@admin.register(ConversionRule)
class ConversionRuleAdmin(RunPages, HistoryAdmin, StudioAdmin):
    form = SavedRuleForm
    run_form = RuleForm
    radio_fields = {"direction": admin.HORIZONTAL}
    list_display = (
        *("order", "name", "way", "level_told", "mailbox", "template", "pattern"),
        *("figures", "switch", "log"),
    )
    list_display_links = ("name",)
    list_filter = (
        ("mailbox", RelatedDropdownFilter),
        ("account", RelatedDropdownFilter),
        ("direction", ChoicesDropdownFilter),
        LevelFilter,
        ("engine", ChoicesDropdownFilter),
        "active",
    )
    list_select_related = ("template_version__template", "mailbox", "account")
    search_fields = ("name", "matching_pattern", "naming_pattern", "document_type")
    search_help_text = "Part of a name or of a pattern, or a document type"
    paginator = CappedPaginator
    sortable_by = ()
    list_before_template = "admin/integrations/rules_hint.html"
    actions_detail = ("clone",)
    change_form_before_template = "admin/integrations/rule_top.html"
    empty_hint = (
        "A conversion rule turns a partner's file into an envelope (OUT), or an envelope into a "
        "file in the partner's format (IN). Without one, files and envelopes go as they are."
    )
    fieldsets = rule_fieldsets.EDITED
    readonly_fields = ("files_told", "body_shown")

    class Media:
        css = {"all": ("studio/integrations.css",)}
        js = ("studio/integrations.js", "studio/integrations_rule.js")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("order/", view(require_POST(self.order_view)), name="integrations_rule_order"),
            path(
                "<int:pk>/switch/",
                view(require_POST(self.switch_view)),
                name="integrations_rule_switch",
            ),
        ]
        return own + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConversionRule]:
        may = Value(self.has_change_permission(request), output_field=BooleanField())
        return super().get_queryset(request).annotate(may_change=may)

    def get_ordering(self, request: HttpRequest) -> Any:
        """As they are tried."""
        return ("-direction", "account", F("mailbox").asc(nulls_last=True), "position", "pk")

    def get_fieldsets(self, request: HttpRequest, obj: ConversionRule | None = None) -> Any:
        may = self.has_change_permission(request, obj) if obj else True
        return rule_fieldsets.of(may_edit=may, may_choose=downloads.may(request))

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        if not downloads.may(request):
            form.base_fields.pop("example_from", None)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given = super().get_changeform_initial_data(request)
        box = request.GET.get("mailbox", "")
        level = {"level": f"m:{box}"} if box.isdecimal() else {}
        return {"name": "New rule", "direction": Direction.OUT, **given, **level}

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "template_version":
            versions = DocumentTemplateVersion.objects.select_related("template")
            kwargs["queryset"] = versions.order_by("template__name", "-number")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: ConversionRule, form: SavedRuleForm, change: bool
    ) -> None:
        file = form.cleaned_data["example_file"]
        came = form.cleaned_data.get("example_from")
        with transaction.atomic():
            if file:
                file.seek(0)
                obj.example = blobs.store(file.read())
                obj.example_name = safe_name(file.name or "")
            elif came:
                obj.example, obj.example_name = came.blob, came.filename
            flow.save(obj, form.validation, ran=form.digest, by=request.user, at=timezone.now())

    def delete_model(self, request: HttpRequest, obj: ConversionRule) -> None:
        flow.delete(obj, by=request.user, at=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ConversionRule]) -> None:
        for rule in queryset:
            self.delete_model(request, rule)

    def has_clone_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return self.has_add_permission(request)

    @action(description="Clone", icon="content_copy", permissions=["clone"], dialog=CLONE_DIALOG)
    def clone(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        rule = get_object_or_404(ConversionRule, pk=row_id(object_id))
        copy = flow.clone(rule, by=request.user, at=timezone.now())
        return self.done(request, f"{copy} is a new rule. It is off.", copy.get_absolute_url())

    def switch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """ON/OFF in a list."""
        rule = get_object_or_404(ConversionRule, pk=pk)
        if not self.has_change_permission(request, rule):
            raise PermissionDenied
        on = request.POST.get("on") == "1"
        try:
            flow.switch(rule, on, by=request.user, at=timezone.now())
        except OmnichannelError as error:
            return JsonResponse({"error": str(error)}, status=409)
        told = f"{rule} is {'on' if on else 'off'}."
        self.log_change(request, rule, told)
        return JsonResponse({"told": told})

    def order_view(self, request: HttpRequest) -> HttpResponse:
        """The rules of one group, in the order in which they are to be tried."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        words = request.POST.get("ids", "").split(",")[: MOST_ORDERED + 1]
        ids = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 19]
        try:
            flow.order(ids, by=request.user, at=timezone.now())
        except OmnichannelError as error:
            return JsonResponse({"error": str(error)}, status=409)
        return JsonResponse({"told": "The new order is kept."})

    @admin.display(description="conversion rule")
    def body_shown(self, obj: ConversionRule) -> str:
        return format_html('<pre class="integration-code">{}</pre>', obj.body)

    @admin.display(description="validation files")
    def files_told(self, obj: ConversionRule) -> str:
        return ", ".join(map(str, obj.validation_files.all())) or "-"

    @display(description="order")
    def order(self, obj: Any) -> str:
        row = row_of(obj, obj.may_change)
        return render_to_string("admin/integrations/rule_handle.html", {"row": row})

    @display(description="on")
    def switch(self, obj: Any) -> str:
        row = row_of(obj, obj.may_change)
        return render_to_string("admin/integrations/rule_switch.html", {"row": row})

    @display(description="way", label=COLOURS)
    def way(self, obj: ConversionRule) -> tuple[str, str]:
        return obj.direction, obj.get_direction_display()

    @display(description="level")
    def level_told(self, obj: ConversionRule) -> str:
        row = row_of(obj, may_change=False)
        return format_html(
            '<span class="integration-level" title="{0} rule"><span aria-hidden="true" '
            'class="material-symbols-outlined integration-icon">{1}</span>{0}</span>',
            row.level,
            row.icon,
        )

    @display(description="template", empty_value="any")
    def template(self, obj: ConversionRule) -> str | None:
        return str(obj.template_version) if obj.template_version else None

    @display(description="pattern")
    def pattern(self, obj: ConversionRule) -> str:
        text = row_of(obj, may_change=False).pattern or "any"
        return format_html('<code class="one-line" title="{0}">{0}</code>', text)

    @display(description="done, failed")
    def figures(self, obj: ConversionRule) -> str:
        return format_html(
            '<b class="integration-good">{}</b> <b class="integration-bad">{}</b>',
            obj.ok_count,
            obj.failed_count,
        )

    @display(description="log")
    def log(self, obj: ConversionRule) -> str:
        url = reverse("admin:integrations_conversionlog_changelist")
        return format_html(
            '<a class="text-link" href="{}?rule__id__exact={}">See log</a>', url, obj.pk
        )
