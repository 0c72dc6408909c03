"""What administrators do about the second factors of others."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otp.models import BackupCodes, RememberedBrowser, Requirement, TotpDevice
from otp.two_factor import backup_codes, guesses
from tests.otp.two_factor.people import give_password, is_in, make_app, make_user, sign_in

pytestmark = pytest.mark.django_db


def page(user) -> str:
    return f"/admin/auth/user/{user.pk}/change/"


def remove(client, user):
    address = reverse("admin:auth_user_remove_devices", args=[user.pk])
    return client.post(address, {"_form_submitted": "True"})


def is_offered(client, user) -> bool:
    return "Remove two-factor devices" in client.get(page(user)).text


def grant(user, *codenames):
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def test_all_that_stands_in_for_a_lost_device_goes_and_it_is_written_down(admin_client):
    user = make_user()
    make_app(user)
    backup_codes.renew(user, at=timezone.now())
    browser = Client()
    sign_in(browser, user, remember="on")
    guesses.take(user.pk, at=timezone.now())

    assert is_offered(admin_client, user)
    remove(admin_client, user)

    for model in (TotpDevice, BackupCodes, RememberedBrowser):
        assert not model.objects.filter(user=user).exists()
    entry = LogEntry.objects.get(object_id=user.pk)
    assert entry.change_message == "Two-factor devices removed: 1."
    assert entry.user.username == "admin"
    someone = Client()
    give_password(someone, user)
    assert is_in(someone)


def test_nobody_removes_their_own_that_way(admin_client, admin_user):
    make_app(admin_user)
    session = admin_client.session
    session["otp_device_id"] = TotpDevice.objects.get().persistent_id
    session.save()
    assert not is_offered(admin_client, admin_user)

    remove(admin_client, admin_user)

    assert TotpDevice.objects.exists()


@pytest.mark.parametrize(
    ("rights", "is_super", "removed"),
    [
        (("change_user", "view_user"), False, False),
        (("change_user", "view_user", "remove_devices"), False, True),
        (("view_user", "remove_devices"), False, False),
        (("change_user", "view_user", "remove_devices"), True, False),
    ],
)
def test_it_needs_the_right_and_reaches_nobody_with_more_rights(client, rights, is_super, removed):
    staff, user = make_user(), make_user(is_superuser=is_super)
    grant(staff, *rights)
    make_app(user)
    give_password(client, staff)

    remove(client, user)

    assert TotpDevice.objects.exists() is not removed


def save(client, user, **values):
    kept = {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    return client.post(page(user), {**kept, **values})


def test_the_switch_of_a_user_is_kept(admin_client):
    user = make_user()

    assert save(admin_client, user, two_factor_required="on").status_code == 302
    assert Requirement.objects.get().user == user
    assert "Required, not set up" in admin_client.get("/admin/auth/user/").text
    save(admin_client, user)
    assert not Requirement.objects.exists()


def test_the_switch_of_a_group_is_kept(admin_client):
    group = Group.objects.create(name="Operators")
    url = f"/admin/auth/group/{group.pk}/change/"

    admin_client.post(url, {"name": "Operators", "two_factor_required": "on"})
    assert Requirement.objects.get().group == group
    admin_client.post(url, {"name": "Operators"})
    assert not Requirement.objects.exists()


def test_a_new_group_may_require_it_at_once(admin_client):
    form = {"name": "Operators", "two_factor_required": "on"}

    admin_client.post("/admin/auth/group/add/", form)

    assert Requirement.objects.get().group.name == "Operators"


def test_who_may_change_users_does_not_thereby_lift_a_requirement(client):
    staff = make_user()
    grant(staff, "change_user", "view_user")
    give_password(client, staff)
    user = make_user()
    Requirement.objects.create(user=user)

    assert 'name="two_factor_required"' not in client.get(page(user)).text
    save(client, user)

    assert Requirement.objects.exists()


def test_a_list_of_many_users_needs_no_more_queries(admin_client, django_assert_max_num_queries):
    for _ in range(10):
        make_app(make_user())

    with django_assert_max_num_queries(14):
        assert "On" in admin_client.get("/admin/auth/user/").text


@pytest.mark.parametrize("state", ["on", "missing", "off"])
def test_users_are_found_by_how_they_sign_in(admin_client, state):
    on, missing, off = make_user(), make_user(), make_user()
    make_app(on)
    Requirement.objects.create(user=missing)
    names = {"on": on.username, "missing": missing.username, "off": off.username}

    rows = admin_client.get(f"/admin/auth/user/?two_factor={state}").context["cl"].result_list

    found = {row.username for row in rows} - {"admin"}
    assert found == {names[state]}


def test_the_command_line_lets_the_last_administrator_in_again(capsys):
    user = make_user(username="root", is_superuser=True)
    make_app(user)

    call_command("remove_two_factor", "root")

    assert capsys.readouterr().out == "root: 1 two-factor device removed.\n"
    assert not TotpDevice.objects.exists()
    assert LogEntry.objects.filter(object_id=user.pk).count() == 1
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("remove_two_factor", "nobody")


def test_a_user_with_devices_can_be_deleted(admin_client):
    user = make_user()
    make_app(user)
    backup_codes.renew(user, at=timezone.now())

    admin_client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(pk=user.pk).exists()
