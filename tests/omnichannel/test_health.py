from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import OperationalError
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from config.first_start import ensure_periodic_tasks
from omnichannel import health
from tests.factories import make_message
from tests.omnichannel.test_heartbeat import HOUR, make_heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_metrics():
    cache.clear()


def test_alive_needs_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/healthz")

    assert response.content == b"ok\n"


def test_not_ready_until_the_periodic_tasks_are_made(client):
    before = client.get("/readyz")
    ensure_periodic_tasks()
    after = client.get("/readyz")

    assert (before.status_code, after.status_code) == (503, 200)
    assert b"manage.py prepare" in before.content


def test_metrics_are_closed_to_strangers(client, settings):
    assert client.get("/metrics").status_code == 403

    settings.METRICS_TOKEN = "monitor"
    wrong = client.get("/metrics", headers={"authorization": "Bearer monitör"})
    assert wrong.status_code == 403


def test_metrics_count_what_waits(client, settings):
    settings.METRICS_TOKEN = "monitor"
    make_message()
    make_message(status="uncertain")

    response = client.get("/metrics", headers={"authorization": "Bearer monitor"})

    assert 'studio_messages{status="new"} 1\n' in response.text
    assert 'studio_messages{status="uncertain"} 1\n' in response.text


def test_metrics_are_open_to_who_may_see_the_queue(client):
    user = User.objects.create_user("operator")
    user.user_permissions.add(Permission.objects.get(codename="view_message"))
    client.force_login(user)

    assert client.get("/metrics").status_code == 200


def test_lost_workers_are_told_and_leave_the_web_process_in_service(client):
    ensure_periodic_tasks()
    make_heartbeat(role="embedded", name="worker@secret-host", ago=HOUR)
    make_message(created_at=timezone.now() - HOUR)

    response = client.get("/readyz")

    assert response.status_code == 200
    first, oldest, alive, *warnings = response.text.splitlines()
    assert (first, alive) == ("ok", "processes alive: 0")
    assert oldest.startswith("oldest due message: 36")
    assert [line.split(": ")[0] for line in warnings] == ["warning"] * 3
    assert "secret-host" not in response.text


def test_a_database_that_does_not_answer_takes_the_process_out_of_service(client, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("no route")

    monkeypatch.setattr(PeriodicTask.objects, "exists", fail)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert b"does not answer" in response.content


def test_what_takes_long_to_measure_is_measured_less_often(monkeypatch):
    kept = []
    monkeypatch.setattr(health.cache, "set", lambda key, text, seconds: kept.append(seconds))
    clock = iter((100.0, 100.01, 200.0, 206.0))
    monkeypatch.setattr(health.time, "monotonic", lambda: next(clock))

    health._kept("quick", 15, lambda: "x")
    health._kept("slow", 15, lambda: "x")

    assert kept == [15, 120.0]
