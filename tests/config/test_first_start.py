from __future__ import annotations

import pytest
from django.contrib.auth import authenticate, get_user_model
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config import first_start
from config.celery import app
from config.schedule import PERIODIC_TASKS
from omnichannel import place
from omnichannel.models import Installation
from omnichannel.place import Place
from tests.factories import make_provider

pytestmark = pytest.mark.django_db


def test_periodic_tasks_are_made_once():
    assert first_start.ensure_periodic_tasks() == len(PERIODIC_TASKS)
    assert first_start.ensure_periodic_tasks() == 0

    otp = PeriodicTask.objects.get(task="omnichannel.tasks.send_otp")
    assert (otp.queue, otp.interval.every, otp.expire_seconds) == ("otp", 1, 10)


def test_an_operators_interval_is_kept():
    first_start.ensure_periodic_tasks()
    slow = IntervalSchedule.objects.create(every=7, period="minutes")
    PeriodicTask.objects.filter(task="omnichannel.tasks.send_otp").update(
        interval=slow, name="Codes", enabled=False
    )

    first_start.prepare()

    kept = PeriodicTask.objects.get(task="omnichannel.tasks.send_otp")
    assert (kept.interval, kept.name, kept.enabled) == (slow, "Codes", False)


def test_every_periodic_task_names_a_task_that_exists():
    app.loader.import_default_modules()

    assert not [periodic.task for periodic in PERIODIC_TASKS if periodic.task not in app.tasks]


def test_first_superuser_gets_a_random_password(monkeypatch):
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)

    login = first_start.ensure_superuser()

    assert login.is_random
    assert len(login.password) >= 16
    assert authenticate(username="admin", password=login.password).is_superuser
    assert first_start.ensure_superuser() is None


def test_admin_password_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", "correct horse")

    login = first_start.ensure_superuser()

    assert not login.is_random
    assert authenticate(username="admin", password="correct horse")


def test_a_studio_with_providers_or_a_superuser_is_not_new():
    assert first_start.is_first_start()

    provider = make_provider()
    assert not first_start.is_first_start()

    provider.delete()
    get_user_model().objects.create_superuser("somebody")
    assert not first_start.is_first_start()


def test_demo_data_is_left_out_when_switched_off(settings):
    settings.DEMO_DATA = False

    assert first_start.load_demo(None) is False


def test_a_start_notices_a_copied_database_before_anything_is_sent(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    first_start.prepare()
    before = Installation.objects.get().held_since
    Installation.objects.update(place={"path": "/elsewhere", "inode": 1, "device": 1})
    monkeypatch.setattr(place, "here", lambda: Place("a", {"path": "/a", "inode": 2, "device": 1}))

    first_start.prepare()

    assert before is None
    assert Installation.objects.get().held_since
