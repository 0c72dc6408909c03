"""The SFTP server: it listens, watches over its connections, and ends in an orderly way."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

import asyncssh

from integrations import host_key
from integrations.protocols.sftp import partners
from integrations.protocols.sftp.sessions import Session
from integrations.protocols.sftp.threads import Threads
from integrations.protocols.sftp.visitors import Visitors

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
LOGIN_SECONDS = 30
KEEPALIVE_SECONDS = 60
TIDY_SECONDS = 1.0  # to throw away what was half done
WINDOW = 4 * 1024 * 1024  # bytes that a client may send ahead

# What is sound today. The first of the client's that is here too is taken.
KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
)
# Without ChaCha20: every client has AES too, and most would take the one that is slower here.
CIPHERS = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)
MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
SIGNATURES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


class Server:
    """Made, started and stopped on one event loop."""

    def __init__(self, host: str, port: int, threads: Threads | None = None) -> None:
        self._host, self._wanted = host, port
        self._threads = threads or Threads()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._key_of = 0.0  # when the host key in use was written
        self.visitors = Visitors()

    @property
    def port(self) -> int:
        return self._acceptor.get_port() if self._acceptor else self._wanted

    async def start(self) -> None:
        """Raises OSError when the port is taken, and IntegrationError without a host key."""
        asyncssh.set_log_level(logging.ERROR)
        key = await asyncio.to_thread(host_key.load)
        self._key_of = _written_at()
        self._acceptor = await asyncssh.listen(
            self._host,
            self._wanted,
            server_factory=lambda: Session(self.visitors, self._threads),
            server_host_keys=[key],
            server_version="Studio",
            kex_algs=KEY_EXCHANGES,
            encryption_algs=CIPHERS,
            mac_algs=MACS,
            signature_algs=SIGNATURES,
            compression_algs=["none"],
            kbdint_auth=False,
            host_based_auth=False,
            gss_host=None,
            authorized_client_keys=None,
            x509_trusted_certs=None,
            allow_pty=False,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
            encoding=None,
            login_timeout=LOGIN_SECONDS,
            keepalive_interval=KEEPALIVE_SECONDS,
            window=WINDOW,
        )
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self, seconds: float) -> None:
        """No new connections; what is being published is published, if it takes no longer."""
        if self._acceptor:
            self._acceptor.close()
        until = time.monotonic() + seconds
        while self.visitors.finishing() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        if self._watcher:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        sessions = self.visitors.dismiss_all()
        until = time.monotonic() + TIDY_SECONDS
        await asyncio.sleep(0)
        while any(session.handles for session in sessions) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        self._threads.end()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except asyncssh.SFTPError as error:  # the database is away: look again soon
                logger.warning("The SFTP connections cannot be checked: %s", error.reason)
            except OSError:
                logger.exception("The SFTP server cannot read its host key")

    async def look(self) -> None:
        """End the connections that must not go on."""
        live = self.visitors.integrations()
        if live:
            self.visitors.dismiss(await self._threads.run(partners.generations, live))
        self.visitors.dismiss_idle(now=time.monotonic())
        if self._acceptor and (written := _written_at()) != self._key_of:
            self._acceptor.update(server_host_keys=[await asyncio.to_thread(host_key.load)])
            self._key_of = written


def _written_at() -> float:
    return host_key.path().stat().st_mtime
