from __future__ import annotations

import datetime
import time

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from campaigns import progress, runner
from campaigns.admin import live
from campaigns.admin.campaign_form import CampaignForm
from campaigns.choices import CampaignStatus
from campaigns.expansion import expand
from campaigns.models import Campaign
from omnichannel.choices import JobStatus
from tests.factories import make_message, make_provider
from tests.factories_campaigns import make_campaign, make_people

pytestmark = pytest.mark.django_db

DIALOG = {"_form_submitted": "on"}


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def url(step, campaign):
    names = {"change": "admin:campaigns_campaign_change", "live": "admin:campaign_live"}
    return reverse(names.get(step, f"admin:campaigns_campaign_{step}"), args=[campaign.pk])


def form_of(campaign, **values):
    return {
        "name": campaign.name,
        "identifier": campaign.identifier,
        "channel_type": campaign.channel_type,
        "template": campaign.template_id,
        "audience": campaign.audience_id,
        "priority": "2",
        **values,
    }


def user_with(*codes):
    user = User.objects.create_user("operator", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return user


def status_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


def test_the_run_dialog_shows_how_many_through_what_and_when(admin_client):
    campaign = make_campaign(provider=make_provider(name="GatewayEmail", rate_limit=1))

    page = admin_client.get(url("run", campaign)).content.decode()

    assert "<strong>2</strong>" in page
    assert "GatewayEmail" in page
    assert "0:00:02 at 1 a second" in page


def test_running_leads_to_the_live_page(admin_client):
    campaign = make_campaign()

    answer = admin_client.post(url("run", campaign), DIALOG)

    assert answer["HX-Redirect"] == url("live", campaign)
    assert status_of(campaign) == CampaignStatus.RUNNING
    assert campaign.jobs().get().created_by.username == "admin"


def test_a_campaign_with_problems_stays_in_its_dialog(admin_client):
    campaign = make_campaign(provider=make_provider(is_active=False))

    answer = admin_client.post(url("run", campaign), DIALOG)

    assert "HX-Redirect" not in answer
    assert "is not active: activate it" in answer.content.decode()
    assert status_of(campaign) == CampaignStatus.DRAFT


def test_scheduling_without_a_start_date_says_what_to_do(admin_client):
    campaign = make_campaign()

    answer = admin_client.post(url("schedule", campaign), DIALOG)

    assert "Enter a start date in the future first" in answer.content.decode()
    assert status_of(campaign) == CampaignStatus.DRAFT


def test_a_campaign_is_scheduled_and_the_schedule_cancelled(admin_client):
    campaign = make_campaign(starts_at=timezone.now() + datetime.timedelta(days=1))

    admin_client.post(url("schedule", campaign), DIALOG)
    scheduled = status_of(campaign)
    admin_client.post(url("cancel", campaign), DIALOG)

    assert (scheduled, status_of(campaign)) == (
        CampaignStatus.SCHEDULED,
        CampaignStatus.CANCELLED,
    )


def test_a_campaign_is_paused_resumed_and_cancelled_in_the_browser(admin_client):
    campaign = make_campaign()
    seen = []
    for step in ("run", "pause", "resume", "cancel"):
        admin_client.post(url(step, campaign), DIALOG)
        seen.append(status_of(campaign))

    assert seen == ["running", "paused", "running", "cancelled"]
    assert campaign.jobs().get().status == JobStatus.CANCELLED


def test_who_ran_a_campaign_is_in_its_history(admin_client):
    campaign = make_campaign(name="Spring offer")
    admin_client.post(url("run", campaign), DIALOG)

    history = admin_client.get(reverse("admin:campaigns_campaign_history", args=[campaign.pk]))

    assert "Spring offer is running." in history.content.decode()


def test_a_step_the_state_forbids_is_refused_with_a_message(admin_client):
    campaign = make_campaign()

    answer = admin_client.post(url("pause", campaign), DIALOG)
    page = admin_client.get(answer["HX-Redirect"]).content.decode()

    assert "it cannot become paused" in page


def test_only_the_steps_of_the_state_are_offered(admin_client):
    campaign = make_campaign()
    draft = admin_client.get(url("change", campaign)).content.decode()
    runner.start(campaign, by=None, at=timezone.now())
    running = admin_client.get(url("live", campaign)).content.decode()

    assert url("run", campaign) in draft
    assert url("pause", campaign) not in draft
    assert url("pause", campaign) in running
    assert url("run", campaign) not in running


@pytest.mark.parametrize("step", ["run", "schedule", "pause", "resume", "resend", "cancel"])
def test_steps_need_the_permission_to_launch(client, step):
    client.force_login(user_with("view_campaign", "change_campaign"))
    campaign = make_campaign()

    assert client.post(url(step, campaign), DIALOG).status_code == 403
    assert status_of(campaign) == CampaignStatus.DRAFT


def test_cloning_needs_the_permission_to_add(client):
    client.force_login(user_with("view_campaign", "launch_campaign"))

    assert client.post(url("clone", make_campaign()), DIALOG).status_code == 403
    assert Campaign.objects.count() == 1


@pytest.mark.parametrize("name", ["campaign_live", "campaign_live_panel", "campaign_live_chart"])
def test_the_live_page_needs_the_permission_to_view(client, name):
    client.force_login(user_with("view_audience"))

    assert client.get(reverse(f"admin:{name}", args=[make_campaign().pk])).status_code == 403


@pytest.mark.parametrize("name", ["campaign_live", "campaign_live_panel", "campaign_live_chart"])
def test_a_campaign_that_is_gone_is_not_found(admin_client, name):
    assert admin_client.get(reverse(f"admin:{name}", args=[999])).status_code == 404


def test_the_live_panel_shows_counts_errors_and_stops_asking_when_finished(admin_client):
    people = ["a@example.com", "nonsense", ""]
    campaign = make_campaign(audience=make_people(people))
    job = runner.start(campaign, by=None, at=timezone.now())
    expand(job, at=timezone.now(), until=time.monotonic() + 60)
    panel = reverse("admin:campaign_live_panel", args=[campaign.pk])
    running = admin_client.get(panel, {"status": "running"})
    job.messages.filter(to_address="a@example.com").update(status="uncertain")
    cache.clear()
    progress.follow(timezone.now())
    finished = admin_client.get(panel, {"status": "running"})

    assert "every 2s" in running.content.decode()
    assert "HX-Refresh" not in running
    assert "every 2s" not in finished.content.decode()
    assert finished["HX-Refresh"] == "true"
    for text in ("Not an e-mail address", "Records without an address", "1 uncertain", "100 %"):
        assert text in finished.content.decode()


def test_messages_that_wait_by_themselves_are_not_in_the_time_to_go(monkeypatch):
    campaign = make_campaign(audience=make_people(["a@example.com", "b@example.com"]))
    job = runner.start(campaign, by=None, at=timezone.now())
    expand(job, at=timezone.now(), until=time.monotonic() + 60)
    monkeypatch.setattr(live, "rate_now", lambda *_: 0.5)

    job.messages.filter(to_address="a@example.com").update(status="scheduled")
    cache.clear()
    one_left = live.panel(campaign, timezone.now())["eta"]
    job.messages.update(status="scheduled")
    cache.clear()
    none_left = live.panel(campaign, timezone.now())["eta"]

    assert (one_left, none_left) == (datetime.timedelta(seconds=2), None)


def test_the_live_page_tells_that_the_provider_is_stopped(admin_client):
    campaign = make_campaign()
    runner.start(campaign, by=None, at=timezone.now())
    provider = campaign.provider
    provider.stopped_at, provider.trouble = timezone.now(), "Wrong password."
    provider.save()

    page = admin_client.get(url("live", campaign)).content.decode()

    assert "The provider is stopped: Wrong password." in page


def test_an_error_text_cannot_bring_markup_into_the_live_page(admin_client):
    campaign = make_campaign()
    job = runner.start(campaign, by=None, at=timezone.now())
    expand(job, at=timezone.now(), until=time.monotonic() + 60)
    job.messages.update(status="failed", error_message="<script>alert(1)</script>")

    page = admin_client.get(url("live", campaign)).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_live_page_links_only_where_its_reader_may_go(client):
    campaign = make_campaign()
    runner.start(campaign, by=None, at=timezone.now())
    client.force_login(user_with("view_campaign"))

    page = client.get(url("live", campaign)).content.decode()

    assert "/omnichannel/job/" not in page
    assert "/omnichannel/message/" not in page
    assert "/omnichannel/channelprovider/" not in page


def test_the_chart_has_the_samples_thinned_to_a_bounded_number(admin_client):
    campaign = make_campaign()
    job = runner.start(campaign, by=None, at=timezone.now())
    for number in range(1000):
        at = job.started_at + datetime.timedelta(seconds=2 * number)
        job.samples.create(at=at, taken=number, pending=1000 - number)

    points = admin_client.get(reverse("admin:campaign_live_chart", args=[campaign.pk])).json()[
        "points"
    ]

    assert len(points) <= 260
    assert points[0] == [0.0, 0, 0, 1000]
    assert points[-1] == [1998.0, 999, 0, 1]


def test_the_chart_of_a_short_run_begins_with_all_of_it_waiting(admin_client):
    campaign = make_campaign()
    job = runner.start(campaign, by=None, at=timezone.now())
    job.samples.create(at=job.started_at + datetime.timedelta(seconds=1), taken=9, failed=1)

    answer = admin_client.get(reverse("admin:campaign_live_chart", args=[campaign.pk])).json()

    assert answer["points"] == [[0.0, 0, 0, 10], [1.0, 9, 1, 0]]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"ends_at_0": "2026-03-02", "ends_at_1": "10:00:00"}, "must be after the start date"),
        ({"recipient_column": "nope"}, "It has: email, phone, first_name"),
        ({"from_address": "nobody"}, "is not an e-mail address"),
        ({"rate_limit": "0"}, "greater than or equal to 1"),
        ({"channel_type": "sms"}, "This one is for E-mail"),
    ],
)
def test_a_wrong_form_says_how_to_mend_it(admin_client, values, error):
    campaign = make_campaign()
    start = {"starts_at_0": "2026-03-02", "starts_at_1": "10:00:00"}

    answer = admin_client.post(url("change", campaign), form_of(campaign, **start, **values))

    assert error in answer.content.decode()


def test_the_identifier_is_made_from_the_name(admin_client):
    other = make_campaign(identifier="spring-offer")

    admin_client.post(
        reverse("admin:campaigns_campaign_add"),
        form_of(other, name="Spring offer", identifier=""),
    )

    assert Campaign.objects.get(name="Spring offer").identifier == "spring-offer-2"


def test_the_recipe_of_a_running_campaign_cannot_be_changed(admin_client):
    campaign = make_campaign()
    runner.start(campaign, by=None, at=timezone.now())

    answer = admin_client.post(
        url("change", campaign), form_of(campaign, name="Other"), follow=True
    )

    assert "its settings cannot be changed" in answer.content.decode()
    assert Campaign.objects.get().name == campaign.name


def test_a_running_campaign_cannot_be_deleted(admin_client):
    campaign = make_campaign()
    runner.start(campaign, by=None, at=timezone.now())
    delete = reverse("admin:campaigns_campaign_delete", args=[campaign.pk])

    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert Campaign.objects.exists()


def test_saving_an_open_form_does_not_undo_a_change_of_status(rf):
    stale = make_campaign()
    Campaign.objects.filter(pk=stale.pk).update(status=CampaignStatus.SCHEDULED)
    form = CampaignForm(form_of(stale, name="Other"), instance=stale)
    form.is_valid()

    site._registry[Campaign].save_model(rf.post("/"), stale, form, change=True)

    stale.refresh_from_db()
    assert (stale.name, stale.status) == ("Other", CampaignStatus.SCHEDULED)


def test_the_list_of_campaigns_takes_a_fixed_number_of_queries(
    admin_client, django_assert_max_num_queries
):
    for _ in range(12):
        runner.start(make_campaign(), by=None, at=timezone.now())

    with django_assert_max_num_queries(12):
        page = admin_client.get(reverse("admin:campaigns_campaign_changelist"))

    assert page.content.decode().count("campaign-mini") == 12


def test_the_first_page_shows_what_waits_and_what_runs(admin_client):
    campaign = make_campaign(name="Spring offer")
    runner.start(campaign, by=None, at=timezone.now())
    make_message(status="uncertain")
    make_provider(name="Broken", stopped_at=timezone.now(), trouble="Wrong password.")

    page = admin_client.get(reverse("admin:index")).content.decode()

    for text in ("Spring offer", "Broken is stopped", "Wrong password.", "Uncertain"):
        assert " ".join(text.split()) in " ".join(page.split())


def test_the_first_page_helps_a_new_installation(admin_client):
    page = admin_client.get(reverse("admin:index")).content.decode()

    assert "First steps" in page
    assert reverse("admin:omnichannel_channelprovider_add") in page


def test_the_first_page_shows_only_what_the_user_may_see(client):
    client.force_login(user_with("view_campaign"))
    make_provider(name="Broken", stopped_at=timezone.now(), trouble="Secret trouble")

    page = client.get(reverse("admin:index")).content.decode()

    assert "Campaigns under way" in page
    assert "Secret trouble" not in page
    assert "Last imports" not in page


def test_asking_for_consent_is_saved_and_counted_before_the_start(admin_client):
    campaign = make_campaign()

    admin_client.post(url("change", campaign), form_of(campaign, needs_consent="on"))
    page = admin_client.get(url("run", campaign)).content.decode()

    assert Campaign.objects.get(pk=campaign.pk).needs_consent
    assert "2 records without a consent on record: left out." in page
    assert "Nobody is left to write to." in page
