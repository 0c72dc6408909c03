"""The key by which partners know our SFTP server: made once, and the same after every start."""

from __future__ import annotations

import datetime
import os
import uuid
from contextlib import suppress
from pathlib import Path

import asyncssh
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from integrations import audit
from integrations.audit import Entry
from integrations.choices import Operation
from integrations.exceptions import IntegrationError

ALGORITHM = "ssh-ed25519"


def path() -> Path:
    return Path(settings.VAR_DIR) / "sftp_host_key"


def load() -> asyncssh.SSHKey:
    """The key of this installation. It is made when there is none yet."""
    place = path()
    if not place.exists():
        new = _written()
        with suppress(FileExistsError):  # another process was faster: its key is the one
            os.link(new, place)
        new.unlink()
    try:
        return asyncssh.read_private_key(place)
    except (OSError, asyncssh.KeyImportError) as error:
        raise IntegrationError(
            f"The host key {place} cannot be read. Bring it back from a backup, or remove it: "
            "then a new one is made, and every partner is asked to accept it.",
            "host_key",
        ) from error


def fingerprint() -> str:
    """As OpenSSH shows it: SHA256:..."""
    return load().get_fingerprint()


def replace(by: AbstractBaseUser | None, at: datetime.datetime) -> str:
    """The new fingerprint. Running servers show the new key to the connections that come next."""
    before = fingerprint() if path().exists() else ""
    os.replace(_written(), path())
    after = fingerprint()
    entry = Entry(
        Operation.HOST_KEY,
        f"The host key of the SFTP server is now {after}",
        actor=by.get_username() if by else audit.SYSTEM,
        detail={"before": before, "after": after},
    )
    audit.write([entry], at=at)
    return after


def _written() -> Path:
    """A new key in a file beside the one in use, for its owner only."""
    place = path().with_name(f".sftp_host_key-{uuid.uuid4().hex}")
    place.parent.mkdir(parents=True, exist_ok=True)
    key = asyncssh.generate_private_key(ALGORITHM, comment="omnichannel-studio")
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.export_private_key())
        file.flush()
        os.fsync(file.fileno())
    return place
