"""The Celery application: a door-bell in production, a task registry in embedded mode."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from typing import Any

from celery import Celery, Task
from celery.signals import worker_init, worker_shutting_down
from django.conf import settings
from kombu.exceptions import OperationalError

from config import heartbeats
from config.schedule import PERIODIC_TASKS
from omnichannel import doorbell, turns, urgent
from omnichannel.lifecycle import request_stop

logger = logging.getLogger(__name__)

QUEUES = {periodic.task: periodic.queue for periodic in PERIODIC_TASKS}
SEND_OTP = "omnichannel.tasks.send_otp"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class AttendedTask(Task):
    """While a worker's process runs it, whatever it is, one-time passwords leave beside it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly or self.name == SEND_OTP:
            return super().__call__(*args, **kwargs)
        with urgent.attended(app.tasks[SEND_OTP].run):
            return self.run(*args, **kwargs)


app = Celery("omnichannel_studio", task_cls=AttendedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
heartbeats.connect()


@worker_init.connect(weak=False)
def share_processes(sender: Any, **kwargs: object) -> None:
    """A worker for several queues must not end up with all its processes in one campaign."""
    processes = sender.concurrency
    if len(sender.app.amqp.queues.consume_from) > 1:
        turns.share(processes if isinstance(processes, int) else os.cpu_count() or 1)


@worker_shutting_down.connect(weak=False)
def stop_sending(**kwargs: object) -> None:
    request_stop()


class Ringer:
    """Publishes in a thread of its own: a broker that is down takes seconds to say so."""

    def __init__(self) -> None:
        self._tasks: queue.Queue[str] = queue.Queue(maxsize=100)
        self._thread: threading.Thread | None = None

    def ring(self, task: str) -> None:
        with contextlib.suppress(queue.Full):  # rung for already
            self._tasks.put_nowait(task)
        if self._thread is None or not self._thread.is_alive():  # none yet, or lost in a fork
            self._thread = threading.Thread(target=self._work, name="ringer", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            publish(self._tasks.get())


def ring(task: str) -> None:
    """Have the task run now instead of at its next tick. Does not block, nor raise."""
    if not settings.IS_EMBEDDED:
        ringer.ring(task)


def publish(task: str) -> None:
    try:
        app.send_task(task, queue=QUEUES.get(task, "default"), expires=5, retry=False)
    except OperationalError as error:
        logger.warning("The broker does not answer (%s): %s waits for its tick.", error, task)


ringer = Ringer()
doorbell.connect(ring)
