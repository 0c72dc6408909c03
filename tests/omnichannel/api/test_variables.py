from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel.models import GlobalVariable
from omnichannel.variables import ensure_read_only_set
from tests.factories_api import caller

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/variables/"


@pytest.fixture
def content():
    return caller("content")


def test_variable_is_created_read_changed_and_deleted(content):
    made = content.post(ROUTE, {"key": "season", "value": "Spring"})
    address = f"{ROUTE}{made.data['id']}/"

    assert made.status_code == 201
    assert content.get(address).data["value"] == "Spring"
    assert content.patch(address, {"value": "Summer"}).data["value"] == "Summer"
    assert content.put(address, {"key": "time", "value": "Noon"}).data["key"] == "time"
    assert content.delete(address).status_code == 204
    assert content.get(address).status_code == 404


def test_history_names_the_key(content):
    made = content.post(ROUTE, {"key": "season", "value": "Spring"})
    content.patch(f"{ROUTE}{made.data['id']}/", {"value": "Summer"})
    content.delete(f"{ROUTE}{made.data['id']}/")

    rows = GlobalVariable.history.values_list("history_type", "history_change_reason")
    assert dict(rows) == dict.fromkeys("+~-", f"API key {content.key}")
    assert set(GlobalVariable.history.values_list("history_user", flat=True)) == {None}


def test_list_is_filtered_searched_ordered_and_paged(content):
    for key in ("a", "b", "c"):
        GlobalVariable.objects.create(key=key, value=f"value of {key}")

    def keys(query):
        return [row["key"] for row in content.get(f"{ROUTE}?{query}").data["results"]]

    assert keys("key=b") == ["b"]
    assert keys("search=of+c") == ["c"]
    assert keys("ordering=-key") == ["c", "b", "a"]
    assert keys("is_read_only=true") == []
    assert keys("page_size=2&page=2") == ["c"]
    page = content.get(f"{ROUTE}?page_size=2").data
    assert (page["count"], page["previous"]) == (3, None)
    assert "page=2" in page["next"]


@pytest.mark.parametrize(
    "query",
    ["kee=b", "key=", "ordering=secret", "is_read_only=maybe", "page_size=0", "page_size=201"],
)
def test_what_a_list_does_not_understand_is_refused(content, query):
    answer = content.get(f"{ROUTE}?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_of_the_read_only_set_only_the_value_changes(content):
    ensure_read_only_set()
    address = f"{ROUTE}{GlobalVariable.objects.get(key='company_name').pk}/"

    assert content.patch(address, {"value": "Example Ltd"}).status_code == 200
    assert content.patch(address, {"key": "other"}).status_code == 400
    assert content.delete(address).status_code == 409
    assert content.post(ROUTE, {"key": "facebook"}).status_code == 400
    assert GlobalVariable.objects.get(key="company_name").value == "Example Ltd"


@pytest.mark.parametrize("key", ["Bad key", "", "a" * 61, "season", 5, None])
def test_bad_key_is_named(content, key):
    GlobalVariable.objects.create(key="season")

    answer = content.post(ROUTE, {"key": key, "value": "x"})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["key"]


def test_only_what_was_given_is_written(content):
    made = content.post(ROUTE, {"key": "season", "value": "Spring", "description": "Of the year"})

    with CaptureQueriesContext(connection) as captured:
        content.patch(f"{ROUTE}{made.data['id']}/", {"value": "Summer"})

    [written] = [q["sql"] for q in captured if q["sql"].startswith("UPDATE")]
    assert '"value" = ' in written
    assert "description" not in written
