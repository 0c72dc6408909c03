"""A further process of the embedded mode: it sends campaigns beside the worker, on another core."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from queue import Empty, SimpleQueue

from django.db import close_old_connections
from django_celery_beat.models import PeriodicTask

from config import child
from config.celery import app
from omnichannel import heartbeat
from omnichannel.choices import ProcessRole
from omnichannel.lifecycle import stop_requested

logger = logging.getLogger(__name__)

TASK = "omnichannel.tasks.send_promotional"
LOOK_SECONDS = 1.0


def work() -> None:
    """Send until a stop is asked for by SIGTERM or by the end of standard input. Never returns."""
    rings = child.begin()
    app.loader.import_default_modules()
    heart = heartbeat.Heart(ProcessRole.EMBEDDED, f"sender@{socket.gethostname()}").start()
    while not stop_requested():
        _wait(rings)
        try:
            close_old_connections()
            send()
        except Exception:
            logger.exception("Sending failed; trying again")
    heart.stop(seconds=0.2)
    child.end(0)


def send() -> None:
    """Once, unless the operator has switched the periodic task off."""
    if PeriodicTask.objects.filter(task=TASK, enabled=True).exists():
        heartbeat.tasks.add(1)
        app.tasks[TASK]()


def _wait(rings: SimpleQueue[str]) -> None:
    """Until the next look, or at once when somebody rings for our task."""
    until = time.monotonic() + LOOK_SECONDS
    with suppress(Empty):
        while rings.get(timeout=max(0.0, until - time.monotonic())) != TASK:
            pass
