"""E-mail through any SMTP server: a relay, a mailbox provider, a local sink."""

from __future__ import annotations

import datetime
import smtplib
import socket
import ssl
import time
from collections.abc import Iterable, Iterator

from django import forms

from omnichannel.backends import delivery_codes, mime, return_path
from omnichannel.backends.base import Backend, OutgoingMessage, ProviderConfig, Result
from omnichannel.backends.envelope import (
    ADDRESS,
    refuse_bad_addresses,
    refuse_unsafe,
    sender_of,
    wire_address,
)
from omnichannel.backends.smtp_fleet import Fleet
from omnichannel.backends.smtp_line import Parcel
from omnichannel.backends.smtp_session import SmtpSession
from omnichannel.backends.smtp_statuses import STATUSES, UNAUTHORISED, words
from omnichannel.choices import Outcome
from omnichannel.exceptions import (
    ProviderRefused,
    ProviderUnavailable,
    SendError,
)

PORTS = {"none": 25, "starttls": 587, "ssl": 465}
HOST = r"^([\w.\-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*)$"  # a name, IPv4 or IPv6
MAX_CONNECTIONS = 200


class SmtpForm(forms.Form):
    host = forms.RegexField(
        HOST,
        max_length=253,
        help_text="Such as smtp.example.com",
        error_messages={"invalid": "A host name or an address only: the port has its own field."},
    )
    port = forms.IntegerField(
        min_value=1,
        max_value=65535,
        required=False,
        help_text="Empty: 587 for STARTTLS, 465 for SSL/TLS, 25 without encryption.",
    )
    security = forms.ChoiceField(
        choices=[("starttls", "STARTTLS"), ("ssl", "SSL/TLS"), ("none", "None (not encrypted)")],
        initial="starttls",
        help_text="The server's certificate is always verified.",
    )
    ca_certificate = forms.CharField(
        label="CA certificate",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="PEM. Only for a server whose certificate your own authority signed.",
    )
    connections = forms.IntegerField(
        min_value=1,
        max_value=MAX_CONNECTIONS,
        required=False,
        help_text=f"How many at the same time, for each worker. Empty: 1. At most "
        f"{MAX_CONNECTIONS}. A relay that answers slowly needs many.",
    )
    hello_name = forms.RegexField(
        r"^[A-Za-z0-9.\-:\[\]]+$",
        label="EHLO name",
        max_length=253,
        required=False,
        help_text="How this machine introduces itself. Empty: its own name.",
    )
    bounce_address = forms.RegexField(
        rf"\A{ADDRESS.pattern}\Z",
        max_length=254,
        required=False,
        help_text="Where reports of what did not arrive go, such as bounces@example.com: the "
        "envelope sender. Empty: to the From Address.",
        error_messages={"invalid": "Write one address, such as bounces@example.com."},
    )
    verp = forms.BooleanField(
        label="A bounce address for each message",
        required=False,
        help_text="bounces+…@example.com (VERP): every report then names its message. The mailbox "
        "must take all addresses that begin with bounces+.",
    )

    def clean_ca_certificate(self) -> str:
        text = str(self.cleaned_data["ca_certificate"])
        try:
            _context(text)
        except (ssl.SSLError, ValueError) as error:
            raise forms.ValidationError("This is not a PEM certificate.") from error
        return text

    def clean_bounce_address(self) -> str:
        address = str(self.cleaned_data["bounce_address"])
        try:
            return wire_address(address)[0]
        except SendError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_verp(self) -> bool:
        is_on = bool(self.cleaned_data["verp"])
        address = str(self.cleaned_data.get("bounce_address") or "")
        if not is_on or "bounce_address" in self.errors:
            return is_on
        if not address:
            raise forms.ValidationError("Fill in the bounce address, or switch this off.")
        if not address.isascii() or len(address.rpartition("@")[0]) > return_path.LONGEST_BASE:
            raise forms.ValidationError(
                f"The part before @ must be plain letters, at most {return_path.LONGEST_BASE}."
            )
        return is_on


class Smtp(Backend):
    slug = "smtp"
    label = "SMTP server"
    uses = {"app_user": "User name", "app_password": "Password"}
    config_form = SmtpForm
    statuses = (*STATUSES, *delivery_codes.STATUSES)
    is_worth_keeping = True
    reports_by_mail = True
    documentation = "https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3"

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self._context: ssl.SSLContext | None = None
        self._fleet: Fleet | None = None

    def deliver(self, messages: Iterable[OutgoingMessage]) -> Iterator[Result]:
        """All connections at once; with one, the next envelope goes out behind each body."""
        if self._fleet is None:
            size = min(int(self.config.options.get("connections") or 1), MAX_CONNECTIONS)
            self._fleet = Fleet(
                self._new_session, self._pack, self._accepted, size, self.config.deadline
            )
        self._fleet.idle = self.idle
        try:
            yield from self._fleet.deliver(messages)
        finally:
            if self._fleet is not None:
                self._fleet.idle = Backend.idle

    def send(self, message: OutgoingMessage) -> Result:
        return next(iter(self.deliver([message])))

    def check(self) -> str:
        """Connect, encrypt, sign in and say NOOP on a connection of its own."""
        session = self._new_session()
        try:
            code, text = session.noop()
        except OSError as error:
            raise ProviderUnavailable(f"The connection was lost: {error}", code="lost") from error
        finally:
            session.hang_up()
        how = f"Encrypted with {session.cipher}." if session.cipher else "Not encrypted."
        user = f" Signed in as {self.config.app_user}." if self.config.app_user else ""
        return f"{session.banner} {how}{user} NOOP was answered {code} {words(text)}."

    def close(self) -> None:
        fleet, self._fleet = self._fleet, None
        if fleet is not None:
            fleet.close()

    def _pack(self, message: OutgoingMessage) -> Parcel:
        """The message as it goes on the wire. Raises Rejected."""
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        data = mime.build(message, self.config, datetime.datetime.now(datetime.UTC))
        sender, utf8 = wire_address(self._return_path(message))
        utf8 = utf8 or not data.isascii()
        wired = map(wire_address, dict.fromkeys((message.to, *message.cc, *message.bcc)))
        return Parcel(
            message,
            sender,
            [(address, utf8 or own) for address, own in wired],
            data + b".\r\n",
            time.monotonic() + self.config.deadline,
        )

    def _return_path(self, message: OutgoingMessage) -> str:
        bounces = self.config.options.get("bounce_address")
        if not bounces:
            return sender_of(message, self.config)[0]
        has_own = self.config.options.get("verp")
        return return_path.address_for(message.key, bounces) if has_own else str(bounces)

    def _accepted(self, parcel: Parcel) -> Result:
        code, text = parcel.taken or (250, b"")
        return Result(
            parcel.message.key,
            Outcome.ACCEPTED,
            code=str(code),
            text=words(text) + "".join(parcel.notes),
            external_id=mime.message_id(parcel.message, self.config),
        )

    def _new_session(self) -> SmtpSession:
        """Raises ProviderUnavailable or ProviderRefused: nothing was handed over."""
        options = self.config.options
        security = str(options.get("security") or "starttls")
        host = str(options.get("host") or "")
        if not host or security not in PORTS:
            raise ProviderRefused("Host or security is not set on the provider.", code="config")
        port = int(options.get("port") or PORTS[security])
        session = SmtpSession(str(options.get("hello_name") or ""))
        session.clock.start(self.config.deadline)
        try:
            context = None if security == "none" else self._trust()
            session.open(host, port, context, is_implicit=security == "ssl")
            self._sign_in(session)
        except SendError:
            session.close()
            raise
        except (OSError, UnicodeError) as error:
            session.close()
            raise _unreachable(f"{host}:{port}", error) from error
        return session

    def _trust(self) -> ssl.SSLContext:
        """Loading the system's authorities takes 15 ms: once."""
        if self._context is None:
            self._context = _context(str(self.config.options.get("ca_certificate") or ""))
        return self._context

    def _sign_in(self, session: SmtpSession) -> None:
        user, password = self.config.app_user, self.config.app_password
        if not user:
            return
        if not session.is_private():
            raise ProviderRefused(
                "The password would be readable on the way: choose STARTTLS or SSL/TLS.",
                code="tls",
            )
        try:
            session.sign_in(user, password)
        except smtplib.SMTPAuthenticationError as error:
            text = f"Signing in was refused: {error.smtp_code} {words(error.smtp_error)}"
            if error.smtp_code in UNAUTHORISED:
                raise ProviderRefused(text, code=str(error.smtp_code)) from error
            raise ProviderUnavailable(text, code=str(error.smtp_code)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise ProviderRefused(
                "The server takes no password here: clear the user name, or change the port "
                "or the encryption.",
                code="auth",
            ) from error


def _unreachable(where: str, error: OSError | UnicodeError) -> ProviderUnavailable:
    if isinstance(error, ssl.SSLError):
        return ProviderUnavailable(f"No safe connection to {where}: {error}", code="tls")
    if isinstance(error, smtplib.SMTPResponseException):
        text = f"{where} answered {error.smtp_code} {words(error.smtp_error)}"
        return ProviderUnavailable(text, code=str(error.smtp_code))
    if isinstance(error, socket.gaierror):
        return ProviderUnavailable(f"{where} is not known: check the host.", code="connect")
    return ProviderUnavailable(f"No connection to {where}: {error}", code="connect")


def _context(ca_certificate: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca_certificate or None)
