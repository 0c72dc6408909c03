"""The Celery application: a door-bell in production, a task registry in embedded mode."""

from __future__ import annotations

import logging
import os

from celery import Celery
from celery.signals import worker_shutting_down
from django.conf import settings
from kombu.exceptions import OperationalError

from config.schedule import PERIODIC_TASKS
from omnichannel import doorbell
from omnichannel.lifecycle import request_stop

logger = logging.getLogger(__name__)

QUEUES = {periodic.task: periodic.queue for periodic in PERIODIC_TASKS}

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("omnichannel_studio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect(weak=False)
def stop_sending(**kwargs: object) -> None:
    request_stop()


def ring(task: str) -> None:
    """Publish the task now instead of at its next tick. Without a broker the tick does it."""
    if settings.IS_EMBEDDED:
        return
    try:
        app.send_task(task, queue=QUEUES.get(task, "default"), expires=5, retry=False)
    except OperationalError as error:
        logger.warning("The broker does not answer (%s): %s waits for its tick.", error, task)


doorbell.connect(ring)
