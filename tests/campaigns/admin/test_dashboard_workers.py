from __future__ import annotations

import datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from config.first_start import ensure_periodic_tasks
from omnichannel import database_care
from tests.factories import make_message
from tests.omnichannel.test_heartbeat import HOUR, make_heartbeat

pytestmark = pytest.mark.django_db
LONG = database_care.OpenTransaction(4711, "studio report", "idle in transaction", 900.0)


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def page(client) -> str:
    return " ".join(client.get(reverse("admin:index")).text.split())


def test_the_dashboard_shows_who_works_and_who_is_lost(admin_client, settings):
    settings.IS_EMBEDDED = False
    ensure_periodic_tasks()
    make_heartbeat(name="promotional@send1", queues="promotional", messages=1240)
    make_heartbeat(name="otp@send2", queues="otp", ago=2 * HOUR)

    shown = page(admin_client)

    assert "promotional@send1" in shown
    assert "1,240 messages in the last minute" in shown
    assert "last seen 2 h ago" in shown
    assert shown.index("otp@send2") < shown.index("promotional@send1")
    assert "No worker serves the queue otp" in shown


def test_the_dashboard_tells_what_to_do_when_nothing_works(admin_client):
    shown = page(admin_client)

    assert "The embedded worker gives no sign of life" in shown
    assert "None has given a sign of life within a day." in shown
    assert "none waits" in shown


def test_the_dashboard_shows_the_age_of_the_oldest_due_message(admin_client):
    make_message(category="otp", created_at=timezone.now() - datetime.timedelta(minutes=5))

    assert "<b>5 min (one-time password)</b>" in page(admin_client)


def test_only_administrators_see_sessions_of_the_database(client, admin_client, monkeypatch):
    monkeypatch.setattr(database_care, "open_transactions", lambda: [LONG])
    operator = User.objects.create_user("operator", is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="view_message"))
    client.force_login(operator)

    assert "pg_terminate_backend(4711)" in page(admin_client)
    assert "pg_terminate_backend" not in page(client)
    assert "Workers" in page(client)
