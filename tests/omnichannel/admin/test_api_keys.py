from __future__ import annotations

import datetime
import re

import pytest
from django.utils import timezone

from omnichannel import api_keys
from omnichannel.models import ApiKey
from tests.factories import NOW
from tests.factories_api import client_with as caller_with
from tests.factories_api import make_api_key
from tests.omnichannel.admin.posted import SUBMITTED, client_with, errors_of

pytestmark = pytest.mark.django_db

PAGE = "/admin/omnichannel/apikey/"
FORM = {"name": "Shop", "scopes": ["read", "send"], "rate_limit": "600"}


def add(client, **values):
    return client.post(f"{PAGE}add/", {**FORM, **values})


def test_key_is_shown_once_and_works(admin_client, admin_user):
    answer = add(admin_client)

    key = re.search(r"oms_live_\w+", answer.content.decode()).group()
    row = ApiKey.objects.get()
    assert "no-store" in answer.headers["Cache-Control"]
    assert (row.scopes, row.rate_limit, row.created_by) == (["read", "send"], 600, admin_user)
    assert caller_with(key).get("/api/v1/variables/").status_code == 200
    for page in (PAGE, f"{PAGE}{row.pk}/change/", f"{PAGE}{row.pk}/history/"):
        assert key.rpartition("_")[2] not in admin_client.get(page).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("scopes", []), ("scopes", ["root"]), ("rate_limit", "0"), ("name", "")],
)
def test_form_refuses_nonsense(admin_client, field, value):
    assert field in errors_of(add(admin_client, **{field: value})) or field == "rate_limit"

    assert not ApiKey.objects.exists()


def test_new_key_must_not_be_over_already(admin_client):
    answer = add(admin_client, expires_at_0="2020-01-01", expires_at_1="00:00:00")

    assert "expires_at" in errors_of(answer)


def test_kind_of_a_key_never_changes(admin_client):
    row, key = make_api_key("read")

    admin_client.post(f"{PAGE}{row.pk}/change/", {**FORM, "name": "Till", "is_test": "on"})

    row.refresh_from_db()
    assert (row.name, row.is_test) == ("Till", False)
    assert caller_with(key).get("/api/v1/variables/").status_code == 200


def test_revoking_a_key_closes_the_api_and_is_in_its_history(admin_client):
    row, key = make_api_key("read")

    admin_client.post(f"{PAGE}{row.pk}/revoke/", SUBMITTED)

    assert caller_with(key).get("/api/v1/variables/").status_code == 401
    assert ApiKey.history.first().history_change_reason == "Revoked"
    assert "Revoked" in admin_client.get(f"{PAGE}{row.pk}/history/").content.decode()


def test_revoked_key_is_only_looked_at(admin_client):
    row, _ = make_api_key("read")
    api_keys.revoke(row, at=NOW)

    admin_client.post(f"{PAGE}{row.pk}/change/", FORM | {"name": "Till"})

    row.refresh_from_db()
    assert row.name == "Shop"
    assert admin_client.get(f"{PAGE}{row.pk}/change/").status_code == 200
    assert admin_client.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_who_may_only_look_neither_makes_nor_revokes():
    row, key = make_api_key("read")
    viewer = client_with("view_apikey")

    assert add(viewer).status_code == 403
    viewer.post(f"{PAGE}{row.pk}/revoke/", SUBMITTED)
    assert caller_with(key).get("/api/v1/variables/").status_code == 200


@pytest.mark.parametrize("state", ["active", "expired", "revoked"])
def test_list_is_filtered_by_state(admin_client, state):
    make_api_key("read")
    make_api_key("read", expires_at=timezone.now() - datetime.timedelta(days=1))
    api_keys.revoke(make_api_key("read")[0], at=NOW)

    rows = admin_client.get(f"{PAGE}?state={state}").context["cl"].result_list

    assert [str(row.state(timezone.now())) for row in rows] == [state]


def test_revoking_asks_by_the_red_button_of_what_is_lost_for_good(admin_client):
    row, _ = make_api_key("read")

    dialog = admin_client.get(f"{PAGE}{row.pk}/revoke/").content.decode()

    assert "data-destructive" in dialog
