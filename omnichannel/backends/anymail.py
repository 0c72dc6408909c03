"""The bridge to django-anymail: a provider is a subclass that names anymail's backend.

Anymail takes what it is not given from Django's settings. Here everything is given, so that two
providers of one kind never share anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from anymail.message import AnymailMessage, AnymailStatus
from django.utils.module_loading import import_string

from omnichannel.backends.base import OutgoingMessage, Result, Status
from omnichannel.backends.envelope import (
    refuse_bad_addresses,
    refuse_unsafe,
    sender_of,
    wire_address,
)
from omnichannel.backends.http import HttpBackend, Judge, refusal
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_request import RequestHead, basic
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderRefused, Rejected, SendError

HTTP_STATUSES = (
    Status("queued", "QUEUED", Outcome.ACCEPTED, "The provider took the message."),
    Status("sent", "SENT", Outcome.ACCEPTED, "The provider took the message."),
    Status("invalid", "INVALID", Outcome.REJECTED, "The address is not valid."),
    Status("rejected", "REJECTED", Outcome.REJECTED, "The provider refuses this recipient."),
    Status("failed", "FAILED", Outcome.REJECTED, "The provider could not take the message."),
    Status("400", "BAD REQUEST", Outcome.REJECTED, "Something in the message is not allowed."),
    Status("401", "UNAUTHORIZED", Outcome.AUTH, "The key is wrong."),
    Status("402", "PAYMENT REQUIRED", Outcome.REJECTED, "The account has no credit."),
    Status("403", "FORBIDDEN", Outcome.AUTH, "The key may not do this, or the sender is unknown."),
    Status("404", "NOT FOUND", Outcome.AUTH, "The Service URL or the sender domain is wrong."),
    Status("413", "PAYLOAD TOO LARGE", Outcome.REJECTED, "The message is too big."),
    Status("422", "UNPROCESSABLE", Outcome.REJECTED, "Something in the message is not allowed."),
    Status("429", "TOO MANY REQUESTS", Outcome.THROTTLED, "The provider asks to slow down."),
    Status("500", "SERVER ERROR", Outcome.TEMPORARY, "An error at the provider."),
    Status("502", "BAD GATEWAY", Outcome.TEMPORARY, "An error at the provider."),
    Status("503", "SERVICE UNAVAILABLE", Outcome.TEMPORARY, "The provider is not available."),
)


@dataclass(frozen=True, slots=True)
class Order:
    """A message as its provider's API takes it, and what reads the answer."""

    message: OutgoingMessage
    head: RequestHead
    headers: Mapping[str, str]
    body: bytes
    judge: Judge


class AnymailBackend(HttpBackend):
    """Anymail writes the request and reads the answer; the connections are ours.

    Raises what `http.refusal` makes of an answer.
    """

    esp: ClassVar[str]  # dotted path of anymail's EmailBackend
    tracks = True  # opens and clicks can be switched for each message
    takes_metadata = True  # our key comes back with every event
    statuses: ClassVar[tuple[Status, ...]] = HTTP_STATUSES
    uses = {"service_url": "Service URL", "app_key": "API key"}
    required: ClassVar[tuple[str, ...]] = ("app_key",)

    def settings(self) -> Mapping[str, Any]:
        """What anymail's backend wants to be told, by its own names."""
        return {"api_key": self.config.app_key.strip()}

    def judge(self, answer: Answer) -> SendError | None:
        """For a vendor that says by its words what others say by the status."""
        return None

    def option(self, name: str) -> str | None:
        return str(self.config.options.get(name) or "") or None

    def pack(self, message: OutgoingMessage) -> tuple[bytes, Judge]:
        order = self.order(message)
        return order.head.with_body(order.body), order.judge

    def order(self, message: OutgoingMessage) -> Order:
        """Raises SendError when the message cannot be sent so."""
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        mail = self._mail(message)
        try:
            payload = self._sender.build_message_payload(mail, {})
            wanted = payload.get_request_params(self._sender.api_url)
        except AnymailError as error:
            raise Rejected(str(error)[:500]) from error
        except UnicodeError as error:
            raise ProviderRefused("The key has an impossible letter.") from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Rejected(f"This cannot be sent so: {error}") from error
        head, headers, body = self._request(wanted)
        judge = partial(self._read, message, mail, payload)
        return Order(message, head, headers, body, judge)

    def check(self) -> str:
        head = RequestHead(self.fleet.peer, "GET", self.url + "/", {})
        answer = self.fleet.ask(head.with_body())
        return (
            f"{urlsplit(self.url).hostname} is there (HTTP {answer.status}). Whether the "
            "credentials are right only a test message can tell."
        )

    @cached_property
    def _sender(self) -> Any:
        sender = import_string(self.esp)(
            api_url=self.url,
            timeout=self.config.deadline,
            ignore_unsupported_features=False,
            ignore_recipient_status=False,
            debug_api_requests=False,
            idna_encoder="idna2008",
            **self.settings(),
        )
        sender.send_defaults = {}
        return sender

    def _request(self, wanted: dict[str, Any]) -> tuple[RequestHead, Mapping[str, str], bytes]:
        """What anymail would give to requests. Raises ProviderRefused."""
        url, headers, body = wanted["url"], wanted["headers"] or {}, wanted["data"]
        if wanted["files"] or wanted["params"] or not isinstance(body, str | bytes):
            try:
                ready = requests.Request(**wanted).prepare()
            except (requests.RequestException, UnicodeError) as error:
                text = f"The Service URL or the key cannot be used: {error}"
                raise ProviderRefused(text) from error
            url, headers, body = ready.url or "", dict(ready.headers), ready.body or b""
            headers.pop("Content-Length", None)
        elif wanted["auth"]:
            headers = {**headers, "Authorization": basic(*wanted["auth"])}
        if urlsplit(url)[:2] != urlsplit(self.url)[:2]:
            raise ProviderRefused(f"{urlsplit(url).netloc} is not the host of the Service URL.")
        data = body.encode("utf-8", "replace") if isinstance(body, str) else body
        return RequestHead(self.fleet.peer, wanted["method"], url, headers), headers, data

    def _read(
        self, message: OutgoingMessage, mail: AnymailMessage, payload: Any, answer: Answer
    ) -> Result:
        response = _response(answer)
        status = AnymailStatus()
        try:
            self._sender.raise_for_status(response, payload, mail)
            status.set_recipient_status(
                self._sender.parse_recipient_status(response, payload, mail)
            )
            self._sender.raise_for_recipient_status(status, response, payload, mail)
        except AnymailAPIError as error:
            raise self._api_error(answer) from error
        except AnymailRecipientsRefused as error:
            raise Rejected(_text(answer), code="rejected") from error
        except (AnymailError, LookupError, TypeError, ValueError, AttributeError) as error:
            # Anymail's parsers trust the shape of an answer.
            raise OutcomeUnknown(f"The answer was not understood: {error!r}") from error
        return _result(message, status, answer)

    def _mail(self, message: OutgoingMessage) -> AnymailMessage:
        address, name = sender_of(message, self.config)
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        mail = AnymailMessage(
            subject=message.subject,
            body=message.text or message.html,
            from_email=f'"{escaped}" <{address}>' if name else address,
            to=[_ascii(message.to)],
            cc=[_ascii(copy) for copy in message.cc],
            bcc=[_ascii(copy) for copy in message.bcc],
            reply_to=[message.reply_to] if message.reply_to else [],
            headers=dict(message.headers),
        )
        if message.text and message.html:
            mail.attach_alternative(message.html, "text/html")
        elif message.html:
            mail.content_subtype = "html"
        for item in message.attachments:
            mail.attach(item.name, item.content, item.content_type)
        if self.takes_metadata:
            mail.metadata = {"key": message.key}
        if self.tracks:
            mail.track_opens = self.config.track_opens
            mail.track_clicks = self.config.track_clicks
        return mail

    def _api_error(self, answer: Answer) -> SendError:
        judged = self.judge(answer)
        if judged is not None:
            return judged
        if 200 <= answer.status < 300:
            return OutcomeUnknown(f"The answer was not understood: {_text(answer)}")
        return refusal(answer, _text(answer))


def _result(message: OutgoingMessage, status: AnymailStatus, answer: Answer) -> Result:
    """The outcome is that of To; copies that were refused are noted."""
    states = {key.lower(): state for key, state in status.recipients.items()}
    state = states.get(_ascii(message.to).lower())
    word = state.status if state is not None else "unknown"
    if state is None or word == "unknown":
        raise OutcomeUnknown(f"The provider did not say what it did: {_text(answer)}")
    if word not in ("sent", "queued"):
        raise Rejected(_text(answer), code=word)
    refused = [
        f" The copy to {copy} was not taken."
        for copy in (*message.cc, *message.bcc)
        if _is_refused(states.get(_ascii(copy).lower()))
    ]
    return Result(
        message.key,
        Outcome.ACCEPTED,
        code=word,
        text=f"Accepted ({word})." + "".join(refused),
        external_id=str(state.message_id or ""),
    )


def _response(answer: Answer) -> requests.Response:
    """The answer as anymail's parsers expect it."""
    response = requests.Response()
    response.status_code = answer.status
    response.reason = answer.reason
    response.headers.update(answer.headers)
    response._content = answer.body
    return response


def _text(answer: Answer) -> str:
    return " ".join(answer.text.split())[:500] or answer.reason


def _ascii(address: str) -> str:
    """As providers repeat it in their answers."""
    return wire_address(address)[0]


def _is_refused(state: Any) -> bool:
    return state is not None and state.status in ("invalid", "rejected", "failed")
