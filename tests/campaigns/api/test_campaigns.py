from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from omnichannel.choices import ChannelType
from omnichannel.models import Job, Label, MessageTemplate
from tests.factories import make_provider
from tests.factories_api import caller
from tests.factories_campaigns import (
    make_calendar,
    make_campaign,
    make_people,
    make_published_template,
)

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/campaigns/"
LATER = "2999-01-01T00:00:00Z"


@pytest.fixture
def client():
    return caller("campaign")


@pytest.fixture
def recipe():
    return {
        "name": "Spring offer",
        "template": make_published_template().pk,
        "audience": make_people(["a@example.com"]).pk,
    }


def test_draft_is_made_changed_and_deleted(client, recipe):
    tag = Label.objects.create(name="Sale")

    made = client.post(ROUTE, {**recipe, "tags": [tag.pk], "starts_at": LATER}).data
    address = f"{ROUTE}{made['id']}/"
    changed = client.patch(address, {"priority": 1, "from_address": "News@EXAMPLE.com"}).data

    assert (made["status"], made["identifier"], made["channel_type"]) == (
        "draft",
        "spring-offer",
        "email",
    )
    assert (changed["priority"], changed["from_address"]) == (1, "News@example.com")
    assert (changed["tags"], changed["starts_at"]) == ([tag.pk], LATER)
    assert client.delete(address).status_code == 204
    assert not Campaign.objects.exists()


def test_new_campaign_has_the_priority_of_its_template_unless_it_says_another(client, recipe):
    MessageTemplate.objects.update(priority=3)

    told = client.post(ROUTE, {**recipe, "name": "One"}).data
    chosen = client.post(ROUTE, {**recipe, "name": "Two", "priority": 2}).data

    assert (told["priority"], chosen["priority"]) == (3, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"template": 0}, "template"),
        ({"audience": "1"}, "audience"),
        ({"channel_type": "sms"}, "template"),
        ({"recipient_column": "nothing"}, "recipient_column"),
        ({"from_address": "nobody"}, "from_address"),
        ({"on_holidays": "after"}, "calendar"),
        ({"starts_at": LATER, "ends_at": "2998-01-01T00:00:00Z"}, "ends_at"),
        ({"starts_at": "2998-01-01T00:00:00"}, "starts_at"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"priority": "1"}, "priority"),
        ({"max_delay_days": 366}, "max_delay_days"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(client, recipe, change, field):
    answer = client.post(ROUTE, {**recipe, **change})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_change_is_judged_with_what_stays(client):
    campaign = make_campaign()
    sms = make_provider(channel_type=ChannelType.SMS)

    answer = client.patch(f"{ROUTE}{campaign.pk}/", {"provider": sms.pk})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "provider"


@pytest.mark.parametrize("status", ["scheduled", "running", "paused"])
def test_campaign_under_way_is_neither_changed_nor_deleted(client, status):
    campaign = make_campaign(status=status)
    address = f"{ROUTE}{campaign.pk}/"

    changed = client.patch(address, {"name": "Other"})
    deleted = client.delete(address)

    assert (changed.status_code, deleted.status_code) == (409, 409)
    assert status in changed.json()["detail"]
    assert Campaign.objects.get().name == campaign.name


def test_change_leaves_the_status_that_a_tick_wrote(client):
    campaign = make_campaign(status="finished")

    client.patch(f"{ROUTE}{campaign.pk}/", {"status": "draft", "description": "New"})

    campaign.refresh_from_db()
    assert (campaign.status, campaign.description) == ("finished", "New")


def test_campaign_goes_its_way(client):
    campaign = make_campaign(starts_at=timezone.now() + datetime.timedelta(days=1))
    address = f"{ROUTE}{campaign.pk}/"

    def step(name):
        answer = client.post(f"{address}{name}/")
        return answer.status_code, answer.json().get("status")

    assert step("pause") == (409, 409)
    assert step("schedule") == (200, "scheduled")
    assert step("cancel") == (200, "cancelled")
    assert step("run") == (200, "running")
    assert step("run") == (409, 409)
    assert step("pause") == (200, "paused")
    assert step("resume") == (200, "running")
    assert step("cancel") == (200, "cancelled")
    assert step("resume") == (409, 409)


def test_refusal_is_the_engines_own(client):
    campaign = make_campaign(status=CampaignStatus.FINISHED)

    answer = client.post(f"{ROUTE}{campaign.pk}/pause/")

    assert answer.json()["detail"].startswith(f"{campaign.name} is finished: it cannot become")


def test_campaign_that_is_not_ready_says_why(client):
    campaign = make_campaign(audience=make_people([]))

    answer = client.post(f"{ROUTE}{campaign.pk}/run/")

    assert answer.status_code == 422
    assert "is empty" in answer.json()["detail"]
    assert client.post(f"{ROUTE}{campaign.pk}/schedule/").status_code == 422
    assert not Job.objects.exists()


def test_run_asked_for_twice_is_one_run(client):
    campaign = make_campaign()
    headers = {"Idempotency-Key": "spring"}

    first = client.post(f"{ROUTE}{campaign.pk}/run/", headers=headers)
    again = client.post(f"{ROUTE}{campaign.pk}/run/", headers=headers)

    assert first.json() == again.json()
    assert (again.status_code, Job.objects.count()) == (200, 1)


@pytest.mark.parametrize("step", ["run", "schedule"])
def test_test_key_needs_a_campaign_on_the_sandbox(step):
    tester = caller("campaign", is_test=True)
    starts = timezone.now() + datetime.timedelta(days=1)
    real = make_campaign(provider=make_provider(backend="smtp"), starts_at=starts)
    default = make_campaign(provider=None, starts_at=starts)
    sandbox = make_campaign(provider=make_provider(backend="sandbox"), starts_at=starts)

    answers = [tester.post(f"{ROUTE}{each.pk}/{step}/") for each in (real, default, sandbox)]

    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert "sandbox only" in answers[0].json()["detail"]


@pytest.mark.parametrize("step", ["resume", "send-again", "pause", "cancel"])
def test_test_key_does_not_touch_a_real_run(client, step):
    campaign = make_campaign(provider=make_provider(backend="smtp"))
    client.post(f"{ROUTE}{campaign.pk}/run/")
    client.post(f"{ROUTE}{campaign.pk}/pause/")

    answer = caller("campaign", is_test=True).post(f"{ROUTE}{campaign.pk}/{step}/")

    assert answer.status_code == 403
    assert Campaign.objects.get().status == CampaignStatus.PAUSED


def test_key_that_may_change_audiences_runs_no_campaign():
    campaign = make_campaign()

    assert caller("audience").post(f"{ROUTE}{campaign.pk}/run/").status_code == 403


def test_list_finds_campaigns_with_a_fixed_number_of_queries(client, django_assert_max_num_queries):
    for number in range(8):
        make_campaign(name=f"Offer {number}").tags.add(Label.objects.get_or_create(name="Sale")[0])
    make_campaign(name="Recall", status="finished")

    with django_assert_max_num_queries(6):
        rows = client.get(f"{ROUTE}?search=offer&ordering=name").data["results"]

    assert [row["name"] for row in rows] == [f"Offer {number}" for number in range(8)]
    finished = client.get(f"{ROUTE}?status=finished").data["results"]
    assert [row["name"] for row in finished] == ["Recall"]


def test_calendars_are_read(django_assert_max_num_queries):
    for _ in range(3):
        make_calendar("12-25", "2026-05-14")

    reader = caller("read")
    with django_assert_max_num_queries(5):
        rows = reader.get("/api/v1/calendars/").json()["results"]

    assert [len(row["holidays"]) for row in rows] == [2, 2, 2]
    assert rows[0]["weekend"] == [5, 6]
    assert caller("campaign").post("/api/v1/calendars/", {}).status_code == 405
