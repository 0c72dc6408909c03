"""E-mail through any SMTP server: a relay, a mailbox provider, a local sink."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time

from django import forms
from django.utils import timezone

from omnichannel.backends import mime
from omnichannel.backends.base import Backend, OutgoingMessage, ProviderConfig, Result
from omnichannel.backends.envelope import (
    refuse_bad_addresses,
    refuse_unsafe,
    sender_of,
    wire_address,
)
from omnichannel.backends.smtp_session import SmtpSession
from omnichannel.backends.smtp_statuses import ACCEPTED, STATUSES, UNAUTHORISED, refusal, words
from omnichannel.choices import Outcome
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    Rejected,
    SendError,
    TemporaryError,
)

PORTS = {"none": 25, "starttls": 587, "ssl": 465}
HOST = r"^([\w.\-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*)$"  # a name, IPv4 or IPv6
MESSAGES_PER_CONNECTION = 500
IDLE_SECONDS = 30


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
    hello_name = forms.RegexField(
        r"^[A-Za-z0-9.\-:\[\]]+$",
        label="EHLO name",
        max_length=253,
        required=False,
        help_text="How this machine introduces itself. Empty: its own name.",
    )

    def clean_ca_certificate(self) -> str:
        text = str(self.cleaned_data["ca_certificate"])
        try:
            _context(text)
        except (ssl.SSLError, ValueError) as error:
            raise forms.ValidationError("This is not a PEM certificate.") from error
        return text


class Smtp(Backend):
    slug = "smtp"
    label = "SMTP server"
    uses = {"app_user": "User name", "app_password": "Password"}
    config_form = SmtpForm
    statuses = STATUSES
    documentation = "https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3"

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self._session: SmtpSession | None = None
        self._context: ssl.SSLContext | None = None

    def send(self, message: OutgoingMessage) -> Result:
        """One transaction per To, Cc and Bcc; the outcome is that of To."""
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        data = mime.build(message, self.config, timezone.now())
        data = data.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        ends = time.monotonic() + self.config.deadline
        code, text = self._hand_over(message, message.to, data, ends)
        return Result(
            message.key,
            Outcome.ACCEPTED,
            code=str(code),
            text=text + self._copies(message, data, ends),
            external_id=mime.message_id(message, self.config),
        )

    def check(self) -> str:
        """Connect, encrypt, sign in and say NOOP on a connection of its own."""
        self.close()
        try:
            session = self._open(time.monotonic() + self.config.deadline)
            code, text = session.noop()
        except OSError as error:
            raise ProviderUnavailable(f"The connection was lost: {error}", code="lost") from error
        finally:
            self.close()
        how = f"Encrypted with {session.cipher}." if session.cipher else "Not encrypted."
        user = f" Signed in as {self.config.app_user}." if self.config.app_user else ""
        return f"{session.banner} {how}{user} NOOP was answered {code} {words(text)}."

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.hang_up()

    def _copies(self, message: OutgoingMessage, data: bytes, ends: float) -> str:
        """What happened to Cc and Bcc, when not all is well. Never fails the message."""
        notes = ""
        for address in dict.fromkeys((*message.cc, *message.bcc)):
            try:
                self._hand_over(message, address, data, ends)
            except SendError as error:
                notes += f" The copy to {address} was not taken: {error}"
        return notes

    def _hand_over(
        self, message: OutgoingMessage, recipient: str, data: bytes, ends: float
    ) -> tuple[int, str]:
        sender, sender_utf8 = wire_address(sender_of(message, self.config)[0])
        address, utf8 = wire_address(recipient)
        utf8 = utf8 or sender_utf8 or not data.isascii()
        while True:
            session, is_kept = self._connection(ends)
            if utf8 and not session.has_extn("smtputf8"):
                raise Rejected(
                    "The server does not take addresses with such letters (SMTPUTF8).",
                    code="smtputf8",
                )
            try:
                code, text = session.transaction(sender, address, data, utf8=utf8)
            except OSError as error:
                if is_kept and session.stage == "mail" and _is_gone(session, error):
                    self.close()  # it ended while idle: nothing was handed over
                    continue
                raise self._judge(session, error) from error
            if code not in ACCEPTED:
                raise self._judge(session, smtplib.SMTPResponseException(code, text))
            return code, words(text)

    def _judge(self, session: SmtpSession, error: OSError) -> SendError:
        """What an error at the session's stage means; the connection is left fit for the next."""
        answered = isinstance(error, smtplib.SMTPResponseException) and session.sock is not None
        if not answered or not self._reset(session, error):
            session.close()
            self._session = None
        if answered and isinstance(error, smtplib.SMTPResponseException):
            return refusal(error.smtp_code, words(error.smtp_error), stage=session.stage)
        if session.stage == "answer":
            return OutcomeUnknown(f"Handed over, but no answer came: {error}", code="no-answer")
        return TemporaryError(f"The connection was lost ({session.stage}): {error}", code="lost")

    def _reset(self, session: SmtpSession, error: OSError) -> bool:
        if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code == 421:
            return False
        try:
            return session.rset()[0] == 250
        except OSError:
            return False

    def _connection(self, ends: float) -> tuple[SmtpSession, bool]:
        """(session, whether it was kept from an earlier message)"""
        session = self._session
        if session is not None:
            idle = time.monotonic() - session.last_used
            if session.messages < MESSAGES_PER_CONNECTION and idle < IDLE_SECONDS:
                session.clock.start(ends - time.monotonic())
                return session, True
            self.close()
        return self._open(ends), False

    def _open(self, ends: float) -> SmtpSession:
        """Raises ProviderUnavailable or ProviderRefused: nothing was handed over."""
        options = self.config.options
        security = str(options.get("security") or "starttls")
        host = str(options.get("host") or "")
        if not host or security not in PORTS:
            raise ProviderRefused("Host or security is not set on the provider.", code="config")
        port = int(options.get("port") or PORTS[security])
        session = SmtpSession(str(options.get("hello_name") or ""))
        session.clock.start(ends - time.monotonic())
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
        self._session = session
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


def _is_gone(session: SmtpSession, error: OSError) -> bool:
    """The server ended the conversation, as opposed to refusing or being slow."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code == 421
    return session.clock.ends > time.monotonic()


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
