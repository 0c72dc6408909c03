from __future__ import annotations

import pytest
from django.core.cache import cache
from django.utils import timezone

from campaigns import report
from omnichannel.choices import EventType, MessageStatus
from omnichannel.exceptions import TooSlow
from omnichannel.models import MessageEvent
from tests.factories import make_message, make_provider
from tests.factories_api import caller
from tests.factories_campaigns import make_campaign, make_people, make_run

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/campaigns/"


@pytest.fixture(autouse=True)
def no_figures_of_other_tests():
    cache.clear()


@pytest.fixture
def client():
    return caller("read")


@pytest.fixture
def run():
    """Of two messages: one opened and clicked, one failed."""
    campaign = make_campaign(status="finished")
    run = make_run(campaign, status="finished", expanded=2)
    run.written_at = timezone.now()
    run.save()
    values = {"provider": campaign.provider, "job": run.job}
    good = make_message(to_address="a@example.com", status=MessageStatus.SENT, **values)
    make_message(
        to_address="b@example.net", status=MessageStatus.FAILED, error_code="550", **values
    )
    for kind in (EventType.SENT, EventType.OPENED, EventType.CLICKED):
        MessageEvent.objects.create(
            message=good,
            provider=campaign.provider,
            type=kind,
            at=timezone.now(),
            url="https://shop.example.com/" if kind == EventType.CLICKED else "",
        )
    return run


def test_pre_flight_says_who_would_get_it_and_what_stands_in_the_way(client):
    provider = make_provider(from_address="news@example.com")
    people = make_people(["a@example.com", "", "nobody"])
    good = make_campaign(provider=provider, audience=people)
    bad = make_campaign(provider=provider, audience=make_people([]))

    found = client.get(f"{ROUTE}{good.pk}/pre-flight/").json()
    refused = client.get(f"{ROUTE}{bad.pk}/pre-flight/").json()

    assert (found["problems"], found["provider"]) == ([], provider.pk)
    assert (found["records"], found["recipients"]) == (3, 1)
    assert (found["without_address"], found["malformed"]) == (1, 1)
    assert any("is empty" in text for text in refused["problems"])


def test_stats_count_the_messages_by_status(client, run):
    found = client.get(f"{ROUTE}{run.campaign_id}/stats/").json()

    assert (found["status"], found["job"], found["recipients"]) == ("finished", run.job_id, 2)
    assert (found["by_status"]["sent"], found["by_status"]["failed"]) == (1, 1)
    assert set(found["by_status"]) == set(MessageStatus.values)
    assert found["percent"] == 100


def test_campaign_that_has_not_run_has_no_figures(client):
    campaign = make_campaign()

    stats = client.get(f"{ROUTE}{campaign.pk}/stats/").json()
    told = client.get(f"{ROUTE}{campaign.pk}/report/").json()

    assert (stats["job"], stats["recipients"], stats["percent"]) == (None, 0, 0)
    assert (told["recipients"], told["links"], told["series"]["labels"]) == (0, [], [])


def test_report_has_what_was_opened_clicked_and_refused(client, run):
    told = client.get(f"{ROUTE}{run.campaign_id}/report/").json()

    assert (told["recipients"], told["sent"], told["is_whole"]) == (2, 1, True)
    assert (told["reached"]["opened"], told["reached"]["clicked"]) == (1, 1)
    assert told["failures"] == [{"code": "550", "reason": "", "number": 1}]
    assert told["links"][0]["href"] == "https://shop.example.com/"
    assert {each["name"]: each["failed"] for each in told["domains"]} == {
        "example.com": 0,
        "example.net": 1,
    }
    assert sum(told["series"]["values"]["opened"]) == 1


def test_report_of_one_run_leaves_the_others_out(client, run):
    other = make_run(run.campaign, status="finished")
    address = f"{ROUTE}{run.campaign_id}/report/"

    assert client.get(f"{address}?job={other.job_id}").json()["sent"] == 0
    assert client.get(f"{address}?job={run.job_id}").json()["sent"] == 1
    assert client.get(f"{address}?job={make_run(make_campaign()).job_id}").status_code == 404
    assert client.get(f"{address}?job=x").status_code == 400


def test_report_that_takes_too_long_says_so(client, run, monkeypatch):
    def too_slow(*_args, **_more):
        raise TooSlow("Stopped.")

    monkeypatch.setattr(report, "of", too_slow)

    answer = client.get(f"{ROUTE}{run.campaign_id}/report/")

    assert (answer.status_code, answer.json()["code"]) == (503, "too_slow")


def test_messages_that_failed_are_sent_again(run):
    client = caller("campaign")
    address = f"{ROUTE}{run.campaign_id}/send-again/"

    answer = client.post(address, {})

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["messages"]) == ("running", 1)
    assert run.job.messages.filter(status=MessageStatus.NEW).count() == 1
    assert client.post(address, {"uncertain": "yes"}).status_code == 400
    assert client.post(address, {}).status_code == 409
