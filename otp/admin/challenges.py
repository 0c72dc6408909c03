"""Every request for a code: what became of it. The code itself is nowhere, nor its hash here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    badge,
    display,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from otp.admin.filters import PurposeFilter
from otp.admin.fraud_pages import FraudPages
from otp.admin.masking import SEARCH_HELP, known_by, masked, may_look, message_link
from otp.choices import ChallengeStatus
from otp.models import OtpChallenge

COLOURS = {
    ChallengeStatus.PENDING: "info",
    ChallengeStatus.APPROVED: "success",
    ChallengeStatus.EXPIRED: "warning",
    ChallengeStatus.EXHAUSTED: "danger",
    ChallengeStatus.FAILED: "danger",
}
# What no page of it reads: the hash and its key, and what a further send needs.
HIDDEN = (
    *("digest", "key_id", "context"),
    *("provider__app_password", "provider__app_key", "provider__app_secrets"),
)


@admin.register(OtpChallenge)
class OtpChallengeAdmin(ReadOnly, FraudPages):
    list_display = (
        *("created_at", "channel", "to", "purpose", "state", "tries", "provider"),
        "caller",
    )
    list_display_links = ("created_at",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        PurposeFilter,
        ("provider", RelatedDropdownFilter),
        ("created_at", MomentRangeFilter),
        "is_test",
    )
    list_select_related = ("provider",)
    search_fields = ("destination",)
    search_help_text = SEARCH_HELP
    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ("created_at",)
    empty_hint = (
        "Nobody has asked for a code yet. Other systems do it through the API; to try it, open "
        "a configuration in the OTP Configuration Manager and press Send test code."
    )
    fieldsets = (
        (None, {"fields": (("state_now", "tries"), ("purpose", "channel"), ("to", "country"))}),
        (
            "When (UTC)",
            {"fields": (("created_at", "sent_at"), ("expires_at", "resend_at"), "used_at")},
        ),
        (
            "Way",
            {"fields": (("message_shown", "provider"), ("template_version", "fallback_of"))},
        ),
        (
            "Who",
            {"fields": (("caller", "client_ip"), "user_agent", ("request_number", "test"))},
        ),
    )
    readonly_fields = ("state_now", "tries", "to", "message_shown", "request_number", "test")

    class Media:
        css = {"all": ("studio/otp.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[OtpChallenge]:
        rows = super().get_queryset(request).select_related("provider")
        return rows.defer(*HIDDEN).annotate(may_look=may_look(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OtpChallenge], search_term: str
    ) -> tuple[QuerySet[OtpChallenge], bool]:
        term = search_term.replace("\0", "").strip()
        return queryset.filter(known_by(term)) if term else queryset, False

    @display(description="to")
    def to(self, obj: OtpChallenge) -> str:
        return masked(obj.channel, obj.destination)

    @display(description="status", label=COLOURS)
    def state(self, obj: OtpChallenge) -> tuple[str, str]:
        status = _status(obj)
        return status.value, str(status.label)

    @admin.display(description="status")
    def state_now(self, obj: OtpChallenge) -> str:
        status = _status(obj)
        return badge(COLOURS.get(status, ""), str(status.label))

    @display(description="tries")
    def tries(self, obj: OtpChallenge) -> str:
        return f"{obj.tries_used} of {obj.tries_max}"

    @admin.display(description="request id")
    def request_number(self, obj: OtpChallenge) -> str:
        return obj.request_id.hex

    @admin.display(description="test")
    def test(self, obj: OtpChallenge) -> str:
        """In words: a red cross beside everything that is real looks like a fault."""
        return "Yes" if obj.is_test else "-"

    @admin.display(description="message")
    def message_shown(self, obj: Any) -> str:
        return message_link(obj, exists=True)


def _status(obj: OtpChallenge) -> ChallengeStatus:
    """As it is now: the tick that marks what has expired comes later."""
    if obj.status == ChallengeStatus.PENDING and obj.expires_at <= timezone.now():
        return ChallengeStatus.EXPIRED
    return ChallengeStatus(obj.status)
