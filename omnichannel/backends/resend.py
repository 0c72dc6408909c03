from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.backends.anymail_arrays import ArrayBackend, ArrayForm, as_answer
from omnichannel.backends.anymail_webhook import AnymailWebhook, webhook_key, with_events
from omnichannel.backends.base import OutgoingMessage, TrackingEvent
from omnichannel.backends.http_answer import Answer
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import ForgedWebhook

MAX_AGE = 300  # seconds; each time it is told again it is signed anew


class ResendForm(ArrayForm):
    webhook_secret: forms.Field = webhook_key(
        "Webhook signing secret", "At Resend with the webhook; it begins with whsec_."
    )


class Resend(AnymailWebhook, ArrayBackend):
    slug = "anymail-resend"
    label = "Resend"
    esp = "anymail.backends.resend.EmailBackend"
    service_url = "https://api.resend.com/"
    tracks = False  # the domain's settings decide
    config_form = ResendForm
    webhook_help = (
        "At Resend under Webhooks: this address and every e-mail event; the signing "
        "secret goes into this provider."
    )
    webhook_view = "anymail.webhooks.resend.ResendTrackingWebhookView"
    webhook_secrets = secret_fields = ("webhook_secret",)
    webhook_code = ("type",)
    soft = frozenset({"email.delivery_delayed"})
    statuses = with_events(
        **{
            "email.sent": Outcome.ACCEPTED,
            "email.delivered": Outcome.DELIVERED,
            "email.delivery_delayed": Outcome.TEMPORARY,
            "email.bounced": Outcome.REJECTED,
            "email.bounced.transient": Outcome.TEMPORARY,
            "email.complained": "",
            "email.opened": "",
            "email.clicked": "",
        }
    )
    documentation = "https://resend.com/docs/api-reference/errors"
    array_path = "emails/batch"
    most_in_array = 100

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "verify_attachment_extensions": True}

    def fits(self, message: OutgoingMessage) -> bool:
        return super().fits(message) and not message.attachments

    def answers(self, found: Any, status: int) -> list[Answer]:
        # All or none are taken, and the ids come in the order of the request.
        # https://resend.com/docs/dashboard/emails/batch-validation-modes
        if status != 200:
            raise ValueError("the batch was refused as a whole")
        return [as_answer(200, {"id": item["id"]}) for item in found["data"]]

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        return {"signing_secret": None}  # anymail would want another library for it: see `verify`

    def verify(self, secret: str, request: HttpRequest) -> None:
        # https://docs.svix.com/receiving/verifying-payloads/how-manual
        stamp, call = request.headers["svix-timestamp"], request.headers["svix-id"]
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{call}.{stamp}.".encode() + request.body
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        given = [each.partition(",")[2] for each in request.headers["svix-signature"].split()]
        if not any(hmac.compare_digest(wanted, each.encode()) for each in given):
            raise ForgedWebhook("The call is not signed by Resend with this secret.")
        if not abs(timezone.now().timestamp() - float(stamp)) <= MAX_AGE:
            raise ForgedWebhook(f"The call was made more than {MAX_AGE} seconds ago.")

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        if event.code != "email.bounced":
            return event
        kind = said["data"].get("bounce", {}).get("type")
        if kind == "Transient":
            return dataclasses.replace(
                event,
                type=EventType.BOUNCED,
                outcome=Outcome.TEMPORARY,
                code="email.bounced.transient",
            )
        return dataclasses.replace(event, type=EventType.BOUNCED) if kind == "Permanent" else event
