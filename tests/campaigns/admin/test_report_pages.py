"""The page of a campaign's report."""

from __future__ import annotations

from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import report as reports
from omnichannel.choices import JobStatus
from omnichannel.exceptions import TooSlow
from omnichannel.models import Job
from tests.factories import NOW, make_message
from tests.factories_campaigns import make_campaign, make_run
from tests.factories_reports import make_event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def url(campaign, name="campaign_report"):
    return reverse(f"admin:{name}", args=[campaign.pk])


def shown(client, campaign, **query):
    response = client.get(url(campaign), query)
    assert response.status_code == 200
    return response.content.decode()


def make_reported(**values):
    """A campaign with an ended run of two messages, one of them opened and clicked."""
    campaign = make_campaign(**values)
    run = make_run(campaign, status=JobStatus.FINISHED, finished_at=NOW)
    messages = [
        make_message(provider=run.job.provider, job=run.job, status="delivered") for _ in range(2)
    ]
    make_event(messages[0], "opened")
    make_event(messages[0], "clicked", code="1", url="https://example.com/<b>")
    return campaign


def test_the_report_states_rates_and_what_they_are_of(admin_client):
    page = " ".join(shown(admin_client, make_reported()).split())

    assert "50.0 %" in page
    assert "of recipients" in page
    assert "of sent" in page
    assert "https://example.com/&lt;b&gt;" in page
    assert "example.com" in page


def test_a_campaign_that_has_not_run_says_so(admin_client):
    assert "has not run yet" in shown(admin_client, make_campaign())


def test_one_run_can_be_chosen(admin_client):
    campaign = make_reported()
    second = make_run(campaign, expected=5, expanded=5)
    for _ in range(5):
        make_message(provider=second.job.provider, job=second.job)

    assert '"data": [7' in shown(admin_client, campaign).replace("&quot;", '"')
    page = shown(admin_client, campaign, run=second.pk).replace("&quot;", '"')
    assert '"data": [5' in page


def test_two_campaigns_stand_side_by_side(admin_client):
    campaign, other = make_reported(), make_reported(name="Autumn <sale>")

    page = shown(admin_client, campaign, **{"with": other.pk})

    assert "Domains, " in page
    assert "Autumn &lt;sale&gt;" in page
    assert "Autumn <sale>" not in page
    assert page.count("50.0 %") >= 4


def test_a_campaign_to_compare_with_that_never_ran_is_told(admin_client):
    other = make_campaign()

    page = shown(admin_client, make_reported(), **{"with": other.pk})

    assert "nothing to compare with" in page


def test_a_code_leads_to_its_messages(admin_client):
    campaign = make_reported()
    job = campaign.jobs().get()
    make_message(provider=job.provider, job=job, status="failed", error_code="5.1.1 & more")

    page = shown(admin_client, campaign)

    query = f"since=&amp;campaign={campaign.pk}&amp;status=failed&amp;error_code=5.1.1%20%26%20more"
    assert query in page
    found = admin_client.get(reverse("admin:communication_report") + "?" + unescape(query))
    assert "1 message," in found.content.decode()


def test_deleted_messages_are_said_on_the_page(admin_client):
    campaign = make_reported()
    Job.objects.update(purged_counts={"sent": 1_200})

    page = shown(admin_client, campaign)

    assert "1,200 of 1,202 messages were deleted" in page
    assert "at least" in page


@pytest.mark.parametrize(
    "query",
    [
        {"run": "x"},
        {"run": "9" * 40},
        {"with": "\0"},
        {"with": "9" * 40},
        {"with": "²"},
        {"with": "-1"},
        {"run": ["1", "2"], "with": ""},
    ],
)
def test_a_hostile_address_is_not_an_error(admin_client, query):
    shown(admin_client, make_reported(), **query)


def test_the_file_is_named_after_the_campaign(admin_client):
    campaign = make_reported(identifier="spring")

    answer = admin_client.get(url(campaign, "campaign_report_csv"))

    assert answer["Content-Disposition"] == 'attachment; filename="spring-report.csv"'
    assert "Figures,Opened,1,50.00,sent," in answer.content.decode()


def test_the_file_of_a_campaign_that_never_ran_is_empty_and_no_error(admin_client):
    answer = admin_client.get(url(make_campaign(), "campaign_report_csv"))

    assert "Figures,Recipients,0,,," in answer.content.decode()


def test_counting_that_was_stopped_is_told(admin_client, monkeypatch):
    def stop(*_):
        raise TooSlow

    campaign = make_reported()
    monkeypatch.setattr(reports, "recent", stop)

    assert "Counting took too long" in shown(admin_client, campaign)
    assert admin_client.get(url(campaign, "campaign_report_csv"))["Location"] == url(campaign)


def test_the_report_needs_the_right_to_view_campaigns(client):
    campaign = make_reported()
    user = User.objects.create_user("operator", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_message"))
    client.force_login(user)

    for name in ("campaign_report", "campaign_report_csv"):
        assert client.get(url(campaign, name)).status_code == 403


def test_the_campaign_and_its_live_page_lead_to_the_report(admin_client):
    campaign = make_reported()

    for name in ("campaigns_campaign_change", "campaign_live"):
        page = admin_client.get(url(campaign, name)).content.decode()
        assert "open-report" in page, name

    answer = admin_client.get(reverse("admin:campaigns_campaign_report", args=[campaign.pk]))
    assert answer["Location"] == url(campaign)


def test_a_report_that_is_kept_asks_little(admin_client):
    campaign = make_reported()
    shown(admin_client, campaign)

    with CaptureQueriesContext(connection) as queries:
        shown(admin_client, campaign)

    assert not [q for q in queries if "omnichannel_messageevent" in q["sql"]]
