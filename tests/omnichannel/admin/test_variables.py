from __future__ import annotations

import pytest

from omnichannel.models import GlobalVariable
from omnichannel.variables import ensure_read_only_set
from tests.omnichannel.admin.posted import client_with, errors_of

pytestmark = pytest.mark.django_db

PAGE = "/admin/omnichannel/globalvariable/"
EDITOR = ("view_globalvariable", "add_globalvariable", "change_globalvariable")


@pytest.fixture
def company_name():
    ensure_read_only_set()
    return GlobalVariable.objects.get(key="company_name")


def change(client, row, **values):
    data = {"key": row.key, "value": row.value, "description": row.description, **values}
    return client.post(f"{PAGE}{row.pk}/change/", data)


def test_free_key_is_added():
    client_with(*EDITOR).post(f"{PAGE}add/", {"key": "season", "value": "spring"})

    assert GlobalVariable.objects.get(key="season").value == "spring"


@pytest.mark.parametrize("key", ["Season", "1st", "a b", "_a", "x.y", "company_name"])
def test_unusable_key_is_refused(admin_client, key):
    answer = admin_client.post(f"{PAGE}add/", {"key": key, "value": "1"})

    assert "key" in errors_of(answer)


def test_editor_cannot_change_the_read_only_set(company_name):
    client = client_with(*EDITOR, "delete_globalvariable")

    assert change(client, company_name, value="Mine").status_code == 403
    assert client.post(f"{PAGE}{company_name.pk}/delete/", {"post": "yes"}).status_code == 403


def test_who_keeps_the_company_details_changes_a_value_but_not_a_key(company_name):
    client = client_with(*EDITOR, "change_company_details")

    change(client, company_name, key="other", value="Example Ltd")

    company_name.refresh_from_db()
    assert (company_name.key, company_name.value) == ("company_name", "Example Ltd")


def test_read_only_set_survives_a_delete_of_everything(admin_client, company_name):
    rows = list(GlobalVariable.objects.values_list("pk", flat=True))
    data = {"action": "delete_selected", "_selected_action": rows, "post": "yes"}

    admin_client.post(PAGE, data)

    assert GlobalVariable.objects.count() == len(rows)


def test_list_opens(admin_client, company_name):
    assert "company_name" in admin_client.get(PAGE).content.decode()
