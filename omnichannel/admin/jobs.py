from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from omnichannel.admin.base import StudioAdmin, display
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import Job

COLOURS = {
    JobStatus.PREPARING: "info",
    JobStatus.RUNNING: "info",
    JobStatus.PAUSED: "warning",
    JobStatus.FINISHED: "success",
}


@admin.register(Job)
class JobAdmin(ReadOnly, StudioAdmin):
    list_display = (
        "name",
        "state",
        "category",
        "channel_type",
        "provider",
        "expected",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", "category", "channel_type", "provider")
    list_select_related = ("provider",)
    search_fields = ("name", "reference")
    paginator = CappedPaginator
    empty_hint = "A job is one submission of messages. Run a campaign, and its job is here."
    readonly_fields = ("counts", "messages_link", "purged")
    fieldsets = (
        (None, {"fields": ("name", "status", "counts", "messages_link", "purged")}),
        (
            "What and how",
            {
                "fields": (
                    ("channel_type", "category"),
                    ("provider", "priority"),
                    "template_version",
                    ("from_address", "from_name"),
                    "reply_to",
                    "context",
                )
            },
        ),
        (
            "When",
            {
                "fields": (
                    ("created_at", "created_by"),
                    ("started_at", "finished_at"),
                    "ends_at",
                    ("expected", "expanded"),
                    ("source", "reference"),
                    "key",
                )
            },
        ),
    )

    @display(description="status", ordering="status", label=COLOURS)
    def state(self, obj: Job) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description="messages by status")
    def counts(self, obj: Job) -> str:
        found = obj.counts()
        url = reverse("admin:omnichannel_message_changelist")
        return format_html_join(
            " ",
            '<a class="text-link" href="{}?job__id__exact={}&status__exact={}">{}: {}</a><br>',
            (
                (url, obj.pk, status.value, status.label, f"{found[status]:,}")
                for status in MessageStatus
                if found.get(status)
            ),
        )

    @display(description="deleted messages")
    def purged(self, obj: Job) -> str:
        if not obj.purged:
            return "None"
        whole = sum(obj.counts().values())
        return f"{obj.purged:,} of {whole:,}, as they were old. Their figures are kept."

    @display(description="messages")
    def messages_link(self, obj: Job) -> str:
        url = reverse("admin:omnichannel_message_changelist")
        return format_html(
            '<a class="text-link" href="{}?job__id__exact={}">Show the messages</a>', url, obj.pk
        )

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return request.user.has_perm("omnichannel.view_job")
