"""What this host remembers of the databases it worked on: a small file beside the journals.

A backup that is put back in place takes everything in the database back with it. This file stays.
A host without one, or with one that cannot be read, remembers nothing and objects to nothing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

logger = logging.getLogger(__name__)

KEPT = 50  # installations, of which a host that runs tests may see many


class Seen(NamedTuple):
    """`timeline` is PostgreSQL's, see `omnichannel.place`."""

    counter: int
    timeline: int


class Memory(NamedTuple):
    installations: dict[str, Seen]  # the highest counter of each
    addresses: dict[str, str]  # which installation was there at the last look


def path() -> Path:
    return Path(settings.VAR_DIR) / "witness.json"


def recall() -> Memory:
    try:
        found = json.loads(path().read_text())
        return Memory(
            {str(name): Seen(int(c), int(t)) for name, (c, t) in found["installations"].items()},
            {str(address): str(name) for address, name in found["addresses"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Memory({}, {})


def remember(installation: str, address: str, seen: Seen) -> None:
    """Never raises: a host that cannot write goes on without a memory."""
    known = recall()
    before = known.installations.pop(installation, seen)
    known.installations[installation] = max(seen, before)
    known.addresses.pop(address, None)
    known.addresses[address] = installation
    kept = {name: dict(list(part.items())[-KEPT:]) for name, part in known._asdict().items()}
    draft = path().with_suffix(f".{os.getpid()}.new")
    try:
        draft.write_text(json.dumps(kept))
        draft.replace(path())
    except OSError as error:
        logger.warning("The witness of this host could not be written: %s", error)
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
