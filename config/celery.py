"""The Celery application: a door-bell in production, a task registry in embedded mode."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("omnichannel_studio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
