"""Netcore SMS ("BulkSMS"): one number a call. A failure comes with HTTP 200, too.

Of the error codes only 122 is public, and of the delivery report's parameters only its first;
the rest is the operator's to fill in from their own contract.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import ClassVar
from urllib.parse import quote, urlencode, urlsplit

from django import forms
from django.http import HttpRequest

from omnichannel.backends import netcore_reports
from omnichannel.backends.base import OutgoingMessage, Result, Status, TrackingEvent
from omnichannel.backends.envelope import sender_of
from omnichannel.backends.http import HttpBackend, HttpForm, Judge, refusal
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_request import RequestHead
from omnichannel.backends.netcore_answer import NotUnderstood, read
from omnichannel.backends.sendgrid_payload import as_json
from omnichannel.backends.sms_envelope import (
    number_as,
    refuse_bad_sms,
    register_field,
    registered,
)
from omnichannel.backends.vendor_values import text_of
from omnichannel.choices import ChannelType, Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderRefused, TemporaryError

FORM, JSON = "form", "json"
PATHS = {FORM: "/SingleMsgApi", JSON: "/JsonSingleApi"}
TYPES = {FORM: "application/x-www-form-urlencoded", JSON: "application/json"}
TAKEN, WRONG_KEY = "success", "122"


class NetcoreSmsForm(HttpForm):
    feed_id = forms.RegexField(
        r"^[!-~]+$",
        label="Feed ID",
        max_length=40,
        help_text="The number of the feed at Netcore.",
        error_messages={"invalid": "Write the feed's number without spaces."},
    )
    request_form = forms.ChoiceField(
        label="Request",
        choices=[(FORM, "Form (SingleMsgApi)"), (JSON, "JSON (JsonSingleApi)")],
        initial=FORM,
        required=False,
        help_text="The JSON form has no sender: the feed's own is used.",
    )
    entity_id = register_field("DLT entity ID", "India: the sender's registration.")
    template_id = register_field(
        "DLT template ID",
        "India: used where neither the message's template has one nor the message itself: "
        '{"template_id": "..."} in its Channel Provider Params.',
    )
    id_field = netcore_reports.name_field("request id", "reqid, request_ID or requestid")
    status_field = netcore_reports.name_field("status", "status")
    number_field = netcore_reports.name_field("number", "mobile")
    time_field = netcore_reports.name_field("time", "event_time")
    reason_field = netcore_reports.name_field("reason", "remarks")
    delivered_words = netcore_reports.words_field("delivered", "Delivered")
    failed_words = netcore_reports.words_field("failed", "Failed")


class NetcoreSms(HttpBackend):
    slug = "netcore-sms"
    label = "Netcore SMS"
    channel_types: ClassVar[tuple[str, ...]] = (ChannelType.SMS,)
    uses = {"service_url": "Service URL", "app_user": "User name", "app_password": "Password"}
    required = ("app_user", "app_password")
    config_form = NetcoreSmsForm
    documentation = "https://emaildocs.netcorecloud.com/docs/sms-webhooks"
    note = (
        "Netcore sets up delivery reports by e-mail: tell them the webhook address, the parameters "
        "wanted and GET or POST. Reports are not signed, so treat the address as a secret."
    )
    statuses = (
        Status(TAKEN, "OK", Outcome.ACCEPTED, "Netcore took the message."),
        Status(
            WRONG_KEY, "AUTHENTICATION FAILED", Outcome.AUTH, "User, password or feed is wrong."
        ),
        Status("400", "BAD REQUEST", Outcome.REJECTED, "Something in the message is not allowed."),
        Status("401", "UNAUTHORIZED", Outcome.AUTH, "User, password or feed is wrong."),
        Status("403", "FORBIDDEN", Outcome.AUTH, "This machine's address may not be allowed."),
        Status("404", "NOT FOUND", Outcome.AUTH, "The Service URL is wrong."),
        Status("429", "TOO MANY REQUESTS", Outcome.THROTTLED, "Netcore asks to slow down."),
        Status("500", "SERVER ERROR", Outcome.TEMPORARY, "An error at Netcore."),
        Status("503", "SERVICE UNAVAILABLE", Outcome.TEMPORARY, "Netcore is not available."),
        Status("sent", "SENT", "", "Handed to the operator."),
        Status("delivered", "OK", Outcome.DELIVERED, "The phone has it."),
        Status("failed", "ERROR", Outcome.REJECTED, "It did not reach the phone."),
    )
    service_url = "https://bulkpush.mytoday.com/BulkSms"
    receives = True
    webhook_methods = ("HEAD", "GET", "POST")  # Netcore asks with HEAD before it uses an address

    def pack(self, message: OutgoingMessage) -> tuple[bytes, Judge]:
        refuse_bad_sms(message, self.config)
        if self._kind == JSON:
            body = as_json(self._as_json(message))
        else:
            fields = self._as_form(message)
            body = urlencode(fields, quote_via=quote, errors="replace").encode()
        return self._head.with_body(body), partial(_result, message)

    def check(self) -> str:
        answer = self.fleet.ask(RequestHead(self.fleet.peer, "GET", self.url + "/", {}).with_body())
        return (
            f"{urlsplit(self.url).hostname} is there (HTTP {answer.status}). Whether the user and "
            "the feed are right only a test message can tell."
        )

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        return netcore_reports.events_of(request, self.config.options)

    @property
    def _kind(self) -> str:
        return JSON if self.config.options.get("request_form") == JSON else FORM

    @cached_property
    def _head(self) -> RequestHead:
        root = self.url
        for path in PATHS.values():
            root = root.removesuffix(path)
        url, headers = root + PATHS[self._kind], {"Content-Type": TYPES[self._kind]}
        return RequestHead(self.fleet.peer, "POST", url, headers)

    def _as_form(self, message: OutgoingMessage) -> dict[str, str]:
        sender, _ = sender_of(message, self.config)
        fields = {
            **self._account(),
            "To": number_as(message.to, "+", ""),
            "Text": message.text,
            "senderid": sender,
            **self._registered(message),
        }
        return {name: value for name, value in fields.items() if value}

    def _as_json(self, message: OutgoingMessage) -> dict[str, str]:
        fields = {
            **self._account(),
            "mobile": number_as(message.to, "+", ""),
            "messages": message.text,
            **self._registered(message),
        }
        return {name: value for name, value in fields.items() if value}

    def _account(self) -> dict[str, str]:
        return {
            "feedid": self._option("feed_id"),
            "username": self.config.app_user,
            "password": self.config.app_password,
        }

    def _registered(self, message: OutgoingMessage) -> dict[str, str]:
        found = registered(message, self.config.options)
        return {"templateid": found["template_id"], "entityid": found["entity_id"]}

    def _option(self, name: str) -> str:
        return text_of(self.config.options.get(name), 200)


def _result(message: OutgoingMessage, answer: Answer) -> Result:
    """Raises SendError."""
    text = " ".join(answer.text.split())[:500] or answer.reason
    if answer.status >= 300:
        raise refusal(answer, text)
    try:
        said = read(answer.body)
    except NotUnderstood as error:
        raise OutcomeUnknown(f"The answer was not understood ({error}): {text}") from error
    if "ERROR" in said.names or "REQUEST-ERROR" in said.names:
        code = text_of(said.code, 60)
        kind = ProviderRefused if code == WRONG_KEY else TemporaryError
        raise kind(f"{code}: {text_of(said.description, 500) or text}", code=code)
    if not said.request_id or "MID" not in said.names:
        raise OutcomeUnknown(f"The answer does not say that it was taken: {text}")
    return Result(
        message.key,
        Outcome.ACCEPTED,
        code=TAKEN,
        text="Accepted by Netcore.",
        external_id=text_of(said.request_id, 255),
    )
