"""A mailbox by IMAP (RFC 3501), on top of imaplib.

What was given out is remembered by the highest UID; a folder made anew begins anew (UIDVALIDITY).
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from omnichannel.backends.smtp_statuses import words
from omnichannel.mailbox.base import TOO_LARGE, Mail, Mailbox, MailboxTrouble
from omnichannel.returned.mail import LARGEST

WINDOW = 20_000  # UIDs searched at once: a longer list is more than one line may hold
MOST_WINDOWS = 50
SIZE = re.compile(rb"UID (\d+)[^)]*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)[^)]*UID (\d+)")


class Session(imaplib.IMAP4):
    """imaplib over a socket of ours."""

    def __init__(self, dial: Callable[[], socket.socket], host: str) -> None:
        self._dial = dial
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._dial()

    def read(self, size: int) -> bytes:
        if size > LARGEST + 4096:  # more than was asked for: not to be reserved in memory
            raise self.abort("the answer is longer than allowed")
        return super().read(size)

    def use(self, sock: socket.socket) -> None:
        """Go on over an encrypted connection, forgetting what was said in the clear."""
        self.sock = sock
        self.file = sock.makefile("rb")
        self.untagged_responses.clear()


class ImapMailbox(Mailbox):
    session: Session | None = None
    validity = ""
    last = 0  # the highest UID given out
    next = 0  # the UID of the next mail to come, by the server's word

    def mails(self, progress: Mapping[str, Any], most: int) -> Iterator[Mail]:
        with self.trouble("opening the folder"):
            self._select(readonly=False)
        known = progress.get("uid", 0) if progress.get("validity") == self.validity else 0
        self.last = known if isinstance(known, int) else 0
        with self.trouble("searching"):
            sizes = self._sizes(self._fresh(most))
        for uid, size in sizes:
            with self.trouble("reading a mail"):
                raw = self._read(uid) if size <= TOO_LARGE else None
            self.last = max(self.last, uid)
            if raw is not None or size > TOO_LARGE:
                yield Mail(str(uid), size, raw)

    def settle(self, done: Sequence[str]) -> None:
        if not done:
            return
        uids = ",".join(done)
        with self.trouble("marking what was read"):
            if self.access.after_reading == "move":
                self._move(uids)
            elif self.access.after_reading == "delete":
                self._delete(uids)
            else:
                self._must(self._imap.uid("STORE", uids, "+FLAGS.SILENT", r"(\Seen)"))

    def progress(self) -> dict[str, Any]:
        return {"validity": self.validity, "uid": self.last}

    def check(self) -> str:
        with self.trouble("opening the folder"):
            count = self._select(readonly=True)
        how = f"Encrypted with {self.cipher}." if self.cipher else "Not encrypted."
        return f"{how} Signed in as {self.access.user}. {self.access.folder} holds {count} mails."

    def close(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.shutdown()

    @property
    def _imap(self) -> Session:
        if self.session is None:
            raise MailboxTrouble("The mailbox is not open.")
        return self.session

    def _open(self) -> None:
        self.session = session = Session(self._dial, self.access.host)
        if self.access.security == "starttls":
            if "STARTTLS" not in session.capabilities:
                raise MailboxTrouble("The server does not offer STARTTLS: choose SSL/TLS.")
            self._must(session._simple_command("STARTTLS"))
            session.use(self._watched(self._encrypted(self.plain)))
            session._get_capabilities()
        self._refuse_open_password(session.sock)
        self._sign_in(session)
        session._get_capabilities()  # more of them than before

    def _sign_in(self, session: Session) -> None:
        user, password = self.access.user, self.access.password
        try:
            if "AUTH=PLAIN" in session.capabilities:  # takes more than ASCII
                session.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            elif not (user + password).isascii():
                raise MailboxTrouble(
                    "The server takes plain letters and digits only: give the mailbox another "
                    "password."
                )
            else:
                session.login(user, password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            said = error.args[0] if error.args else b""  # bytes of LOGIN, text of AUTHENTICATE
            raise MailboxTrouble(
                f"Signing in was refused: check user name and password. {words(said)}"
            ) from error

    def _select(self, *, readonly: bool) -> int:
        answer, data = self._imap.select(_quoted(self.access.folder), readonly)
        if answer != "OK":
            raise MailboxTrouble(
                f"There is no folder {self.access.folder}: {words(data[-1] or b'')}"
            )
        self.validity = self._number("UIDVALIDITY")
        self.next = int(self._number("UIDNEXT") or 0)
        return int(data[0] or 0)

    def _number(self, name: str) -> str:
        found = self._imap.response(name)[1][0]
        return found.decode() if isinstance(found, bytes) and found.isdigit() else ""

    def _fresh(self, most: int) -> list[int]:
        for _ in range(MOST_WINDOWS):
            first, ends = self.last + 1, self.last + WINDOW
            is_last = ends >= self.next
            last = "*" if is_last else str(ends)
            data = self._must(self._imap.uid("SEARCH", f"UID {first}:{last}", "UNDELETED"))
            found = sorted(int(uid) for uid in (data[0] or b"").split() if int(uid) >= first)
            if found or is_last:
                return found[:most]
            self.last = ends
        return []

    def _sizes(self, uids: Sequence[int]) -> list[tuple[int, int]]:
        if not uids:
            return []
        data = self._must(self._imap.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)"))
        sizes = {}
        for line in data:
            if isinstance(line, bytes) and (found := SIZE.search(line)):
                sizes[int(found[1] or found[4])] = int(found[2] or found[3])
        return [(uid, sizes[uid]) for uid in uids if uid in sizes]

    def _read(self, uid: int) -> bytes | None:
        """None when it is gone by now."""
        data = self._must(self._imap.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{LARGEST}>)"))
        return next((part[1] for part in data if isinstance(part, tuple)), None)

    def _move(self, uids: str) -> None:
        imap, target = self._imap, _quoted(self.access.move_to)
        command = "MOVE" if "MOVE" in imap.capabilities else "COPY"
        answer, data = imap.uid(command, uids, target)
        if answer != "OK":
            imap.create(target)
            answer, data = imap.uid(command, uids, target)
        if answer != "OK":
            raise MailboxTrouble(
                f"Nothing can be moved to {self.access.move_to}: {words(data[-1] or b'')}"
            )
        if command == "COPY":
            self._delete(uids)

    def _delete(self, uids: str) -> None:
        self._must(self._imap.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in self._imap.capabilities:  # else they stay, marked: EXPUNGE takes others too
            self._must(self._imap.uid("EXPUNGE", uids))

    def _must(self, answer: tuple[Any, list[Any]]) -> list[Any]:
        if answer[0] != "OK":
            said = answer[1][-1] if answer[1] else b""
            raise MailboxTrouble(f"The server refused it: {words(said or b'')}")
        return answer[1]


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
