from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from omnichannel import installation
from omnichannel.models import Installation
from tests.factories import NOW, make_message

pytestmark = pytest.mark.django_db
PAGE = "/admin/hold/"


@pytest.fixture
def hold():
    row = Installation.objects.create(pk=1, held_since=NOW, held_reason="It was <b>copied</b>.")
    installation.changed()
    yield row
    installation.changed()


@pytest.fixture
def operator(client):
    user = User.objects.create_user("ana", password="a-long-password", is_staff=True)
    client.force_login(user)
    return user


@pytest.mark.parametrize("url", ["/admin/", "/admin/omnichannel/label/", "/admin/auth/user/add/"])
def test_every_page_says_that_sending_is_held_and_why(admin_client, hold, url):
    page = admin_client.get(url).content.decode()

    assert "Sending is held" in page
    assert "It was &lt;b&gt;copied&lt;/b&gt;." in page
    assert f'href="{PAGE}"' in page


def test_pages_say_nothing_while_sending_is_not_held(admin_client):
    installation.changed()

    assert "Sending is held" not in admin_client.get("/admin/").content.decode()


def test_who_may_not_release_is_told_whom_to_ask(client, operator, hold):
    page = client.get("/admin/").content.decode()

    assert "Ask an administrator to release it." in page
    assert PAGE not in page
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"release": "send"}).status_code == 403
    assert Installation.objects.get().held_since


def test_somebody_who_may_releases_and_it_is_on_record(client, operator, hold):
    operator.user_permissions.set(Permission.objects.filter(codename="release_installation"))
    message = make_message(created_at=NOW.replace(year=2020))
    asked = client.get(PAGE).content.decode()

    answer = client.post(PAGE, {"release": "cancel"}, follow=True).content.decode()

    message.refresh_from_db()
    row = Installation.objects.get()
    assert "1 message" in asked
    assert "1 messages and 0 campaigns were cancelled" in answer
    assert "Sending is held" not in answer
    assert (message.status, row.held_since, row.confirmed_by) == ("cancelled", None, "ana")
    entry = LogEntry.objects.get()
    assert entry.user == operator
    assert "the only deployment" in entry.change_message


def test_nothing_is_chosen_for_the_operator(admin_client, hold):
    page = admin_client.get(PAGE).content.decode()
    answer = admin_client.post(PAGE, {}).content.decode()

    assert page.count('type="radio"') == 3
    assert "checked" not in page.partition("confirm-moves")[2]
    assert "Choose what this database is." in answer
    assert Installation.objects.get().held_since


def test_a_second_release_is_refused_with_the_reason(admin_client, hold):
    Installation.objects.update(is_releasing=True, doubtful_before=NOW, confirmed_by="bob")

    answer = admin_client.post(PAGE, {"release": "send"}, follow=True).content.decode()

    assert "It is being released already" in answer
    assert "released by bob" in answer
    assert Installation.objects.get().held_since


def test_the_page_of_what_is_not_held_offers_nothing(admin_client):
    page = admin_client.get(PAGE).content.decode()

    assert "There is nothing to release." in page
    assert 'type="radio"' not in page
