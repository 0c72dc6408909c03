from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(client):
    """May edit users and groups, and nothing else."""
    user = User.objects.create_user("clerk", is_staff=True)
    names = ("view_user", "change_user", "delete_user", "view_group", "change_group")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def form_of(user: User, **more: str) -> dict[str, str]:
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": "2026-03-02",
        "date_joined_1": "12:00:00",
        **more,
    }


@pytest.mark.parametrize(
    "page",
    [
        "auth/user/",
        "auth/user/add/",
        "auth/user/{pk}/change/",
        "auth/user/{pk}/password/",
        "auth/group/",
        "auth/group/add/",
    ],
)
def test_accounts_pages_are_shown(admin_client, admin_user, page):
    response = admin_client.get(f"/admin/{page.format(pk=admin_user.pk)}")

    assert response.status_code == 200


def test_who_edits_users_cannot_become_a_superuser(client, clerk):
    form = form_of(clerk, is_superuser="on", first_name="Kim")

    response = client.post(f"/admin/auth/user/{clerk.pk}/change/", form)

    clerk.refresh_from_db()
    assert response.status_code == 302
    assert clerk.first_name == "Kim"
    assert not clerk.is_superuser
    assert clerk.user_permissions.count() == 5


def test_who_edits_groups_cannot_give_permissions(client, clerk):
    group = Group.objects.create(name="Editors")
    every = list(Permission.objects.values_list("pk", flat=True))

    client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Writers", "permissions": every})

    group.refresh_from_db()
    assert group.name == "Writers"
    assert group.permissions.count() == 0


@pytest.mark.parametrize("page", ["change", "password", "delete"])
def test_who_edits_users_cannot_take_over_a_superuser(client, clerk, page):
    chief = User.objects.create_superuser("chief", password="kept")
    form = form_of(chief, password1="taken-over-1", password2="taken-over-1", post="yes")

    response = client.post(f"/admin/auth/user/{chief.pk}/{page}/", form)

    chief.refresh_from_db()
    assert response.status_code == 403
    assert chief.check_password("kept")


@pytest.mark.parametrize("is_active", [True, False])
def test_who_edits_users_cannot_take_over_somebody_with_more_rights(client, clerk, is_active):
    powerful = User.objects.create_user("powerful", password="kept", is_active=is_active)
    group = Group.objects.create(name="Launchers")
    group.permissions.set(Permission.objects.filter(codename="launch_campaign"))
    powerful.groups.add(group)
    form = form_of(powerful, password1="taken-over-1", password2="taken-over-1")

    response = client.post(f"/admin/auth/user/{powerful.pk}/password/", form)

    powerful.refresh_from_db()
    assert response.status_code == 403
    assert powerful.check_password("kept")


def test_who_edits_users_helps_those_with_no_more_rights(client, clerk):
    other = User.objects.create_user("other")
    other.user_permissions.set(Permission.objects.filter(codename="view_user"))
    form = form_of(other, password1="a-new-start-1", password2="a-new-start-1")

    client.post(f"/admin/auth/user/{other.pk}/password/", form)

    other.refresh_from_db()
    assert other.check_password("a-new-start-1")
