"""One connection of a partner: how it signs in, what it has open, when it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import asyncssh
from asyncssh import DISC_BY_APPLICATION, DisconnectError, SFTPAttrs, SFTPNoSuchFile
from asyncssh.channel import SSHChannel
from asyncssh.stream import SSHServerStreamSession
from django.db import DatabaseError
from django.utils import timezone

from integrations.folders import Visitor
from integrations.protocols.sftp import listings, partners
from integrations.protocols.sftp.names import Place
from integrations.protocols.sftp.partners import Partner
from integrations.protocols.sftp.threads import Threads
from integrations.protocols.sftp.tree import Handle, Tree

if TYPE_CHECKING:
    from integrations.protocols.sftp.visitors import Visitors

logger = logging.getLogger(__name__)

MOST_PASSWORDS = 3  # in one connection
MOST_KEYS = 20
MOST_CHANNELS = 8
RECALLED = 256  # files
VERSION = 3  # of the protocol: what every client speaks


class Session(asyncssh.SSHServer):
    def __init__(self, visitors: Visitors, threads: Threads) -> None:
        self.threads = threads
        self.ip = ""
        self.since, self.seen = time.time(), time.monotonic()
        self.is_over = False
        self.handles: dict[Handle, Tree] = {}
        self.opening = self.channels = self.finishing = 0
        self._visitors = visitors
        self._connection: asyncssh.SSHServerConnection | None = None
        self._partner: Partner | None = None
        self._proven: dict[str, tuple[Partner, str]] = {}  # by login: who, and by what
        self._passwords = self._keys = 0
        self._put: OrderedDict[Place, tuple[int, float]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def partner(self) -> Partner:
        if self._partner is None:
            raise DisconnectError(DISC_BY_APPLICATION, "Sign in first.")
        return self._partner

    @property
    def visitor(self) -> Visitor:
        return self.partner.visitor(self.ip)

    @property
    def is_signed_in(self) -> bool:
        return self._partner is not None

    # --- The connection ----------------------------------------------------------------------

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        peer = conn.get_extra_info("peername")
        self._connection, self.ip = conn, str(peer[0]) if peer else ""
        if not self._visitors.may_enter(self):
            self.is_over = True
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channels, which end next, throw away what they have open."""
        self.is_over = True
        self._visitors.left(self)

    def end(self, reason: str) -> None:
        """What is half done is thrown away."""
        if self._connection is not None and not self.is_over:
            self.is_over = True
            self._connection.disconnect(DISC_BY_APPLICATION, reason)

    def touch(self) -> None:
        self.seen = time.monotonic()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """A file is being published: the server waits for it before it ends."""
        self.finishing += 1
        try:
            yield
        finally:
            self.finishing -= 1

    # --- Signing in --------------------------------------------------------------------------

    async def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        self._passwords += 1
        if self._passwords > MOST_PASSWORDS:
            raise DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many wrong passwords."
            )
        if self._visitors.is_locked(self.ip, username):
            return False
        partner = await self._at_the_door(self._by_password, username, password)
        if partner is None:
            return False
        self._proven[username] = (partner, "password")
        return True

    def _by_password(self, login: str, password: str) -> Partner | None:
        """In a thread to its end, so that a client cannot take a failure back by hurrying on."""
        partner = partners.by_password(login, password, self.ip)
        if partner is not None:
            self._visitors.lockout.succeeded(self.ip, login)
        elif self._visitors.lockout.failed(self.ip, login, now=time.monotonic()):
            partners.locked_out(login, self.ip, at=timezone.now())
        return partner

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is one of the partner's; the library then has its owner prove it."""
        self._keys += 1
        if self._keys > MOST_KEYS:
            raise DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many keys were tried."
            )
        if self._visitors.is_locked(self.ip, username):
            return False
        partner = await self._at_the_door(partners.by_login, username, self.ip)
        if partner is None or key not in partner.keys:
            return False
        self._proven[username] = (partner, "key")
        return True

    async def _at_the_door(self, call: Any, *args: str) -> Partner | None:
        try:
            found: Partner | None = await self.threads.at_the_door(call, *args)
        except DatabaseError as error:
            logger.exception("Nobody can sign in by SFTP: the database does not answer")
            raise DisconnectError(DISC_BY_APPLICATION, "Try again later.") from error
        return found

    def auth_completed(self) -> None:
        """The library names who has proved a password or a key."""
        conn = self._connection
        login = conn.get_extra_info("username") if conn else ""
        partner, method = self._proven.get(login, (None, ""))
        if partner is None or self.is_over:
            raise DisconnectError(DISC_BY_APPLICATION, "Sign in again.")
        if not self._visitors.may_stay(partner):
            raise DisconnectError(
                asyncssh.DISC_TOO_MANY_CONNECTIONS, "Too many sessions. Close another one first."
            )
        self._partner = partner
        self._proven.clear()
        self.touch()
        self._begin(self._write_down(partner, method))

    async def _write_down(self, partner: Partner, method: str) -> None:
        try:
            await self.threads.run(partners.signed_in, partner, self.ip, method, at=timezone.now())
        except asyncssh.SFTPError as error:
            logger.warning("A sign-in by SFTP was not written down: %s", error.reason)

    # --- Channels ----------------------------------------------------------------------------

    def session_requested(self) -> SSHServerStreamSession[bytes] | bool:
        """A channel for SFTP and nothing else: no shell, no command, no terminal."""
        if self._partner is None or self.channels >= MOST_CHANNELS:
            return False
        self.channels += 1
        return Channel(self)

    # --- What was put here -------------------------------------------------------------------

    def remember(self, place: Place, size: int) -> None:
        self._put[place] = (size, time.time())
        while len(self._put) > RECALLED:
            self._put.popitem(last=False)

    def forget(self, place: Place) -> None:
        self._put.pop(place, None)

    def moved(self, old: Place, new: Place) -> None:
        if old in self._put:
            self._put[new] = self._put.pop(old)

    def recalled(self, place: Place) -> SFTPAttrs:
        """Clients look whether what they have put has arrived, while it may be processed already
        and gone. Raises SFTPNoSuchFile.
        """
        if place not in self._put:
            raise SFTPNoSuchFile("There is no such file.")
        return listings.of_file(*self._put[place])


class Channel(SSHServerStreamSession[bytes]):
    def __init__(self, session: Session) -> None:
        super().__init__(None, lambda channel: Tree(_of_server(channel), session), VERSION)
        self._owner = session

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._owner.channels -= 1


def _of_server(channel: SSHChannel[bytes]) -> asyncssh.SSHServerChannel[bytes]:
    return cast("asyncssh.SSHServerChannel[bytes]", channel)
