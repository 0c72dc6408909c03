from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from config.first_start import ensure_periodic_tasks
from omnichannel.admin.schedule import LONG_AGO

pytestmark = pytest.mark.django_db
LIST = "/admin/django_celery_beat/periodictask/"


@pytest.fixture
def task():
    ensure_periodic_tasks()
    return PeriodicTask.objects.get(task="omnichannel.tasks.send_otp")


@pytest.mark.parametrize(
    "page",
    ["periodictask", "intervalschedule", "crontabschedule", "solarschedule", "clockedschedule"],
)
def test_schedule_pages_are_shown(admin_client, task, page):
    shown = admin_client.get(f"/admin/django_celery_beat/{page}/")
    added = admin_client.get(f"/admin/django_celery_beat/{page}/add/")

    assert (shown.status_code, added.status_code) == (200, 200)


def test_the_form_carries_no_inline_script_of_the_package(admin_client, task):
    response = admin_client.get(f"{LIST}{task.pk}/change/")

    assert response.status_code == 200
    assert b"periodic-task-overrides" not in response.content


def test_without_a_broker_a_task_is_made_due(admin_client, task):
    before = PeriodicTasks.last_change()

    admin_client.post(LIST, {"action": "run_tasks", "_selected_action": [task.pk]})

    task.refresh_from_db()
    assert task.last_run_at == LONG_AGO
    assert PeriodicTasks.last_change() > before


@pytest.mark.parametrize("action", ["run_tasks", "disable_tasks", "toggle_tasks"])
def test_who_may_only_look_cannot_change_the_schedule(client, task, action):
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_periodictask"))
    client.force_login(viewer)

    client.post(LIST, {"action": action, "_selected_action": [task.pk]})

    task.refresh_from_db()
    assert task.enabled
    assert task.last_run_at is None


def test_list_asks_the_database_a_fixed_number_of_times(
    admin_client, task, django_assert_max_num_queries
):
    with django_assert_max_num_queries(14):
        admin_client.get(LIST)
