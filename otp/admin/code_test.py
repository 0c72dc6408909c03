"""A real code, sent from the form of a configuration to whoever tries it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from omnichannel.admin.base import BaseDialogForm, UnfoldAdminTextInputWidget, row_id
from omnichannel.exceptions import InvalidMessage
from omnichannel.visitors import client_ip
from otp import destinations, engine
from otp.asking import Asked, InvalidOtp, OtpRefused, Sent
from otp.choices import OtpChannel, Refusal
from otp.models import OtpChallenge, OtpConfiguration

CALLER = "studio test"  # its codes must not take the place of those that somebody signs in by
# Callers are not told which it was; who looks at a configuration is.
GUARDED: dict[str, str] = {
    Refusal.COUNTRY: "Its country is none of this configuration's: add it under Countries.",
    Refusal.PREMIUM: "It is a premium, shared-cost or corporate number: none of these gets a code.",
    Refusal.BLOCKED_PREFIX: "Its beginning is blocked: see Blocked prefixes.",
}


class CodeTestForm(BaseDialogForm):
    """Stays open and shows what came of it."""

    form_after_template = "admin/otp/code_answer.html"
    sent: Sent | None = None
    refused: str = ""

    address = forms.CharField(
        label="To",
        max_length=destinations.LONGEST,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="A mobile number or an e-mail address of yours.",
    )

    @cached_property
    def configuration(self) -> OtpConfiguration:
        return get_object_or_404(OtpConfiguration, pk=row_id(self.object_id))

    def clean_address(self) -> destinations.Destination:
        text = self.cleaned_data["address"]
        try:
            return destinations.of(OtpChannel.EMAIL if "@" in text else OtpChannel.SMS, text)
        except InvalidMessage as error:
            raise forms.ValidationError(str(error)) from error

    def send(self) -> None:
        """Fills `sent`, or why not."""
        to: destinations.Destination = self.cleaned_data["address"]
        is_sms = to.channel == OtpChannel.SMS
        asked = Asked(
            purpose=self.configuration.purpose,
            mobile=to.address if is_sms else "",
            email="" if is_sms else to.address,
            client_ip=client_ip(self.request) or "",
            user_agent=self.request.headers.get("User-Agent", "")[:255],
            caller=CALLER,
        )
        try:
            (self.sent,) = engine.send(asked, at=timezone.now())
        except OtpRefused as error:
            self.refused = str(error)
        except InvalidOtp as error:
            self.refused = " ".join(text for _, text in error.faults)

    def get_after_template_context(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> dict[str, Any]:
        sent = self.sent
        challenge = _challenge(sent)
        message = challenge.message_id if challenge else None
        may_look = request.user.has_perm("omnichannel.view_message")
        return {
            "sent": sent,
            "refused": self.refused,
            "why": GUARDED.get(sent.code, sent.message) if sent else "",
            "channel": OtpChannel(sent.channel).label if sent else "",
            "message": message if may_look else None,
            "inbox": _inbox(challenge) if may_look else "",
        }


TEST_DIALOG: dict[str, Any] = {
    "title": "Send test code",
    "description": "A real code goes out by the saved configuration, and counts toward its limits.",
    "form_class": CodeTestForm,
    "form_submit_text": "Send",
}


def _challenge(sent: Sent | None) -> OtpChallenge | None:
    if sent is None or not sent.request_id:
        return None
    rows = OtpChallenge.objects.select_related("provider")
    return (
        rows.only("message_id", "channel", "provider__backend")
        .filter(request_id=sent.request_id)
        .first()
    )


def _inbox(challenge: OtpChallenge | None) -> str:
    """Where the code arrived, when it went to the sandbox."""
    if challenge is None or challenge.provider is None or challenge.provider.backend != "sandbox":
        return ""
    return f"{reverse('admin:sandbox_inbox')}?channel={challenge.channel}"
