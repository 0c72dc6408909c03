"""A mailbox by POP3 (RFC 1939), on top of poplib.

POP3 has no marks: what was given out and is still there is remembered by the server's unique ids.
"""

from __future__ import annotations

import contextlib
import hashlib
import poplib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from omnichannel.backends.smtp_statuses import words
from omnichannel.mailbox.base import TOO_LARGE, Mail, Mailbox, MailboxTrouble
from omnichannel.returned.mail import LARGEST

MOST_REMEMBERED = 5_000
LONGEST_LINE = 1_000_000


class Session(poplib.POP3):
    """poplib over a socket of ours."""

    _shortcmd: Callable[[str], bytes]
    _putcmd: Callable[[str], None]
    _getresp: Callable[[], bytes]

    def __init__(self, dial: Callable[[], socket.socket], host: str) -> None:
        self._dial = dial
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._dial()

    def _getline(self) -> tuple[bytes, int]:
        """The library gives up on lines that mails do have."""
        line = self.file.readline(LONGEST_LINE)
        if not line:
            raise poplib.error_proto("-ERR EOF")
        return line.rstrip(b"\r\n"), len(line)

    def use(self, sock: socket.socket) -> None:
        """Go on over an encrypted connection, forgetting what was said in the clear."""
        self.sock = sock
        self.file = sock.makefile("rb")


class Pop3Mailbox(Mailbox):
    whole: ClassVar[int] = TOO_LARGE // 4  # of each on average: there is no reading in part
    session: Session | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.numbers: dict[str, int] = {}  # our name of a mail -> its number in this session
        self.known: set[str] = set()

    def mails(self, progress: Mapping[str, Any], most: int) -> Iterator[Mail]:
        with self.trouble("listing the mails"):
            self.numbers, sizes = self._listed()
        seen = progress.get("seen")
        self.known = set(seen if isinstance(seen, list) else ()) & set(self.numbers)
        if len(self.known) >= MOST_REMEMBERED:
            raise MailboxTrouble(
                f"{MOST_REMEMBERED} mails that were read are still there: let them be deleted, "
                "or empty the mailbox."
            )
        fresh = [uid for uid in self.numbers if uid not in self.known]
        for uid in fresh[:most]:
            size = sizes.get(self.numbers[uid], 0)
            with self.trouble("reading a mail"):
                raw = self._read(self.numbers[uid]) if size <= TOO_LARGE else None
            self.known.add(uid)
            yield Mail(uid, size, raw)

    def settle(self, done: Sequence[str]) -> None:
        with self.trouble("deleting what was read"):
            if self.access.after_reading == "delete":
                for uid in done:
                    self._pop.dele(self.numbers[uid])
            self._pop.quit()  # until now nothing is deleted
        self.session = None

    def progress(self) -> dict[str, Any]:
        return {"seen": sorted(self.known)}

    def check(self) -> str:
        with self.trouble("looking"):
            count, _ = self._pop.stat()
        how = f"Encrypted with {self.cipher}." if self.cipher else "Not encrypted."
        return f"{how} Signed in as {self.access.user}. The mailbox holds {count} mails."

    def close(self) -> None:
        """Without QUIT: what was to be deleted stays."""
        session, self.session = self.session, None
        if session is not None:
            with contextlib.suppress(OSError):
                session.close()

    @property
    def _pop(self) -> Session:
        if self.session is None:
            raise MailboxTrouble("The mailbox is not open.")
        return self.session

    def _open(self) -> None:
        self.session = session = Session(self._dial, self.access.host)
        if self.access.security == "starttls":
            if "STLS" not in session.capa():
                raise MailboxTrouble("The server does not offer STARTTLS: choose SSL/TLS.")
            session._shortcmd("STLS")
            session.use(self._watched(self._encrypted(self.plain)))
        self._refuse_open_password(session.sock)
        try:
            session.user(self.access.user)
            session.pass_(self.access.password)
        except poplib.error_proto as error:
            said = error.args[0] if error.args else b""
            raise MailboxTrouble(
                f"Signing in was refused: check user name and password. {words(said)}"
            ) from error

    def _listed(self) -> tuple[dict[str, int], dict[int, int]]:
        sizes = {}
        for line in self._pop.list()[1]:
            number, _, size = line.partition(b" ")
            sizes[int(number)] = int(size.split()[0])
        names = {}
        for line in self._pop.uidl()[1]:
            number, _, uid = line.partition(b" ")
            names[hashlib.sha256(uid).hexdigest()[:24]] = int(number)
        return names, sizes

    def _read(self, number: int) -> bytes:
        """The mail's beginning; the rest is read and dropped line by line."""
        pop, kept, size = self._pop, [], 0
        pop._putcmd(f"RETR {number}")
        pop._getresp()
        line, _ = pop._getline()
        while line != b".":
            if size < LARGEST:
                kept.append(line.removeprefix(b"."))
                size += len(line) + 2
            line, _ = pop._getline()
        return b"\r\n".join(kept)[:LARGEST]
