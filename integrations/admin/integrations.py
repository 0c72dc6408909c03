"""The Integrations page: how a mailbox is connected to its owner's own machine."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode

from integrations import audit
from integrations.admin import (
    connection_shown,
    downloads,
    integration_saving,
    rule_rows,
    shown_once,
)
from integrations.admin.connection_actions import ConnectionActions, waiting_of
from integrations.admin.connection_forms import fields_of
from integrations.admin.integration_form import OWN, IntegrationForm
from integrations.audit import Entry
from integrations.choices import Operation
from integrations.models import As2Connection, Integration, Mailbox
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    display,
    row_id,
)
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.paginator import CappedPaginator

MANAGE = "integrations.manage_connection"
SFTP, AS2, RULE = ["block-sftp"], ["block-as2"], ["block-default"]
SFTP_SETS = (
    (
        "Access",
        {
            "classes": SFTP,
            "fields": (
                ("sftp_authorized_keys", "sftp_allowed_networks"),
                ("sftp_max_file_mb", "sftp_quota_mb", "sftp_max_sessions"),
            ),
        },
    ),
)
AS2_SETS = (
    ("Our station", {"classes": AS2, "fields": ("as2_self_id",)}),
    (
        "The partner's station",
        {
            "classes": AS2,
            "fields": (
                "as2_recipient_url",
                ("as2_recipient_id", "as2_recipient_email"),
                ("as2_recipient_certificate", "as2_recipient_certificate_file"),
                ("as2_recipient_certificate_next", "as2_recipient_certificate_next_file"),
                ("as2_http_user", "as2_new_http_password"),
                ("as2_verify_tls", "as2_clear_http_password"),
            ),
        },
    ),
    (
        "Security",
        {
            "classes": AS2,
            "fields": (
                ("as2_encryption", "as2_signing"),
                ("as2_require_signed", "as2_require_encrypted"),
                "as2_allow_legacy",
            ),
        },
    ),
    (
        "Messages",
        {
            "classes": AS2,
            "fields": (
                ("as2_mdn_mode", "as2_mdn_signed"),
                "as2_compress",
                ("as2_content_type", "as2_subject"),
                ("as2_timeout_s", "as2_max_attempts", "as2_max_mb"),
            ),
        },
    ),
)


@admin.register(Integration)
class IntegrationAdmin(ConnectionActions, HistoryAdmin, StudioAdmin):
    form = IntegrationForm
    change_form_template = "admin/integrations/integration_form.html"
    radio_fields = {"protocol": admin.HORIZONTAL, "default_rule": admin.VERTICAL}
    list_display = ("mailbox_name", "account", "state", "by", "default", "rules_told", "last_file")
    list_display_links = ("mailbox_name",)
    list_filter = (
        "active",
        ("protocol", ChoicesDropdownFilter),
        ("mailbox__account", RelatedDropdownFilter),
        ("default_rule", ChoicesDropdownFilter),
    )
    list_select_related = ("mailbox__account",)
    search_fields = ("mailbox__name", "mailbox__key", "notify_email")
    search_help_text = "Part of a mailbox's name, its UUID, or a notification e-mail"
    paginator = CappedPaginator
    empty_hint = (
        "An integration connects one mailbox to its owner's machine, by SFTP or AS2. Add a mailbox "
        "for the partner first, then its integration here. It is off until you switch it on."
    )

    class Media:
        css = {"all": ("studio/integrations.css",)}
        js = ("studio/integrations.js",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("of-mailbox/", view(self.of_mailbox), name="integrations_of_mailbox"),
            path(
                "<int:pk>/certificate/<str:which>.<str:kind>",
                view(self.certificate),
                name="integrations_certificate",
            ),
        ]
        return own + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Integration]:
        rows = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == (
            "integrations_integration_changelist"
        ):
            rules = Count("mailbox__rules", filter=Q(mailbox__rules__active=True), distinct=True)
            rows = rows.annotate(rules_on=rules)
        return rows

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        fields = fields_of(self, request) if request.user.has_perm(MANAGE) else {}
        kwargs["form"] = type("IntegrationForm", (IntegrationForm,), fields)
        form = super().get_form(request, obj, **kwargs)
        if obj is None and "mailbox" in form.base_fields:
            form.base_fields["mailbox"].queryset = Mailbox.objects.filter(integration=None)
        if "default_rule" in form.base_fields:
            copy, *others = form.base_fields["default_rule"].choices
            form.base_fields["default_rule"].choices = [
                (copy[0], "Copy the envelope to the remote server"),
                *others,
            ]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Integration | None = None) -> Any:
        manage = ("Manage integration", {"fields": OWN[:3], "classes": ["block-manage"]})
        default = (
            "Default rules",
            {
                "fields": OWN[3:],
                "classes": RULE,
                "description": "For an envelope that reaches this mailbox and that no IN rule "
                "matches. Exactly one of them acts, once.",
            },
        )
        if not request.user.has_perm(MANAGE):
            return (manage, default)
        return (manage, *SFTP_SETS, *AS2_SETS, default)

    def get_readonly_fields(self, request: HttpRequest, obj: Integration | None = None) -> Any:
        fixed = ("mailbox",) if request.user.has_perm(MANAGE) else ("mailbox", "protocol")
        return fixed if obj else ()

    def save_model(
        self, request: HttpRequest, obj: Integration, form: IntegrationForm, change: bool
    ) -> None:
        integration_saving.save(request, obj, form.cleaned_data, timezone.now())

    def delete_model(self, request: HttpRequest, obj: Integration) -> None:
        text, box = f"Integration by {obj.get_protocol_display()}", obj.mailbox_id
        with transaction.atomic():
            super().delete_model(request, obj)
            entry = downloads.by(request, Entry(Operation.DELETED, text, mailbox=box))
            audit.write([entry], at=timezone.now())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No deletion in bulk: each takes a partner's access away."""
        found: dict[str, Any] = super().get_actions(request)
        return {name: each for name, each in found.items() if name != "delete_selected"}

    def response_add(
        self, request: HttpRequest, obj: Integration, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To its page: that shows the password."""
        messages.success(request, f"{obj} was saved. It is off: switch it on when you are ready.")
        return redirect(obj)

    def response_change(self, request: HttpRequest, obj: Integration) -> HttpResponse:
        if "_continue" in request.POST or f"{shown_once.PREFIX}sftp_{obj.pk}" in request.session:
            messages.success(request, f"{obj} was saved.")
            return redirect(obj)
        return super().response_change(request, obj)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        extra = {**(kwargs.pop("extra_context", None) or {}), **self._chooser(request, None)}
        return super().add_view(request, *args, extra_context=extra, **kwargs)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        rows = Integration.objects.select_related("mailbox__account", "sftp", "as2")
        row = rows.filter(pk=row_id(object_id)).first()
        extra = kwargs.pop("extra_context", None) or {}
        if row is not None and self.has_view_or_change_permission(request, row):
            extra = {**extra, **self._chooser(request, row), **self._blocks(request, row)}
        return super().change_view(request, object_id, *args, extra_context=extra, **kwargs)

    def _chooser(self, request: HttpRequest, row: Integration | None) -> dict[str, Any]:
        boxes = Mailbox.objects.select_related("account").order_by("account__name", "name")
        chosen = str(row.mailbox_id) if row else request.GET.get("mailbox", "")
        return {
            "integration": row,
            "boxes": [(box, str(box.pk) == chosen) for box in boxes[:1_000]],
            "chosen_box": next((box for box in boxes[:1_000] if str(box.pk) == chosen), None),
            "may_manage": request.user.has_perm(MANAGE),
        }

    def _blocks(self, request: HttpRequest, row: Integration) -> dict[str, Any]:
        password = ""
        if request.method == "GET" and request.user.has_perm(MANAGE):
            password = shown_once.take(request, f"sftp_{row.pk}")
        return {
            "sftp": connection_shown.sftp(row, password),
            "as2": connection_shown.as2(row),
            "rules": rule_rows.of_mailbox(row.mailbox, request),
            "waiting": waiting_of(row),
        }

    def of_mailbox(self, request: HttpRequest) -> HttpResponse:
        """The page of a mailbox's integration, or the form that makes it one."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        box = get_object_or_404(Mailbox, pk=row_id(request.GET.get("mailbox", "")))
        row = Integration.objects.filter(mailbox=box).first()
        if row is not None:
            return redirect(row)
        if not self.has_add_permission(request):
            messages.info(request, f"{box} has no integration yet.")
            return redirect("admin:integrations_integration_changelist")
        return redirect(
            f"{reverse('admin:integrations_integration_add')}?{urlencode({'mailbox': box.pk})}"
        )

    def certificate(self, request: HttpRequest, pk: int, which: str, kind: str) -> HttpResponse:
        """Our certificate: it is public, the key is nowhere on a page."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        as2 = get_object_or_404(As2Connection, integration__pk=pk)
        return connection_shown.certificate_file(as2, which, kind)

    @display(description="mailbox", ordering="mailbox__name")
    def mailbox_name(self, obj: Integration) -> str:
        return obj.mailbox.name

    @display(description="account", ordering="mailbox__account__name")
    def account(self, obj: Integration) -> str:
        return obj.mailbox.account.name

    @display(description="integrations enabled", label={"on": "success", "off": "danger"})
    def state(self, obj: Integration) -> tuple[str, str]:
        return ("on", "On") if obj.active else ("off", "Off")

    @display(description="protocol", ordering="protocol")
    def by(self, obj: Integration) -> str:
        return obj.get_protocol_display()

    @display(description="default rule")
    def default(self, obj: Integration) -> str:
        return obj.get_default_rule_display()

    @display(description="rules on")
    def rules_told(self, obj: Any) -> str:
        url = reverse("admin:integrations_conversionrule_changelist")
        return format_html(
            '<a class="text-link" href="{}?mailbox__id__exact={}">{}</a>',
            url,
            obj.mailbox_id,
            obj.rules_on,
        )

    @display(description="log")
    def last_file(self, obj: Integration) -> str:
        url = reverse("admin:integrations_conversionlog_changelist")
        return format_html(
            '<a class="text-link" href="{}?mailbox__id__exact={}">See log</a>', url, obj.mailbox_id
        )
