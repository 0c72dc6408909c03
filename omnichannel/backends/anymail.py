"""The bridge to django-anymail: a provider is a subclass that names anymail's backend.

Anymail takes what it is not given from Django's settings. Here everything is given, so that two
providers of one kind never share anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailRecipientsRefused,
)
from anymail.message import AnymailMessage
from django.utils.module_loading import import_string

from omnichannel.backends.base import Backend, OutgoingMessage, ProviderConfig, Result, Status
from omnichannel.backends.envelope import (
    refuse_bad_addresses,
    refuse_unsafe,
    sender_of,
    wire_address,
)
from omnichannel.backends.http import (
    DeadlineSession,
    base_url,
    errors_of_the_wire,
    refusal,
    wire_error,
)
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, Rejected, SendError

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


class AnymailBackend(Backend):
    """Raises what `http.refusal` and `http.wire_error` make of an answer."""

    esp: ClassVar[str]  # dotted path of anymail's EmailBackend
    api_url: ClassVar[str] = ""  # used when the provider has no Service URL
    tracks = True  # opens and clicks can be switched for each message
    takes_metadata = True  # our key comes back with every event
    statuses = HTTP_STATUSES
    uses = {"service_url": "Service URL", "app_key": "API key"}
    required: ClassVar[tuple[str, ...]] = ("app_key",)

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self.session = DeadlineSession()
        self._sender: Any = None

    def settings(self) -> Mapping[str, Any]:
        """What anymail's backend wants to be told, by its own names."""
        return {"api_key": self.config.app_key.strip()}

    def judge(self, answer: requests.Response) -> SendError | None:
        """For a vendor that says by its words what others say by the status."""
        return None

    def option(self, name: str) -> str | None:
        return str(self.config.options.get(name) or "") or None

    def send(self, message: OutgoingMessage) -> Result:
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        mail = self._mail(message)
        self.session.clock.start(self.config.deadline)
        with errors_of_the_wire(self.session.clock):
            self._hand_over(mail)
        return self._result(message, mail)

    def check(self) -> str:
        url = base_url(self.config.service_url, self.api_url)
        self.session.clock.start(self.config.deadline)
        with errors_of_the_wire(self.session.clock):
            answer = self.session.get(url + "/")
        return (
            f"{urlsplit(url).hostname} is there (HTTP {answer.status_code}). Whether the "
            "credentials are right only a test message can tell."
        )

    def close(self) -> None:
        self.session.close()

    def _hand_over(self, mail: AnymailMessage) -> None:
        try:
            self._connected().send_messages([mail])
        except AnymailAPIError as error:
            raise self._api_error(error) from error
        except AnymailRecipientsRefused as error:
            raise Rejected(_text(mail.anymail_status.esp_response), code="rejected") from error
        except AnymailError as error:
            raise Rejected(str(error)[:500]) from error
        except UnicodeError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # Anymail's parsers trust the shape of an answer.
            if not self.session.clock.sent:
                raise Rejected(f"This cannot be sent so: {error}") from error
            raise OutcomeUnknown(f"The answer was not understood: {error!r}") from error

    def _connected(self) -> Any:
        if self._sender is None:
            self._sender = import_string(self.esp)(
                api_url=base_url(self.config.service_url, self.api_url),
                timeout=self.config.deadline,
                ignore_unsupported_features=False,
                ignore_recipient_status=False,
                debug_api_requests=False,
                idna_encoder="idna2008",
                **self.settings(),
            )
            self._sender.send_defaults = {}
            self._sender.session = self.session
        return self._sender

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

    def _result(self, message: OutgoingMessage, mail: AnymailMessage) -> Result:
        """The outcome is that of To; copies that were refused are noted."""
        states = {key.lower(): state for key, state in mail.anymail_status.recipients.items()}
        answer = mail.anymail_status.esp_response
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

    def _api_error(self, error: AnymailAPIError) -> SendError:
        answer = error.response
        if answer is None:
            cause = error.__cause__
            if isinstance(cause, requests.RequestException):
                return wire_error(cause, self.session.clock)
            return OutcomeUnknown(str(error)[:500])
        judged = self.judge(answer)
        if judged is not None:
            return judged
        if 200 <= answer.status_code < 300:
            return OutcomeUnknown(f"The answer was not understood: {_text(answer)}")
        return refusal(answer.status_code, answer.headers, _text(answer))


def _text(answer: requests.Response | None) -> str:
    if answer is None:
        return "No answer."
    return " ".join(answer.text.split())[:500] or str(answer.reason)


def _ascii(address: str) -> str:
    """As providers repeat it in their answers."""
    return wire_address(address)[0]


def _is_refused(state: Any) -> bool:
    return state is not None and state.status in ("invalid", "rejected", "failed")
