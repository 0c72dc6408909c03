"""The Celery application: a door-bell in production, a task registry in embedded mode."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_shutting_down

from omnichannel.lifecycle import request_stop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("omnichannel_studio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect(weak=False)
def stop_sending(**kwargs: object) -> None:
    request_stop()
