"""The page of figures, and blocking from it."""

from __future__ import annotations

import datetime
import json

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from otp import fraud
from otp.admin.fraud_pages import chart
from otp.choices import EntryKind, Verdict
from otp.fraud import Traffic
from otp.models import BlockedPrefix, OtpEntry
from tests.otp.admin.posted import BLOCKS, FIGURES, SUBMITTED, client_with
from tests.otp.factories import make_configuration, make_entry

pytestmark = pytest.mark.django_db


def ago(**time):
    return timezone.now() - datetime.timedelta(**time)


def make_traffic(prefix, sends, verified, *, country="US", at=None):
    values = {"prefix": prefix, "country": country, "at": at or ago(minutes=5)}
    for number in range(sends):
        make_entry(kind=EntryKind.SENT, message_id=number + 1, **values)
    for _ in range(verified):
        make_entry(kind=EntryKind.CHECKED, outcome=Verdict.APPROVED, **values)


def test_figures_stand_by_country_and_by_prefix(admin_client):
    make_traffic("+1202555", 4, 3)
    make_traffic("+4420794600", 2, 0, country="GB")
    make_entry(kind=EntryKind.REFUSED, outcome="cool_down", country="US", at=ago(minutes=1))

    context = admin_client.get(FIGURES).context

    assert context["total"][1:] == (6, 3, 1)
    assert [(row.key, row.conversion) for row, _ in context["countries"]] == [("US", 75), ("GB", 0)]
    assert [line["row"].key for line in context["prefixes"]] == ["+1202555", "+4420794600"]


def test_period_decides_what_is_counted(admin_client):
    make_traffic("+1202555", 1, 0)
    make_traffic("+1202555", 2, 0, at=ago(days=3))
    make_traffic("+1202555", 4, 0, at=ago(days=20))

    counts = {
        period: admin_client.get(FIGURES, {"period": period}).context["total"].sends
        for period in ("day", "week", "month", "nonsense")
    }

    assert counts == {"day": 1, "week": 3, "month": 7, "nonsense": 1}


def test_hours_without_codes_are_in_the_chart(admin_client):
    make_traffic("+1202555", 3, 0)

    drawn = json.loads(admin_client.get(FIGURES).context["chart"])

    assert len(drawn["labels"]) == 25
    assert sum(drawn["datasets"][0]["data"]) == 3


def test_chart_puts_each_day_in_its_place():
    until = datetime.datetime(2026, 3, 8, 12, tzinfo=datetime.UTC)
    day = until.replace(day=3, hour=0)

    drawn = chart([Traffic(day, 5, 2, 1)], until - datetime.timedelta(days=7), until, "day")

    assert drawn["labels"][2] == "Mar 03"
    assert [bars["data"][2] for bars in drawn["datasets"]] == [5, 2, 1]
    assert sum(map(sum, (bars["data"] for bars in drawn["datasets"]))) == 8


def test_prefix_whose_codes_nobody_enters_is_marked(admin_client):
    make_configuration(is_default=True, conversion_after=10, conversion_floor_percent=50)
    make_traffic("+1202555", 10, 4)
    make_traffic("+1303555", 9, 0)
    make_traffic("+1404555", 10, 5)

    lines = admin_client.get(FIGURES).context["prefixes"]

    assert {line["row"].key: line["is_low"] for line in lines} == {
        "+1202555": True,
        "+1303555": False,
        "+1404555": False,
    }


def test_empty_page_says_what_to_do(admin_client):
    page = admin_client.get(FIGURES).text

    assert "No codes by SMS in the last 24 hours" in page
    assert "send a test code" in page


def test_prefix_is_blocked_from_its_row_and_the_page_comes_back(admin_client):
    make_traffic("+1202555", 1, 0)
    query = "?prefix=%2B1202555&period=week"
    url = f"{BLOCKS}block/{query}"

    assert url.replace("&", "&amp;") in admin_client.get(FIGURES, {"period": "week"}).text
    assert 'value="+1202555"' in admin_client.get(url).text
    response = admin_client.post(url, {**SUBMITTED, "prefix": "+1202555", "note": "Ticket 7"})

    block = BlockedPrefix.objects.get()
    assert response.headers["HX-Redirect"] == f"{FIGURES}?period=week"
    assert (block.note, block.created_by.username, block.until) == ("Ticket 7", "admin", None)
    assert OtpEntry.objects.filter(kind=EntryKind.BLOCKED, prefix="+1202555").exists()
    assert LogEntry.objects.get().change_message == "Blocked: Ticket 7"


def test_row_below_a_shorter_block_says_that_it_is_blocked(admin_client):
    make_traffic("+1202555", 1, 0)
    block = fraud.block_prefix("+1202", at=timezone.now(), note="All of it")

    page = admin_client.get(FIGURES)

    assert f"{BLOCKS}{block.pk}/change/" in page.text
    assert "block/?prefix" not in page.text


def test_block_can_end_by_itself(admin_client):
    admin_client.post(
        f"{BLOCKS}block/", {**SUBMITTED, "prefix": "+1202555", "note": "x", "days": "7"}
    )

    left = BlockedPrefix.objects.get().until - timezone.now()
    assert datetime.timedelta(days=6, hours=23) < left <= datetime.timedelta(days=7)


@pytest.mark.parametrize("prefix", ["", "1202", "+0", "+12 34", "+" + "1" * 16, "x" * 300])
def test_what_is_no_prefix_is_refused_in_the_dialog(admin_client, prefix):
    response = admin_client.post(f"{BLOCKS}block/", {**SUBMITTED, "prefix": prefix, "note": "x"})

    assert "HX-Redirect" not in response.headers
    assert not BlockedPrefix.objects.exists()


def test_block_needs_a_reason(admin_client):
    admin_client.post(f"{BLOCKS}block/", {**SUBMITTED, "prefix": "+1202555"})

    assert not BlockedPrefix.objects.exists()


def test_block_is_lifted_once_and_stays_to_be_seen(admin_client):
    block = fraud.block_prefix("+1202555", at=ago(hours=1), note="Wrong")

    for _ in range(2):
        admin_client.post(f"{BLOCKS}{block.pk}/lift/", SUBMITTED)

    block.refresh_from_db()
    assert block.lifted_at
    assert OtpEntry.objects.filter(kind=EntryKind.LIFTED).count() == 1
    assert admin_client.get(BLOCKS, {"state": "lifted"}).context["cl"].result_count == 1
    assert admin_client.get(BLOCKS).context["cl"].result_count == 0


def test_state_of_a_block_is_told(admin_client):
    fraud.block_prefix("+1202", at=ago(days=2), until=ago(days=1))
    fraud.block_prefix("+1303", at=ago(days=2))

    def found(state):
        rows = admin_client.get(BLOCKS, {"state": state}).context["cl"].queryset
        return [row.prefix for row in rows]

    assert (found(""), found("over")) == (["+1303"], ["+1202"])
    assert sorted(found("any")) == ["+1202", "+1303"]


def test_who_may_only_look_neither_blocks_nor_lifts(db):
    client = client_with("view_otpchallenge", "view_blockedprefix")
    make_traffic("+1202555", 1, 0)
    block = fraud.block_prefix("+1303555", at=timezone.now())

    assert "Block prefix" not in client.get(FIGURES).text
    refused = client.post(f"{BLOCKS}block/", {**SUBMITTED, "prefix": "+1202", "note": "x"})
    kept = client.post(f"{BLOCKS}{block.pk}/lift/", SUBMITTED)

    assert (refused.status_code, kept.status_code) == (403, 403)
    assert list(BlockedPrefix.objects.in_force(timezone.now())) == [block]


def test_page_is_not_for_everybody(db):
    assert client_with("view_otpentry").get(FIGURES).status_code == 403
