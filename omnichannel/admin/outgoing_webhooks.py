"""Outgoing webhooks: the other systems that are told what happens to messages."""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from omnichannel import outgoing_webhooks, webhook_walk
from omnichannel.admin.base import ActionVariant, StudioAdmin, action, badge, display, row_id
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.outgoing_webhook_form import OutgoingWebhookForm
from omnichannel.admin.provider_dialogs import AnsweringForm
from omnichannel.models import OutgoingWebhook, WebhookDelivery

COLOURS = {"working": "success", "resting": "warning", "stopped": "danger", "off": "default"}
MOST = 1_000  # waiting deliveries are counted up to here
SECRETS = ("secret", "old_secret")


class SecretForm(AnsweringForm):
    form_after_template = "admin/omnichannel/outgoing_secret.html"


TEST_DIALOG = {
    "title": "Send test event",
    "description": "One call now, signed like any other. It is not kept among the deliveries.",
    "form_class": AnsweringForm,
    "form_submit_text": "Send",
}
ROTATE_DIALOG = {
    "title": "Rotate the secret",
    "description": "Calls bear two signatures for 24 hours, by the new secret and by the present "
    "one: enter the new one in the other system within that time.",
    "form_class": SecretForm,
    "form_submit_text": "Rotate",
}
ROTATED_DIALOG = {**ROTATE_DIALOG, "form_submit_text": "I have kept it"}
START_DIALOG = {
    "title": "Start this webhook again",
    "description": "It is called again from now on, first with what waits for it.",
    "form_submit_text": "Start",
}


@admin.register(OutgoingWebhook)
class OutgoingWebhookAdmin(HistoryAdmin, StudioAdmin):
    form = OutgoingWebhookForm
    list_display = ("name", "address", "told", "state", "last_call_at")
    list_filter = ("is_active",)
    search_fields = ("name", "url")
    readonly_fields = ("state_now", "record")
    actions_detail = ("send_test_event", "rotate_secret", "start_again")
    empty_hint = (
        "An outgoing webhook tells another system what happens to messages: sent, delivered, "
        "opened, bounced. Add one with the address at which that system takes calls."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingWebhook]:
        # A secret that no key opens any more must not take the page down.
        return super().get_queryset(request).defer(*SECRETS)

    def get_fieldsets(self, request: HttpRequest, obj: OutgoingWebhook | None = None) -> Any:
        shown = ("state_now", "record") if obj else ()
        first = ("name", "url", "is_active", *shown)
        return (
            (None, {"fields": first}),
            ("What is told", {"fields": ("event_types", "categories")}),
        )

    @display(description="URL", ordering="url")
    def address(self, obj: OutgoingWebhook) -> str:
        return format_html('<span class="one-line" title="{0}">{0}</span>', obj.url)

    @display(description="events")
    def told(self, obj: OutgoingWebhook) -> str:
        return str(len(obj.event_types))

    @display(description="state", label=COLOURS)
    def state(self, obj: OutgoingWebhook) -> tuple[str, str]:
        if obj.stopped_at:
            return "stopped", "Stopped"
        if not obj.is_active:
            return "off", "Off"
        if obj.rests_until and obj.rests_until > timezone.now():
            return "resting", f"Resting until {date_format(obj.rests_until, 'H:i:s')} UTC"
        return ("resting", "Failing") if obj.failures else ("working", "Working")

    @admin.display(description="state")
    def state_now(self, obj: OutgoingWebhook) -> str:
        kind, text = self.state(obj)
        return format_html("{} {}", badge(COLOURS[kind], text), obj.stopped_reason)

    @admin.display(description="calls")
    def record(self, obj: OutgoingWebhook) -> str:
        waiting = WebhookDelivery.objects.filter(webhook=obj, due_at__isnull=False).order_by()
        context = {
            "webhook": obj,
            "waiting": waiting[:MOST].count(),
            "most": MOST,
            "list": reverse("admin:omnichannel_webhookdelivery_changelist"),
        }
        return render_to_string("admin/omnichannel/outgoing_record.html", context)

    def save_model(
        self, request: HttpRequest, obj: OutgoingWebhook, form: forms.ModelForm, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        webhook_walk.begin()

    def response_add(
        self, request: HttpRequest, obj: OutgoingWebhook, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only time that its secret is shown."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{obj.name} was added",
            "name": obj.name,
            "secret": obj.secret,
            "page": reverse("admin:omnichannel_outgoingwebhook_change", args=(obj.pk,)),
        }
        return TemplateResponse(request, "admin/omnichannel/outgoing_added.html", context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its deliveries go with it, though nobody edits them: counted, not listed."""
        rows = WebhookDelivery.objects.filter(webhook__in=[obj.pk for obj in objs])
        counts = {
            self.opts.verbose_name_plural: len(objs),
            rows.model._meta.verbose_name_plural: rows.order_by().count(),
        }
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(obj) for obj in objs], counts, missing, []

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        may = self.has_change_permission(request)
        if not may or not object_id:
            return may
        stopped = OutgoingWebhook.objects.filter(stopped_at__isnull=False)
        return stopped.filter(pk=row_id(object_id)).exists()

    @action(description="Send test event", icon="send", permissions=["change"], dialog=TEST_DIALOG)
    def send_test_event(
        self, request: HttpRequest, form: AnsweringForm, object_id: str
    ) -> HttpResponse:
        webhook = get_object_or_404(OutgoingWebhook, pk=row_id(object_id))
        started = time.monotonic()
        verdict = outgoing_webhooks.send_test(webhook, at=timezone.now())
        form.answer = {
            "good": verdict.is_taken,
            "outcome": "It took the event" if verdict.is_taken else "It did not take the event",
            "code": verdict.code,
            "text": verdict.answer,
            "seconds": f"{time.monotonic() - started:.2f}",
        }
        return self.answer(request, form, TEST_DIALOG)

    @action(description="Rotate secret", icon="key", permissions=["change"], dialog=ROTATE_DIALOG)
    def rotate_secret(self, request: HttpRequest, form: SecretForm, object_id: str) -> HttpResponse:
        webhook = get_object_or_404(OutgoingWebhook.objects.defer(*SECRETS), pk=row_id(object_id))
        page = reverse("admin:omnichannel_outgoingwebhook_change", args=(webhook.pk,))
        if request.POST.get("rotated"):  # the dialog that shows it was sent once more
            return self.go(page)
        secret = outgoing_webhooks.rotate(webhook, at=timezone.now())
        self.log_change(request, webhook, "Rotated the secret.")
        form.answer = {"secret": secret}
        return self.answer(request, form, ROTATED_DIALOG)

    @action(
        description="Start again",
        icon="play_arrow",
        permissions=["start"],
        variant=ActionVariant.PRIMARY,
        dialog=START_DIALOG,
    )
    def start_again(self, request: HttpRequest, form: forms.Form, object_id: str) -> HttpResponse:
        webhook = get_object_or_404(OutgoingWebhook.objects.defer(*SECRETS), pk=row_id(object_id))
        started = outgoing_webhooks.start(webhook)
        page = reverse("admin:omnichannel_outgoingwebhook_change", args=(webhook.pk,))
        if started:
            self.log_change(request, webhook, "Started again.")
        return self.done(request, "It is called again." if started else "It was not stopped.", page)
