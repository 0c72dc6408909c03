"""The page and the file of the communication report."""

from __future__ import annotations

import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnichannel import reports
from omnichannel.exceptions import TooSlow
from tests.factories import make_message, make_provider
from tests.factories_reports import make_event, make_job, make_many
from tests.omnichannel.admin.posted import client_with

pytestmark = pytest.mark.django_db
PAGE = "/admin/omnichannel/message/report/"
EXPORT = f"{PAGE}export/"
HUGE = "9" * 40


def shown(client, **query):
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_message_of_the_last_week_is_shown_with_what_became_of_it(admin_client):
    at = timezone.now()
    message = make_message(
        created_at=at,
        to_address="ana@example.com",
        status="failed",
        error_code="550",
        error_message="No such mailbox",
        job=make_job(name="Spring sale"),
        provider=make_provider(name="Relay"),
    )
    make_event(message, "delivered", at=at)
    make_message(created_at=at - datetime.timedelta(days=9), to_address="old@example.com")

    page = shown(admin_client)

    for text in ("ana@example.com", "550", "No such mailbox", "Spring sale", "Relay", "Failed"):
        assert text in page
    assert f"/admin/omnichannel/message/{message.pk}/change/" in page
    assert "old@example.com" not in page
    assert "old@example.com" in shown(admin_client, since="")


def test_the_last_day_is_a_whole_day(admin_client):
    make_message(created_at=datetime.datetime(2026, 3, 2, 23, 59, 59, tzinfo=datetime.UTC))

    assert "1 message," in shown(admin_client, since="2026-03-02", until="2026-03-02")
    assert "No messages" in shown(admin_client, since="2026-03-01", until="2026-03-01")


def test_filters_stay_in_the_address_of_the_next_page(admin_client, monkeypatch):
    monkeypatch.setattr(reports, "PAGE", 2)
    ids = make_many(5, status="failed", created_at=timezone.now())

    page = shown(admin_client, status="error", error_code="", since="")

    assert f'href="?status=error&amp;since=&amp;before={ids[3]}"' in page
    older = shown(admin_client, status="error", since="", before=ids[3])
    assert f"/{ids[2]}/change/" in older
    assert f'after={ids[2]}"' in older


def test_an_empty_report_says_so(admin_client):
    assert "Nothing matches these filters" in shown(admin_client)


def test_a_search_that_is_not_over_offers_to_go_on(admin_client, monkeypatch):
    make_message()
    monkeypatch.setattr(reports, "page", lambda *_: reports.Page([], searched_to=1))

    page = shown(admin_client)

    assert "Nothing found yet" in page
    assert "before=1" in page


def test_a_search_that_was_stopped_is_told(admin_client, monkeypatch):
    def stop(*_):
        raise TooSlow("The search took too long and was stopped.")

    monkeypatch.setattr(reports, "page", stop)

    assert "took too long" in shown(admin_client)


@pytest.mark.parametrize(
    "query",
    [
        {"channel": "pigeon"},
        {"status": "lost"},
        {"since": "yesterday"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"since": "2026-03-02", "until": "2026-03-01"},
        {"template": HUGE},
        {"job": "-1"},
        {"campaign": "x' OR 1=1 --"},
        {"provider": HUGE},
        {"category": "\0"},
        {"address": "a\0b"},
        {"address": "a" * 5_000},
        {"error_code": "\x00"},
    ],
)
def test_a_filter_that_makes_no_sense_is_marked(admin_client, query):
    make_message(created_at=timezone.now())

    page = shown(admin_client, **query)

    assert "Mend what is marked above" in page
    assert "report-error" in page


@pytest.mark.parametrize(
    "query",
    [
        {"before": HUGE},
        {"after": "²"},
        {"before": "-1"},
        {"after": "9" * 18},
        {"before": "0"},
        {"job": str(2**63 - 1)},
        {"campaign": str(2**63 - 1)},
        {"address": "<script>alert(1)</script>"},
        {"address": '"><img src=x>', "status": "failed"},
        {"error_code": "%' --"},
        {"unknown": "1"},
        {"since": ["2026-03-01", "2026-03-02"]},
    ],
)
def test_a_hostile_address_is_not_an_error(admin_client, query):
    make_message(created_at=timezone.now())

    page = shown(admin_client, **query)

    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_long_values_are_shown_whole_as_titles(admin_client):
    long = "a" * 60 + "@" + ".".join(["b" * 60] * 4) + ".example.com"
    make_message(created_at=timezone.now(), to_address=long, error_message="x" * 2_000)

    assert f'title="{long}"' in shown(admin_client)


def test_a_full_page_asks_no_more_than_a_short_one(admin_client):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            shown(admin_client, since="")
        return len(queries)

    make_message(created_at=timezone.now())
    few = asked()
    for _ in range(20):
        make_many(2, job=make_job(), created_at=timezone.now())

    assert asked() <= few + 2  # the names of jobs


def test_the_report_needs_the_right_to_view_messages():
    assert client_with("view_job").get(PAGE).status_code == 403


def test_the_file_needs_a_right_of_its_own():
    client = client_with("view_message")
    make_message(created_at=timezone.now())

    assert client.post(EXPORT).status_code == 403
    assert "Export as CSV" not in shown(client)


def test_a_file_is_not_made_by_a_link(admin_client):
    assert admin_client.get(EXPORT).status_code == 405


def test_the_file_holds_the_filtered_rows_and_the_log_who_took_it():
    client = client_with("view_message", "export_message")
    make_message(created_at=timezone.now(), to_address="ana@example.com", status="failed")
    make_message(created_at=timezone.now(), to_address="bea@example.com")

    answer = client.post(f"{EXPORT}?status=error&since=2026-03-01&until=2099-03-05")

    text = b"".join(answer.streaming_content).decode()
    assert "ana@example.com" in text
    assert "bea@example.com" not in text
    named = 'attachment; filename="communication-report-2026-03-01-to-2099-03-05.csv"'
    assert answer["Content-Disposition"] == named
    entry = LogEntry.objects.get()
    assert entry.user.username == "op"
    assert "Status: error, Since: 2026-03-01" in entry.change_message


def test_a_file_of_a_filter_that_makes_no_sense_leads_back(admin_client):
    answer = admin_client.post(f"{EXPORT}?job=none")

    assert answer.status_code == 302
    assert answer["Location"] == f"{PAGE}?job=none"
