"""Who may sign in, and what is written down when somebody does or fails to."""

from __future__ import annotations

import datetime
import ipaddress
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import asyncssh
from django.db import transaction
from django.db.models import Q

from integrations import audit, hooks, passwords
from integrations.audit import Entry
from integrations.choices import Operation, Protocol
from integrations.folders import Visitor
from integrations.models import Integration, SftpConnection

MEGABYTE = 1024 * 1024
RSA, LEAST_RSA_BITS = "ssh-rsa", 2048
KINDS = (  # of public keys, besides
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
TOLD_EVERY = datetime.timedelta(minutes=1)


@dataclass(frozen=True)
class Partner:
    """A connection as it was when its owner signed in."""

    connection: int
    integration: int
    mailbox: int
    generation: int
    login: str
    max_file: int  # bytes
    quota: int  # bytes
    max_sessions: int
    keys: tuple[asyncssh.SSHKey, ...]

    def visitor(self, ip: str) -> Visitor:
        return Visitor(self.integration, self.mailbox, self.login, ip)


def by_password(login: str, password: str, ip: str) -> Partner | None:
    """Takes as long, and answers the same, whatever is wrong."""
    row = _open(login, ip)
    good = passwords.check(row.password_hash if row else "", password)
    return _partner(row) if row and good else None


def by_login(login: str, ip: str) -> Partner | None:
    """For one who has yet to prove a key of those that are named."""
    row = _open(login, ip)
    return _partner(row) if row else None


def _open(login: str, ip: str) -> SftpConnection | None:
    try:
        key = uuid.UUID(login)
    except ValueError:
        return None
    rows = SftpConnection.objects.filter(
        login=key,
        integration__active=True,
        integration__protocol=Protocol.SFTP,
        integration__mailbox__is_active=True,
        integration__mailbox__account__is_active=True,
    )
    row = rows.select_related("integration").first()
    if row is None or str(key) != login.lower() or not _is_allowed(row.allowed_networks, ip):
        return None
    return row


def _is_allowed(networks: str, ip: str) -> bool:
    if not networks.strip():
        return True
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
        mapped = address.ipv4_mapped if address.version == 6 else None
        listed = [ipaddress.ip_network(line.strip()) for line in networks.split() if line.strip()]
    except ValueError:
        return False
    return any((mapped or address) in network for network in listed)


def _partner(row: SftpConnection) -> Partner:
    return Partner(
        connection=row.pk,
        integration=row.integration_id,
        mailbox=row.integration.mailbox_id,
        generation=row.integration.generation,
        login=str(row.login),
        max_file=row.max_file_mb * MEGABYTE,
        quota=row.quota_mb * MEGABYTE,
        max_sessions=row.max_sessions,
        keys=tuple(_keys(row.authorized_keys)),
    )


def _keys(text: str) -> Iterator[asyncssh.SSHKey]:
    """A line that is no public key, a weak one, or one with options lets nobody in."""
    for line in text.splitlines():
        with suppress(asyncssh.KeyImportError):
            key = asyncssh.import_public_key(line.strip())
            if _is_sound(key):
                yield key


def _is_sound(key: asyncssh.SSHKey) -> bool:
    if key.get_algorithm() == RSA:
        return int(getattr(key.pyca_key, "key_size", 0)) >= LEAST_RSA_BITS
    return key.get_algorithm() in KINDS


def generations(integrations: Iterable[int]) -> dict[int, int]:
    """Of those that may still be connected: {id: generation}."""
    rows = Integration.objects.filter(
        pk__in=set(integrations),
        active=True,
        protocol=Protocol.SFTP,
        mailbox__is_active=True,
        mailbox__account__is_active=True,
    )
    return dict(rows.values_list("pk", "generation"))


def signed_in(partner: Partner, ip: str, method: str, *, at: datetime.datetime) -> None:
    """Written down once a minute for each connection, or a busy partner fills the trail."""
    rows = SftpConnection.objects.filter(pk=partner.connection)
    lately = Q(last_login_at__gt=at - TOLD_EVERY, last_login_ip=ip)
    with transaction.atomic():
        if not rows.exclude(lately).update(last_login_at=at, last_login_ip=ip):
            return
        entry = Entry(
            Operation.SIGNED_IN,
            f"by SFTP with a {method}",
            mailbox=partner.mailbox,
            actor=partner.login,
            ip=ip,
        )
        audit.write([entry], at=at)


def locked_out(login: str, ip: str, *, at: datetime.datetime) -> None:
    """After too many failures; the login may be nobody's."""
    rows = SftpConnection.objects.filter(login=_uuid(login) or uuid.UUID(int=0))
    row = rows.select_related("integration").first()
    entry = Entry(
        Operation.LOCKED_OUT,
        "Too many wrong passwords by SFTP",
        mailbox=row.integration.mailbox_id if row else None,
        actor=str(row.login) if row else "unknown login",
        ip=ip,
    )
    with transaction.atomic():
        audit.write([entry], at=at)
        if row:
            hooks.locked_out(row.integration, ip, at=at)


def _uuid(login: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(login)
    except ValueError:
        return None
