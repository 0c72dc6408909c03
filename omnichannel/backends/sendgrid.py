"""SendGrid Web API v3. Anymail's own sender is ten times slower and unsupported upstream since
2025. https://www.twilio.com/docs/sendgrid/api-reference/mail-send
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, partial

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.backends import sendgrid_webhook
from omnichannel.backends.base import OutgoingMessage, Result, TrackingEvent
from omnichannel.backends.envelope import refuse_bad_addresses, refuse_unsafe
from omnichannel.backends.http import HttpBackend, HttpForm, Judge, judged, refusal
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_line import Call
from omnichannel.backends.http_request import RequestHead, peer_of
from omnichannel.backends.sendgrid_group import MOST_MESSAGES, Group, can_share
from omnichannel.backends.sendgrid_payload import as_json, named, payload, words
from omnichannel.backends.sendgrid_statuses import DOCUMENTATION, STATUSES
from omnichannel.backends.webhook_calls import json_of
from omnichannel.choices import Outcome
from omnichannel.exceptions import (
    ForgedWebhook,
    OutcomeUnknown,
    ProviderUnavailable,
    Rejected,
    SendError,
)

MESSAGES_PER_CALL = 100
FORMAT, TOO_LARGE = 400, 413  # nothing of the call was sent


class SendGridForm(HttpForm):
    messages_per_call = forms.IntegerField(
        min_value=1,
        max_value=MOST_MESSAGES,
        required=False,
        help_text="Messages of one campaign that go in one call, as far as their content allows. "
        f"Empty: {MESSAGES_PER_CALL}. When a call gets no answer, all of them are uncertain; "
        "1 sends each by itself.",
    )
    sandbox_mode = forms.BooleanField(
        required=False,
        help_text="SendGrid checks each message and sends none: every one ends as rejected (200).",
    )
    ip_pool_name = forms.CharField(label="IP pool", required=False, max_length=64, min_length=2)
    webhook_key = forms.CharField(
        label="Webhook verification key",
        required=False,
        max_length=500,
        help_text="At SendGrid under Mail Settings, Event Webhook, Signature Verification.",
    )
    webhook_max_age = forms.IntegerField(
        label="Oldest webhook call",
        required=False,
        min_value=0,
        max_value=86_400,
        help_text="In seconds. An older signature is refused. Empty: "
        f"{sendgrid_webhook.MAX_AGE}; 0 takes any.",
    )

    def clean_webhook_key(self) -> str:
        words = str(self.cleaned_data["webhook_key"])
        try:
            if words:
                sendgrid_webhook.public_key(words)
        except ValueError as error:
            text = "This is not a verification key: copy it from SendGrid once more."
            raise forms.ValidationError(text) from error
        return words


class SendGrid(HttpBackend):
    slug = "sendgrid"
    label = "SendGrid"
    uses = {"service_url": "Service URL", "app_key": "API key"}
    required = ("app_key",)
    tracks = True
    config_form = SendGridForm
    documentation = DOCUMENTATION
    statuses = STATUSES
    service_url = "https://api.sendgrid.com"
    receives = True
    webhook_help = (
        "At SendGrid under Settings, Mail Settings, Event Webhooks: this address, every "
        "event, and Signature Verification on; its key goes into this provider."
    )
    webhook_secrets = ("webhook_key",)

    def pack(self, message: OutgoingMessage) -> tuple[bytes, Judge]:
        self._examine(message)
        body = as_json(payload(message, self.config))
        return self._head.with_body(body), partial(_result, message)

    def plan(self, messages: Iterable[OutgoingMessage]) -> Iterator[Call | Result]:
        """Messages that share all but a few values go in one call; each other one by itself."""
        most = self.whole_number("messages_per_call", MESSAGES_PER_CALL, MOST_MESSAGES)
        group = Group(self.config, most)
        for message in messages:
            if most == 1 or not can_share(message):
                yield from self._calls(group)
                group = Group(self.config, most)
                yield self.single(message)
                continue
            try:
                self._examine(message)
            except Rejected as error:
                yield Result.from_error(message, error)
                continue
            if not group.takes(message):
                yield from self._calls(group)
                group = Group(self.config, most)
            group.add(message)
            if group.is_full:
                yield from self._calls(group)
                group = Group(self.config, most)
        yield from self._calls(group)

    def check(self) -> str:
        head = RequestHead(peer_of(self.url), "GET", self._root + "/v3/scopes", self._key)
        answer = self.fleet.ask(head.with_body())
        if answer.status != 200:
            raise refusal(answer, words(answer))
        try:
            scopes = answer.json()["scopes"]
        except (ValueError, KeyError, TypeError) as error:
            text = "This does not look like SendGrid: check the Service URL."
            raise ProviderUnavailable(text) from error
        may = "may" if "mail.send" in scopes else "may NOT"
        return f"SendGrid answered 200: the API key is known and {may} send mail."

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        key = str(self.config.options.get("webhook_key") or "")
        if not key:
            raise ForgedWebhook("The provider has no verification key.")
        age = self.config.options.get("webhook_max_age")
        sendgrid_webhook.verify(
            request.body,
            request.headers,
            key,
            max_age=sendgrid_webhook.MAX_AGE if age is None else int(age),
            now=timezone.now().timestamp(),
        )
        return sendgrid_webhook.events(json_of(request))

    def _examine(self, message: OutgoingMessage) -> None:
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        if not (message.html or message.text):
            raise Rejected("The message has no content.")

    def _calls(self, group: Group) -> Iterator[Call | Result]:
        """One call for all of these messages, as far as SendGrid can carry that."""
        together, body, alone = group.parted()
        if together:
            request = self._head.with_body(body)
            yield self.call(request, lambda outcome: self._settled(together, outcome))
        for message in alone:
            yield self.single(message)

    def _settled(
        self, messages: list[OutgoingMessage], outcome: Answer | SendError
    ) -> Iterator[Result | Call]:
        """What the answer to a call with several messages means for each."""
        if isinstance(outcome, Answer) and outcome.status in (FORMAT, TOO_LARGE):
            yield from self._again(messages, outcome)
            return
        for number, message in enumerate(messages, start=1):
            yield judged(message, partial(_result, message, part=f"/{number}"), outcome)

    def _again(self, messages: list[OutgoingMessage], answer: Answer) -> Iterator[Result | Call]:
        """Nothing was sent: those that are to blame fail, the others go again."""
        blamed = named(answer, len(messages))
        group = Group(self.config, len(messages))
        for number, message in enumerate(messages):
            if number in blamed:
                yield Result.from_error(message, refusal(answer, blamed[number]))
            elif blamed:
                group.add(message)
            else:
                yield self.single(message)
        yield from self._calls(group)

    @cached_property
    def _head(self) -> RequestHead:
        headers = {**self._key, "Content-Type": "application/json"}
        return RequestHead(peer_of(self.url), "POST", self._root + "/v3/mail/send", headers)

    @property
    def _root(self) -> str:
        return self.url.removesuffix("/mail/send").removesuffix("/v3")

    @property
    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.config.app_key.strip()}"}


def _result(message: OutgoingMessage, answer: Answer, part: str = "") -> Result:
    """Raises SendError. `part` keeps the ids of the messages of one call apart."""
    if answer.status == 202:
        found = answer.headers.get("x-message-id", "")
        return Result(
            message.key,
            Outcome.ACCEPTED,
            code="202",
            text="Accepted by SendGrid.",
            external_id=found and found + part,
        )
    if answer.status == 200:
        raise Rejected("Valid, but not queued: SendGrid's sandbox mode is on.", code="200")
    if answer.status < 300:
        raise OutcomeUnknown(f"SendGrid answered {answer.status}.")
    raise refusal(answer, words(answer))
