"""A database connection that is kept from one request to the next, and whether it still lives.

Django would ask the server each time (CONN_HEALTH_CHECKS). A server that ended a connection has
said so on it: while there is nothing to read, there is nothing to ask.
"""

from __future__ import annotations

import select
from collections.abc import Iterable
from typing import Any

from django.core.signals import request_started
from django.db import connections


def watch() -> None:
    """For all requests of this process; after Django's own receiver, which asks for the check."""
    request_started.connect(_spare_the_check, dispatch_uid="omnichannel.kept_connections")


def _spare_the_check(**_: Any) -> None:
    kept_ones: Iterable[Any] = connections.all(initialized_only=True)
    for connection in kept_ones:
        kept = connection.connection
        if connection.vendor == "postgresql" and kept is not None and _is_silent(kept.fileno()):
            connection.health_check_done = True


def _is_silent(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
