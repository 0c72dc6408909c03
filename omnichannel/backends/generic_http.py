"""A provider that is data: any HTTP service for e-mail or SMS, from the contract you hold."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from django.http import HttpRequest

from omnichannel.backends import generic_answer, generic_report, generic_template
from omnichannel.backends.base import OutgoingMessage, Result, Status, TrackingEvent
from omnichannel.backends.envelope import (
    HEADER_NAME,
    refuse_bad_addresses,
    refuse_unsafe,
    sender_of,
)
from omnichannel.backends.generic_http_form import (
    BASIC,
    BEARER,
    EXAMPLE,
    FORM,
    GET,
    KEY_HEADER,
    POST,
    PUT,
    GenericHttpForm,
)
from omnichannel.backends.generic_presets import with_preset
from omnichannel.backends.http import HttpBackend, Judge
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_request import RequestHead, basic
from omnichannel.backends.sendgrid_payload import as_json
from omnichannel.backends.sms_envelope import number_as, refuse_bad_sms, registered
from omnichannel.backends.vendor_values import text_of
from omnichannel.choices import ChannelType, Outcome
from omnichannel.exceptions import ProviderRefused, Rejected

TYPES = {FORM: "application/x-www-form-urlencoded"}


class GenericHttp(HttpBackend):
    slug = "generic-http"
    label = "Generic HTTP"
    channel_types: ClassVar[tuple[str, ...]] = (ChannelType.EMAIL, ChannelType.SMS)
    uses = {
        "service_url": "Service URL: where messages are sent to, whole",
        "app_user": "{user}, and the user of Basic authentication",
        "app_password": "{password}, and the password of Basic authentication",
        "app_key": "{api_key}, and the key of Bearer or header authentication",
    }
    required = ("service_url",)
    config_form = GenericHttpForm
    secret_fields = ("report_secret",)
    note = "For any service with an HTTP interface. Copies and attachments are not sent."
    statuses = (
        Status("accepted", "OK", Outcome.ACCEPTED, "The provider took the message."),
        Status(generic_answer.FAILED, "ERROR", "", "The answer says that it was not taken."),
        Status("400", "BAD REQUEST", Outcome.REJECTED, "Something in the message is not allowed."),
        Status("401", "UNAUTHORIZED", Outcome.AUTH, "The credentials are wrong."),
        Status("403", "FORBIDDEN", Outcome.AUTH, "The credentials may not do this."),
        Status("404", "NOT FOUND", Outcome.AUTH, "The Service URL is wrong."),
        Status("405", "METHOD NOT ALLOWED", Outcome.AUTH, "The method is wrong."),
        Status("429", "TOO MANY REQUESTS", Outcome.THROTTLED, "The provider asks to slow down."),
        Status("500", "SERVER ERROR", Outcome.TEMPORARY, "An error at the provider."),
        Status("503", "SERVICE UNAVAILABLE", Outcome.TEMPORARY, "The provider is not available."),
    )
    receives = True
    webhook_methods = ("GET", "POST")

    def pack(self, message: OutgoingMessage) -> tuple[bytes, Judge]:
        if self._is_sms:
            refuse_bad_sms(message, self.config)
        else:
            _refuse_mail_extras(message)
            refuse_unsafe(message, self.config)
            refuse_bad_addresses(message, self.config)
        self._refuse_unsaid(message)
        values = self._values(message)
        url, body = self._written(values)
        head = RequestHead(self.fleet.peer, self._method, url, self._headers(values))
        request = head.with_body(body)
        return request, partial(_result, message, self._rules)

    def check(self) -> str:
        # Even a GET could be taken for a message here.
        answer = self.fleet.ask(RequestHead(self.fleet.peer, "OPTIONS", self.url, {}).with_body())
        return (
            f"{urlsplit(self.url).hostname} is there (HTTP {answer.status}). Whether the settings "
            "are right only a test message can tell."
        )

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        return generic_report.events_of(request, self.options)

    @property
    def url(self) -> str:
        """As it was written: a slash at its end may matter. Raises ProviderRefused."""
        url = self.config.service_url.strip()
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise ProviderRefused(f"The Service URL cannot be used: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ProviderRefused("The Service URL must begin with https:// and a host.")
        if "@" in parts.netloc:
            raise ProviderRefused(
                "Take user and password out of the Service URL: they have fields."
            )
        return url.partition("#")[0]

    @cached_property
    def options(self) -> dict[str, Any]:
        return with_preset(self.config.options)

    @property
    def _is_sms(self) -> bool:
        return self.config.channel_type == ChannelType.SMS

    @property
    def _method(self) -> str:
        method = self.options.get("method", POST)
        return str(method) if method in (GET, PUT) else POST

    @property
    def _is_form(self) -> bool:
        return self._method == GET or self.options.get("body_kind") == FORM

    @cached_property
    def _body(self) -> Any:
        """The template, parsed. Raises ProviderRefused: raw settings may hold anything."""
        try:
            text = str(self.options.get("body", EXAMPLE))
            return generic_template.parse_body(text, is_flat=self._is_form)
        except ValueError as error:
            raise ProviderRefused(f"The body template cannot be used: {error}") from error

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(generic_template.places_in(self._body))

    @cached_property
    def _header_template(self) -> dict[str, str]:
        try:
            return generic_template.parse_headers(str(self.options.get("headers", "")))
        except ValueError as error:
            raise ProviderRefused(f"The headers cannot be used: {error}") from error

    @cached_property
    def _rules(self) -> generic_answer.Rules:
        try:
            return generic_answer.Rules.of(self.options)
        except ValueError as error:
            raise ProviderRefused(f"The settings of the answer cannot be used: {error}") from error

    def _written(self, values: Mapping[str, str]) -> tuple[str, bytes]:
        """(address, body) of one request."""
        filled = generic_template.filled(self._body, values)
        if not self._is_form:
            return self.url, as_json(filled)
        fields = generic_template.as_fields(filled)
        encoded = urlencode(fields, quote_via=quote, errors="replace")
        if self._method != GET:
            return self.url, encoded.encode()
        return f"{self.url}{'&' if '?' in self.url else '?'}{encoded}", b""

    def _headers(self, values: Mapping[str, str]) -> dict[str, str]:
        headers = generic_template.filled(self._header_template, values)
        if self._method != GET and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = TYPES[FORM] if self._is_form else "application/json"
        kind, key = self.options.get("authentication"), self.config.app_key.strip()
        if kind == BASIC:
            headers["Authorization"] = basic(self.config.app_user, self.config.app_password)
        elif kind == BEARER:
            headers["Authorization"] = f"Bearer {key}"
        elif kind == KEY_HEADER:
            name = str(self.options.get("key_header", ""))
            if not HEADER_NAME.fullmatch(name):
                raise ProviderRefused("The header of the key has an impossible name.")
            headers[name] = key
        return headers

    def _refuse_unsaid(self, message: OutgoingMessage) -> None:
        """Nothing goes out that would arrive empty, or from nobody. Raises Rejected."""
        carried = self._places & generic_template.CONTENT
        if carried and not any(getattr(message, name) for name in carried):
            listed = " or ".join(f"{{{name}}}" for name in sorted(carried))
            text = f"The body template carries {listed}, and the message has none."
            raise Rejected(text, code="invalid")
        if "sender" in self._places and not sender_of(message, self.config)[0]:
            text = "No From Address: set it on the provider or the message."
            raise Rejected(text, code="invalid")

    def _values(self, message: OutgoingMessage) -> dict[str, str]:
        address, name = sender_of(message, self.config)
        to = message.to
        if self._is_sms:
            off, on = (text_of(self.options.get(name)) for name in ("prefix_off", "prefix_on"))
            to = number_as(to, off, on)
        return {
            **{f"params.{key}": text_of(value) for key, value in message.params.items()},
            **{f"headers.{key}": value for key, value in message.headers.items()},
            **{f"dlt_{name}": id_ for name, id_ in registered(message, self.options).items()},
            "to": to,
            "text": message.text,
            "subject": message.subject,
            "html": message.html,
            "key": message.key,
            "sender": address,
            "sender_name": name,
            "reply_to": message.reply_to,
            "user": self.config.app_user,
            "password": self.config.app_password,
            "api_key": self.config.app_key.strip(),
        }


def _refuse_mail_extras(message: OutgoingMessage) -> None:
    if message.cc or message.bcc:
        raise Rejected("This provider sends no copies: leave Cc and Bcc empty.", code="invalid")
    if message.attachments:
        raise Rejected("This provider sends no attachments: leave them out.", code="invalid")


def _result(message: OutgoingMessage, rules: generic_answer.Rules, answer: Answer) -> Result:
    """Raises SendError."""
    found = generic_answer.external_id(answer, rules)
    text = f"Accepted (HTTP {answer.status})."
    return Result(message.key, Outcome.ACCEPTED, code="accepted", text=text, external_id=found)
