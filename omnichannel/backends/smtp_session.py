"""An SMTP conversation on top of smtplib, up to its first message: one end for everything."""

from __future__ import annotations

import base64
import ipaddress
import smtplib
import socket
import ssl
from typing import cast

from omnichannel.backends.deadline import Clock, DeadlineSocket, dial


class SmtpSession(smtplib.SMTP):
    """Raises OSError (smtplib's own errors are OSErrors) from every method."""

    def __init__(self, hello_name: str = "") -> None:
        # Without a name smtplib asks the resolver for ours, which can take half a minute.
        super().__init__(local_hostname=hello_name or _own_name())
        self.clock = Clock()
        self.banner = ""
        self.cipher = ""

    def open(
        self, host: str, port: int, context: ssl.SSLContext | None, *, is_implicit: bool = False
    ) -> None:
        """Connect, read the greeting, say EHLO, encrypt unless there is no `context`.

        `is_implicit`: encrypted from the first byte, instead of by STARTTLS.
        """
        self.host = host
        self._use(dial(host, port, self.clock))
        if context is not None and is_implicit:
            self._encrypt(context)
        code, text = self.getreply()
        self.banner = f"{code} {text.decode('utf-8', 'replace')}"
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        self.ehlo_or_helo_if_needed()
        if context is not None and not is_implicit:
            self._upgrade(context)

    def is_private(self) -> bool:
        """Nobody else reads this connection: it is encrypted, or does not leave the machine."""
        peer = self.wire.getpeername()[0]
        return bool(self.cipher) or ipaddress.ip_address(peer.partition("%")[0]).is_loopback

    def sign_in(self, user: str, password: str) -> None:
        """Raises SMTPAuthenticationError, or SMTPNotSupportedError when there is no way to."""
        if "PLAIN" not in self.esmtp_features.get("auth", "").upper().split():
            self.login(user, password)
            return
        # smtplib's own PLAIN fails on a password beyond ASCII (RFC 4616 says UTF-8).
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        code, text = self.docmd("AUTH", f"PLAIN {token}")
        if code not in (235, 503):
            raise smtplib.SMTPAuthenticationError(code, text)

    def hang_up(self) -> None:
        """Say QUIT if that costs nothing; drop the connection either way."""
        try:
            if self.sock is not None:
                self.clock.start(0.5)
                self.putcmd("quit")
        except OSError:
            pass
        self.close()

    def _upgrade(self, context: ssl.SSLContext) -> None:
        if not self.has_extn("starttls"):
            raise ssl.SSLError("the server does not offer STARTTLS")
        _expect(self.docmd("STARTTLS"), 220)
        self._encrypt(context)
        # What was said in the clear is not to be trusted (RFC 3207 section 4.2).
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.ehlo_or_helo_if_needed()

    def _encrypt(self, context: ssl.SSLContext) -> None:
        plain = self.wire.sock
        plain.settimeout(self.clock.remaining())
        sock = context.wrap_socket(plain, server_hostname=self.host)
        self.cipher = sock.version() or ""
        self._use(sock)
        self.file = None

    def _use(self, sock: socket.socket) -> None:
        self.wire = DeadlineSocket(sock, self.clock)
        self.sock = cast(socket.socket, self.wire)


def _expect(reply: tuple[int, bytes], *codes: int) -> None:
    if reply[0] not in codes:
        raise smtplib.SMTPResponseException(*reply)


def _own_name() -> str:
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"
