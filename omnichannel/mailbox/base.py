"""What a mailbox is, whatever protocol it is read by."""

from __future__ import annotations

import contextlib
import imaplib
import ipaddress
import poplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from omnichannel.backends.deadline import ALLOWANCE, Clock, DeadlineSocket, dial
from omnichannel.backends.smtp_statuses import words
from omnichannel.exceptions import OmnichannelError
from omnichannel.returned.mail import LARGEST

TOO_LARGE = 5_000_000  # bytes: such a mail is left where it is
PROTOCOL_ERRORS = (imaplib.IMAP4.error, poplib.error_proto)


class MailboxTrouble(OmnichannelError):
    """The mailbox cannot be read now: the text says what the operator can do."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where a mailbox is and what is done in it. The words are those of `choices`."""

    protocol: str
    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    ca_certificate: str = ""
    folder: str = "INBOX"
    after_reading: str = "seen"
    move_to: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail by the server's own name for it. `raw`: its beginning; None when it is too large."""

    uid: str
    size: int
    raw: bytes | None


class Mailbox:
    """A signed-in connection, for one batch. Every method raises MailboxTrouble."""

    whole: ClassVar[int] = LARGEST  # bytes of a mail that may have to be read

    def __init__(self, access: Access) -> None:
        self.access = access
        self.clock = Clock()
        self.cipher = ""
        self.plain: socket.socket  # as it was dialled

    def open(self, seconds: float, most: int) -> None:
        """Connect and sign in; from now on there are so many seconds for `most` mails."""
        self.clock.start(seconds, ALLOWANCE + most * max(LARGEST, self.whole))
        with self.trouble("signing in"):
            self._open()

    def mails(self, progress: Mapping[str, Any], most: int) -> Iterator[Mail]:
        """Mails that `progress` does not cover, oldest first, each read when it is asked for."""
        raise NotImplementedError

    def settle(self, done: Sequence[str]) -> None:
        """Do with these mails what is to be done with read ones. Final when it returns."""
        raise NotImplementedError

    def progress(self) -> dict[str, Any]:
        """What covers all mails that were given out."""
        raise NotImplementedError

    def check(self) -> str:
        """Look without changing anything; say what was found."""
        raise NotImplementedError

    def close(self) -> None:
        """Drop the connection."""

    def _open(self) -> None:
        raise NotImplementedError

    def _dial(self) -> socket.socket:
        """A connection that ends with the clock, encrypted when that is from the first byte."""
        self.plain = dial(self.access.host, self.access.port, self.clock)
        is_safe = self.access.security == "tls"
        return self._watched(self._encrypted(self.plain) if is_safe else self.plain)

    def _encrypted(self, sock: socket.socket) -> ssl.SSLSocket:
        context = ssl.create_default_context(cadata=self.access.ca_certificate or None)
        sock.settimeout(self.clock.remaining())
        wrapped = context.wrap_socket(sock, server_hostname=self.access.host)
        self.cipher = wrapped.version() or ""
        return wrapped

    def _watched(self, sock: socket.socket) -> socket.socket:
        return cast(socket.socket, DeadlineSocket(sock, self.clock))

    def _refuse_open_password(self, sock: socket.socket) -> None:
        peer = sock.getpeername()[0].partition("%")[0]
        if not self.cipher and not ipaddress.ip_address(peer).is_loopback:
            raise MailboxTrouble(
                "The password would be readable on the way: choose SSL/TLS or STARTTLS."
            )

    @contextlib.contextmanager
    def trouble(self, stage: str) -> Iterator[None]:
        """Errors of the network and of the protocols, in words for the operator."""
        where = f"{self.access.host}:{self.access.port}"
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailboxTrouble(
                f"The certificate of {where} is not valid: {error.verify_message}."
            ) from error
        except ssl.SSLError as error:
            raise MailboxTrouble(
                f"No safe connection to {where}: check port and encryption ({error.reason})."
            ) from error
        except socket.gaierror as error:
            raise MailboxTrouble(f"{where} is not known: check the host.") from error
        except TimeoutError as error:
            raise MailboxTrouble(f"{where} did not answer in time ({stage}).") from error
        except (imaplib.IMAP4.abort, EOFError, OSError, UnicodeError) as error:
            raise MailboxTrouble(
                f"The connection to {where} failed ({stage}): {words(str(error))}"
            ) from error
        except PROTOCOL_ERRORS as error:
            raise MailboxTrouble(f"{where} refused it ({stage}): {_said(error)}") from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # The libraries take answers apart without looking.
            raise MailboxTrouble(f"{where} gave a strange answer ({stage}).") from error


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return words(said if isinstance(said, bytes) else str(said))
