from __future__ import annotations

import time

import pytest
from django.urls import reverse

from campaigns import members, removal
from campaigns.choices import ImportStatus
from campaigns.models import Audience, AudienceMember
from campaigns.removal import AudienceInUse, ask_removal, remove_asked, remove_audience
from tests.factories import NOW
from tests.factories_audience import make_audience, make_import, make_member

pytestmark = pytest.mark.django_db


def test_an_audience_is_removed_with_its_records_in_pages(monkeypatch):
    monkeypatch.setattr(members, "PAGE", 2)
    audience, other = make_audience(), make_member(make_audience())
    for _ in range(5):
        make_member(audience)

    assert remove_audience(audience) == 5
    assert list(AudienceMember.objects.all()) == [other]
    assert not Audience.objects.filter(pk=audience.pk).exists()


def test_an_audience_with_a_running_import_is_kept():
    row = make_import("email\n", status=ImportStatus.RUNNING)

    with pytest.raises(AudienceInUse, match="Cancel it first"):
        ask_removal(row.audience, at=NOW)


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(removal, "AT_ONCE", 2)
    audience = make_audience(name="Everybody")
    for _ in range(5):
        make_member(audience)
    Audience.objects.filter(pk=audience.pk).update(records_count=5)
    audience.refresh_from_db()
    return audience


def test_a_small_audience_goes_at_once():
    audience = make_audience()

    assert ask_removal(audience, at=NOW) is True
    assert not Audience.objects.exists()


def test_a_large_audience_is_hidden_at_once_and_deleted_by_the_tick(large):
    gone = ask_removal(large, at=NOW)
    large.refresh_from_db()
    name, is_active = large.name, large.is_active

    removed = remove_asked(until=time.monotonic() + 5, stopped=lambda: False)

    assert (gone, is_active, removed) == (False, False, 5)
    assert name != "Everybody"
    assert not Audience.objects.exists()


def test_the_tick_goes_on_where_it_was_broken_off(large, monkeypatch):
    monkeypatch.setattr(members, "PAGE", 2)
    ask_removal(large, at=NOW)

    stops = iter([False, True])
    first = remove_asked(until=time.monotonic() + 5, stopped=lambda: next(stops))
    second = remove_asked(until=time.monotonic() + 5, stopped=lambda: False)

    assert (first, second) == (2, 3)


def test_an_audience_being_deleted_is_not_listed(large, admin_client):
    url = reverse("admin:campaigns_audience_delete", args=[large.pk])
    answer = admin_client.post(url, {"post": "yes"}, follow=True)

    assert "deleted in the background" in answer.content.decode()
    assert Audience.objects.get().removal_asked_at is not None
    assert (
        "(being deleted"
        not in admin_client.get(reverse("admin:campaigns_audience_changelist")).content.decode()
    )
