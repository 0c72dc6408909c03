from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User

from omnichannel import template_names
from omnichannel.models import GlobalVariable
from omnichannel.template_names import Group, Name, properties, said_of
from tests.factories_audience import make_audience

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    """Someone who may see audiences, and no more."""
    user = User.objects.create_user("reader")
    user.user_permissions.add(Permission.objects.get(codename="view_audience"))
    return User.objects.get(pk=user.pk)


def names(groups, title: str) -> dict[str, str]:
    found = [group for group in groups if group["title"] == title]
    return {entry["name"]: entry["wins"] for group in found for entry in group["names"]}


def test_groups_come_in_the_order_of_precedence(admin_user):
    make_audience(columns=["first_name"])
    GlobalVariable.objects.create(key="season", value="Spring")

    titles = [group["title"] for group in template_names.groups(admin_user)]

    assert titles == ["Recipient", "Global, read-only set", "Global, editable", "System"]


def test_columns_of_every_audience_are_listed_once_with_where_they_are_from(reader):
    make_audience(name="Old", columns=["first_name", "not a name"])
    make_audience(name="New", columns=["first_name", "city"])
    make_audience(name="Gone", columns=["lost"], is_active=False)

    [group] = [g for g in template_names.groups(reader) if g["title"] == "Recipient"]

    assert [(entry["name"], entry["hint"]) for entry in group["names"]] == [
        ("email", "The record's e-mail address"),
        ("phone", "The record's phone number"),
        ("first_name", "New, Old"),
        ("city", "New"),
    ]


@pytest.mark.parametrize(
    "user", [AnonymousUser(), User(username="nobody")], ids=["anonymous", "new"]
)
def test_who_may_not_see_audiences_sees_no_columns(user):
    make_audience(columns=["first_name"])
    if user.username:
        user.save()

    assert not names(template_names.groups(user), "Recipient")


def test_it_is_said_which_of_two_equal_names_wins(reader):
    make_audience(columns=["season", "city"])
    GlobalVariable.objects.create(key="season", value="Spring")

    groups = template_names.groups(reader)

    assert names(groups, "Recipient")["season"] == "season alone means this one."
    assert names(groups, "Recipient")["city"] == ""
    assert names(groups, "Global, editable") == {
        "global.season": "season alone means the one of: Recipient."
    }


def test_system_value_is_never_meant_by_a_bare_name(reader):
    make_audience(columns=["today"])

    groups = template_names.groups(reader)

    assert names(groups, "System")["system.today"] == ""
    assert names(groups, "Recipient")["today"] == ""


def test_event_stands_between_recipient_and_global(monkeypatch, reader):
    make_audience(columns=["city"])
    event = Group("Event", 2, [Name("event.city", "Order placed")])
    monkeypatch.setattr(template_names, "event_group", lambda user: event)

    groups = template_names.groups(reader)

    assert [group["title"] for group in groups][:2] == ["Recipient", "Event"]
    assert names(groups, "Event") == {"event.city": "city alone means the one of: Recipient."}


def test_only_properties_that_a_template_can_write_are_named():
    schema = {"properties": {"order_id": {}, "not a name": {}, "_hidden": {}}}

    assert properties(schema) == ["order_id"]
    assert properties(None) == properties({"properties": []}) == properties([]) == []


def test_long_list_of_origins_is_cut():
    assert said_of(["A", "B", "C", "D", "E"]) == "A, B, C and 2 more"


def test_many_audiences_cost_no_more_queries(reader, django_assert_max_num_queries):
    for _ in range(5):
        make_audience(columns=["first_name"])
    reader.get_all_permissions()

    with django_assert_max_num_queries(3):
        template_names.groups(reader)
