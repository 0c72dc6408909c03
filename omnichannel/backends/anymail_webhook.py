"""Webhooks by django-anymail's views: each is made with the provider's own secrets, so that
Django's settings never come in, and asked for events; its signals are not used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, RejectReason
from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from omnichannel.backends.anymail import HTTP_STATUSES
from omnichannel.backends.base import Backend, Status, TrackingEvent
from omnichannel.backends.webhook_calls import MISSHAPEN, text
from omnichannel.choices import EventType, Outcome, SuppressionReason
from omnichannel.exceptions import ForgedWebhook, InvalidWebhook

# The vendor gave up, for a reason that says nothing about the address.
_NOT_THE_ADDRESS = (
    RejectReason.BLOCKED,
    RejectReason.OTHER,
    RejectReason.SPAM,
    RejectReason.TIMED_OUT,
)
# Why a vendor did not even try.
_REASONS = {
    RejectReason.BOUNCED: SuppressionReason.BOUNCE,
    RejectReason.INVALID: SuppressionReason.BOUNCE,
    RejectReason.SPAM: SuppressionReason.COMPLAINT,
    RejectReason.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBE,
}

# Anymail warns when it is not told a login: here every call is verified one way or another.
_NEVER = property(lambda view: False, lambda view, value: None)


class WebhookLogin(forms.Form):
    """For vendors that sign nothing: what they put into the Authorization header."""

    webhook_login = forms.CharField(
        label="Webhook user:password",
        required=False,
        max_length=200,
        help_text="Choose a user name and a password, and give the vendor the address as "
        "https://user:password@...",
    )

    def clean_webhook_login(self) -> str:
        login = str(self.cleaned_data["webhook_login"])
        user, _, password = login.partition(":")
        if login and not (user and len(password) >= 12 and login.isascii()):
            raise forms.ValidationError(
                "Write user:password, the password at least 12 letters and digits long."
            )
        return login


def webhook_key(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=2000, help_text=help_text)


def with_events(**outcomes: str) -> tuple[Status, ...]:
    """Anymail's own statuses, and the vendor's event names with what each means."""
    known = {status.code for status in HTTP_STATUSES}
    told = (
        Status(code, code.replace("_", " ").upper(), outcome, "Told by webhook.")
        for code, outcome in outcomes.items()
        if code not in known
    )
    return (*HTTP_STATUSES, *told)


class AnymailWebhook(Backend):
    """Beside an AnymailBackend: that one sends, this receives."""

    webhook_view: ClassVar[str]  # dotted path of anymail's view
    webhook_code: ClassVar[tuple[str, ...]] = ("event",)  # where in an event its name is
    soft: ClassVar[frozenset[str]] = frozenset()  # names of events that are temporary
    receives = True
    webhook_methods: ClassVar[tuple[str, ...]] = ("POST", "HEAD")
    webhook_secrets: ClassVar[tuple[str, ...]] = ("webhook_login",)
    secret_fields: ClassVar[tuple[str, ...]] = ("webhook_login",)

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        """What anymail's view wants to be told, by its own names."""
        return {"webhook_secret": [secret]}

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        """What the vendor says and anymail leaves out."""
        return event

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        secret = self._secret()
        try:
            return self._events(secret, request)
        except AnymailWebhookValidationFailure as error:
            raise ForgedWebhook("The call is not signed as it should be.") from error
        except AnymailError as error:
            raise InvalidWebhook(str(error)[:150]) from error
        except MISSHAPEN as error:
            raise InvalidWebhook(f"Not understood ({type(error).__name__}).") from error

    def _secret(self) -> str:
        [name] = self.webhook_secrets
        found = self.config.options.get(name) or getattr(self.config, name, "")
        if not found:
            raise ForgedWebhook("Nothing is filled in to verify calls by.")
        return str(found).strip()

    def _events(self, secret: str, request: HttpRequest) -> list[TrackingEvent]:
        settings = {"webhook_secret": [], **self.webhook_settings(secret, request)}
        view = import_string(self.webhook_view)
        quiet = type(view.__name__, (view,), {"warn_if_no_basic_auth": _NEVER})
        asked = quiet(**settings)
        asked.run_validators(request)
        self.verify(secret, request)
        return [self._told(event) for event in asked.parse_events(request)]

    def verify(self, secret: str, request: HttpRequest) -> None:
        """For what anymail's view cannot verify. Raises ForgedWebhook."""

    def _told(self, event: AnymailTrackingEvent) -> TrackingEvent:
        said = event.esp_event
        code = self._code(said)
        metadata = event.metadata if isinstance(event.metadata, dict) else {}
        told = TrackingEvent(
            type=event.event_type if event.event_type in EventType.values else EventType.UNKNOWN,
            at=event.timestamp or timezone.now(),
            key=text(metadata.get("key")),
            external_id=text(event.message_id),
            event_id=text(event.event_id) or _digest(said),
            code=code,
            description=text(event.mta_response) or text(event.description),
            url=text(event.click_url),
            address=text(event.recipient),
        )
        return self.refined(self._weighed(told, event.reject_reason), said)

    def _code(self, said: Any) -> str:
        for name in self.webhook_code:
            said = said.get(name) if isinstance(said, dict) else None
        return text(said)

    def _weighed(self, event: TrackingEvent, why: str | None) -> TrackingEvent:
        if event.type == EventType.DEFERRED or event.code in self.soft:
            return dataclasses.replace(event, outcome=Outcome.TEMPORARY)
        if event.type == EventType.BOUNCED and why in _NOT_THE_ADDRESS:
            return dataclasses.replace(event, type=EventType.FAILED, outcome=Outcome.REJECTED)
        if event.type == EventType.BOUNCED:
            return dataclasses.replace(event, outcome=Outcome.REJECTED)
        if event.type == EventType.REJECTED:
            reason = _REASONS.get(why, "") if why else ""
            return dataclasses.replace(event, outcome=Outcome.REJECTED, reason=reason)
        return event


def _digest(said: Any) -> str:
    """The same for the same call told again: vendors that give no id repeat every letter."""
    data = json.dumps(said, sort_keys=True, default=str)
    return "digest-" + hashlib.sha256(data.encode("utf-8", "replace")).hexdigest()
