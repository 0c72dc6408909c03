"""Passwords of partners at the SFTP server. There are only hashes; a new one is shown once."""

from __future__ import annotations

import datetime
import secrets

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from integrations import audit
from integrations.audit import Entry
from integrations.choices import Operation
from integrations.models import SftpConnection

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"  # none looks like another
LENGTH = 24  # 139 bits


def generate(connection: SftpConnection, by: AbstractBaseUser | None, at: datetime.datetime) -> str:
    """A new password, which nobody can read again. What is signed in with the old one ends."""
    password = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    connection.password_hash = make_password(password)
    connection.password_set_at = at
    with transaction.atomic():
        SftpConnection.objects.filter(pk=connection.pk).update(
            password_hash=connection.password_hash, password_set_at=at
        )
        connection.integration.renew()
        entry = Entry(
            Operation.PASSWORD,
            "A new SFTP password",
            mailbox=connection.integration.mailbox_id,
            actor=by.get_username() if by else audit.SYSTEM,
        )
        audit.write([entry], at=at)
    return password


def check(password_hash: str, password: str) -> bool:
    """Takes as long when there is no hash. Slow on purpose: never call it on an event loop."""
    return check_password(password, password_hash)
