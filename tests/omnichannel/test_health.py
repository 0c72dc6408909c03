from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache

from config.first_start import ensure_periodic_tasks
from tests.factories import make_message

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_metrics():
    cache.delete("metrics")


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
