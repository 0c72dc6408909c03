from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from omnichannel import backends, endpoints, trials, trouble
from omnichannel.admin.backend_fields import (
    SECRET_COLUMNS,
    clear_name,
    conditions,
    option_names,
)
from omnichannel.admin.base import (
    ActionVariant,
    StackedInline,
    StudioAdmin,
    TabularInline,
    action,
    badge,
    display,
    row_id,
)
from omnichannel.admin.bounces import BounceSection
from omnichannel.admin.deletion import KeptByMessages
from omnichannel.admin.filters import ProviderStateFilter
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.provider_dialogs import (
    AnsweringForm,
    CheckForm,
    TestMessageForm,
)
from omnichannel.admin.provider_form import ProviderFormBase, provider_form, stored_secrets
from omnichannel.admin.sender_form import SenderAddressInline
from omnichannel.admin.webhooks import WebhookSection
from omnichannel.choices import Category
from omnichannel.models import ChannelProvider, ProviderStatus
from omnichannel.statuses import seed_statuses

UNKNOWN_OUTCOME = (
    "on_uncertain",
    *(f"on_uncertain_{category}" for category in Category.values),
    "uncertain_alert_minutes",
)
STATE_COLOURS = {"working": "success", "resting": "warning", "stopped": "danger"}

TEST_DIALOG = {
    "title": "Send test message",
    "description": "The message goes through the queue like any other, at once.",
    "form_class": TestMessageForm,
    "form_submit_text": "Send",
}
CHECK_DIALOG = {
    "title": "Check connection",
    "description": "Connects with the saved settings. Nothing is sent.",
    "form_class": CheckForm,
    "form_submit_text": "Check",
}
RESUME_DIALOG = {
    "title": "Resume this provider",
    "description": "Its waiting messages are sent again from now on. "
    "Mend what stopped it first, or it will stop again.",
    "form_submit_text": "Resume",
}


class ProviderStatusInline(TabularInline):
    model = ProviderStatus
    fields = ("code", "reason", "description", "outcome", "documentation_link", "is_classified")
    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "documentation_link":
            kwargs["assume_scheme"] = "https"
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "description":
            field.widget.attrs["rows"] = 1
        return field


@admin.register(ChannelProvider)
class ChannelProviderAdmin(
    BounceSection, WebhookSection, KeptByMessages, HistoryAdmin, StudioAdmin
):
    message_field = "provider"
    form = provider_form()
    inlines = (SenderAddressInline, ProviderStatusInline)
    conditional_fields = conditions()
    list_display = ("name", "type_label", "channel_type", "provider_name", "state", "is_active")
    list_filter = ("channel_type", "backend", ProviderStateFilter, "is_active")
    search_fields = ("name", "provider_name", "from_address")
    empty_hint = "A provider is a way to send. Add one of type Sandbox to try things out safely."
    readonly_fields = (
        *("state_now", "options_shown", "secrets_shown"),
        *("webhook_address", "webhook_record"),
    )
    actions_detail = (
        *("send_test_message", "check_connection", "test_bounce_mailbox"),
        *("renew_webhook", "resume"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChannelProvider]:
        # A secret that no key opens any more must not take the page down.
        return super().get_queryset(request).defer(*SECRET_COLUMNS.values(), "app_secrets")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"backend": "smtp", **super().get_changeform_initial_data(request)}

    def get_inlines(
        self, request: HttpRequest, obj: ChannelProvider | None
    ) -> tuple[type[StackedInline | TabularInline], ...]:
        # A new provider gets its table of statuses when it is saved.
        first = self.inlines if obj else (SenderAddressInline,)
        return (*self.bounce_inlines(request, obj), *first)

    def get_fieldsets(self, request: HttpRequest, obj: ChannelProvider | None = None) -> Any:
        top = ("name", "channel_type", "backend", "is_active")
        tabs = (
            ("Connection", self._connection(request, obj)),
            ("Sender", ("from_address", "from_name")),
            (
                "Window & retry",
                (
                    "interval_min",
                    "interval_max",
                    "retry_max_attempt",
                    "pool_time_retry",
                    "days_before_expire",
                    "bulk_no",
                    "rate_limit",
                ),
            ),
            ("Unknown outcome", UNKNOWN_OUTCOME),
            ("Tracking", ("open_setting", "click_setting")),
            ("Webhook", self.webhook_fields(request, obj)),
            ("Advanced", ("app_config",)),
        )
        first = (None, {"fields": (*top, "state_now") if obj else top})
        return (
            first,
            *((name, {"fields": fields, "classes": ["tab"]}) for name, fields in tabs if fields),
        )

    def _connection(self, request: HttpRequest, obj: ChannelProvider | None) -> tuple[str, ...]:
        common = ("provider_name", "service_url", "app_user")
        if obj and not self.has_change_permission(request, obj):
            return (*common, "options_shown", "secrets_shown")
        stored = stored_secrets(obj) if obj else {}
        names = [*common, *SECRET_COLUMNS]
        for backend in backends.registry().values():
            names += option_names(backend)
        shown: list[str] = []
        for name in names:
            shown += [name, clear_name(name)] if name in stored else [name]
        return tuple(shown)

    def save_model(
        self, request: HttpRequest, obj: ChannelProvider, form: ProviderFormBase, change: bool
    ) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            seed_statuses(obj)
            self._save_webhook(obj, form)
            return
        # The send loop writes the other columns at the same time.
        obj.save(update_fields=[*ProviderFormBase.Meta.fields, *form.columns])
        if "backend" in form.changed_data:
            seed_statuses(obj)
        self._save_webhook(obj, form)

    def _save_webhook(self, obj: ChannelProvider, form: ProviderFormBase) -> None:
        if not endpoints.receives(obj):
            return
        endpoint = endpoints.endpoint_of(obj)
        wanted = bool(form.cleaned_data.get("takes_calls"))
        if endpoint.is_enabled != wanted:
            endpoints.switch(obj, on=wanted)
            seed_statuses(obj)  # of an earlier version: its events may not be in the table yet

    @display(description="type", ordering="backend")
    def type_label(self, obj: ChannelProvider) -> str:
        backend = backends.get(obj.backend)
        return backend.label if backend else f"{obj.backend} (not installed)"

    @display(description="state", label=STATE_COLOURS)
    def state(self, obj: ChannelProvider) -> tuple[str, str]:
        if obj.stopped_at:
            return "stopped", f"Stopped: {obj.trouble[:80]}" if obj.trouble else "Stopped"
        if obj.resting_until and obj.resting_until > timezone.now():
            return "resting", f"Resting until {date_format(obj.resting_until, 'H:i:s')} UTC"
        return "working", "Working"

    @admin.display(description="state")
    def state_now(self, obj: ChannelProvider) -> str:
        kind, text = self.state(obj)
        label = badge(STATE_COLOURS[kind], text.partition(":")[0] if kind == "stopped" else text)
        return format_html("{} {}", label, obj.trouble)

    @admin.display(description="settings")
    def options_shown(self, obj: ChannelProvider) -> str:
        return "\n".join(f"{key}: {value}" for key, value in obj.app_config.items()) or "-"

    @admin.display(description="secrets")
    def secrets_shown(self, obj: ChannelProvider) -> str:
        return f"{len(stored_secrets(obj))} stored, never shown"

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        may = self.has_change_permission(request)
        if not may or not object_id:
            return may
        able = ChannelProvider.objects.able(timezone.now())
        return not able.filter(pk=row_id(object_id)).exists()

    @action(
        description="Send test message", icon="send", permissions=["change"], dialog=TEST_DIALOG
    )
    def send_test_message(
        self, request: HttpRequest, form: TestMessageForm, object_id: str
    ) -> HttpResponse:
        form.answer = trials.send_text(
            form.provider, form.cleaned_data["address"], form.cleaned_data["text"]
        )
        return self.answer(request, form, TEST_DIALOG)

    @action(
        description="Check connection",
        icon="network_check",
        permissions=["change"],
        dialog=CHECK_DIALOG,
    )
    def check_connection(
        self, request: HttpRequest, form: AnsweringForm, object_id: str
    ) -> HttpResponse:
        form.answer = trials.try_connection(form.provider)
        return self.answer(request, form, CHECK_DIALOG)

    @action(
        description="Resume",
        icon="play_arrow",
        permissions=["resume"],
        variant=ActionVariant.PRIMARY,
        dialog=RESUME_DIALOG,
    )
    def resume(self, request: HttpRequest, form: forms.Form, object_id: str) -> HttpResponse:
        resumed = trouble.resume(ChannelProvider(pk=row_id(object_id)))
        page = reverse("admin:omnichannel_channelprovider_change", args=(object_id,))
        return self.done(request, "It sends again." if resumed else "It was not stopped.", page)
