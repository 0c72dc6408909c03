"""Celery's processes give signs of life (see `omnichannel.heartbeat`)."""

from __future__ import annotations

import atexit
import logging
import signal
import socket
from typing import Any

from celery.signals import (
    after_task_publish,
    beat_init,
    task_received,
    worker_ready,
    worker_shutdown,
)

logger = logging.getLogger(__name__)


def connect() -> None:
    worker_ready.connect(_worker_begins, weak=False)
    beat_init.connect(_beat_begins, weak=False)


def _worker_begins(sender: Any, **kwargs: object) -> None:
    # The app registry is not ready yet when Celery imports this module.
    from omnichannel.checks import check_broker_keeps_everything
    from omnichannel.choices import ProcessRole
    from omnichannel.heartbeat import Heart, tasks

    for warning in check_broker_keeps_everything():
        logger.warning("%s %s", warning.msg, warning.hint)
    queues = tuple(sender.app.amqp.queues.consume_from)
    heart = Heart(ProcessRole.WORKER, sender.hostname, queues).start()
    task_received.connect(lambda **_: tasks.add(1), weak=False)
    worker_shutdown.connect(lambda **_: heart.stop(), weak=False)


def _beat_begins(sender: Any, **kwargs: object) -> None:
    from omnichannel.choices import ProcessRole
    from omnichannel.heartbeat import Heart, tasks

    heart = Heart(ProcessRole.SCHEDULER, f"beat@{socket.gethostname()}").start()
    after_task_publish.connect(lambda **_: tasks.add(1), weak=False)
    atexit.register(heart.stop)
    _end_between_ticks(sender)


def _end_between_ticks(service: Any) -> None:
    """Let a stop wait for the tick in hand, a second at most; a second stop ends it where it is.

    Celery's own handler closes the broker's channel in the middle of whatever beat is doing: half
    an answer read, it waits for the other half for ever, and beat never ends.
    """

    def stop(number: int, frame: object) -> None:
        service.stop()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, _end_now)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)


def _end_now(number: int, frame: object) -> None:
    raise SystemExit
