from __future__ import annotations

import datetime

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import runner
from campaigns.models import Campaign, HolidayCalendar
from omnichannel import caps
from omnichannel.models import FrequencyCap
from tests.campaigns.admin.test_campaigns import DIALOG, form_of, url, user_with
from tests.factories import make_message
from tests.factories_campaigns import make_calendar, make_campaign

pytestmark = pytest.mark.django_db

LIST = "/admin/campaigns/holidaycalendar/"
CAPS = "/admin/omnichannel/frequencycap/"


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()
    yield
    cache.clear()


def calendar_form(*dates, **values):
    rows = {
        f"holidays-{number}-{name}": value
        for number, row in enumerate(dates)
        for name, value in row.items()
    }
    return {
        "name": "Lisbon",
        "time_zone": "Europe/Lisbon",
        "weekend": ["5", "6"],
        "holidays-TOTAL_FORMS": len(dates),
        "holidays-INITIAL_FORMS": 0,
        **rows,
        **values,
    }


def test_a_calendar_is_made_with_dates_typed_in_and_pasted(admin_client):
    typed = {"date": "2027-12-25", "name": "Christmas", "is_yearly": "on"}
    pasted = "2027-06-10; Portugal day; yearly\n2027-12-25; Twice\n2027-05-06; Once"

    answer = admin_client.post(f"{LIST}add/", calendar_form(typed, pasted=pasted))

    assert answer.status_code == 302
    calendar = HolidayCalendar.objects.get()
    assert (calendar.time_zone, calendar.weekend) == ("Europe/Lisbon", [5, 6])
    assert list(calendar.holidays.values_list("name", "is_yearly")) == [
        ("Once", False),
        ("Portugal day", True),
        ("Christmas", True),
    ]


def test_a_new_calendar_begins_with_the_usual_weekend(admin_client):
    form = admin_client.get(f"{LIST}add/").context["adminform"].form

    assert [box.data["value"] for box in form["weekend"] if box.data["selected"]] == [5, 6]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"pasted": "tomorrow; Feast"}, "Line 1: “tomorrow” is no date"),
        ({"pasted": "2027-05-06; \0"}, "Null characters are not allowed"),
        ({"pasted": "x" * 50_001}, "at most 50000 characters"),
        ({"time_zone": "Mars/Olympus"}, "There is no such time zone"),
        ({"weekend": list("0123456")}, "Leave at least one day of the week"),
        ({"weekend": ["7"]}, "Select a valid choice"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_with_a_reason(admin_client, values, told):
    page = admin_client.post(f"{LIST}add/", calendar_form(**values)).content.decode()

    assert told in page
    assert not HolidayCalendar.objects.exists()


def test_the_same_date_twice_in_the_table_is_refused(admin_client):
    row = {"date": "2027-12-25", "name": "Christmas"}

    page = admin_client.post(f"{LIST}add/", calendar_form(row, row)).content.decode()

    assert "Please correct the duplicate" in page
    assert not HolidayCalendar.objects.exists()


def test_the_list_asks_no_more_when_it_has_more_rows(admin_client):
    admin_client.get(LIST)
    for number in range(5):
        make_calendar("12-25", "12-26", weekend=[number])

    with CaptureQueriesContext(connection) as asked:
        page = admin_client.get(LIST, {"q": "calendar"}).content.decode()

    assert len(asked) <= 8
    assert "Thursday" in page


def test_an_empty_list_says_what_to_do(admin_client):
    assert "Add one for each country" in admin_client.get(LIST).content.decode()


def test_who_may_only_look_sees_the_calendar(client):
    calendar = make_calendar("12-25")
    client.force_login(user_with("view_holidaycalendar", "view_holiday"))

    page = client.get(f"{LIST}{calendar.pk}/change/").content.decode()

    assert "Saturday, Sunday" in page
    assert "Feast 12-25" in page
    assert "Paste dates" not in page


def test_past_versions_of_a_calendar_and_a_cap_are_shown(admin_client):
    rows = (LIST, make_calendar("12-25")), (CAPS, FrequencyCap.objects.create())

    for url_of, row in rows:
        version = row.history.get().pk
        assert admin_client.get(f"{url_of}{row.pk}/history/").status_code == 200
        assert admin_client.get(f"{url_of}{row.pk}/history/{version}/").status_code == 200


def test_a_calendar_that_a_campaign_uses_is_not_deleted(admin_client):
    calendar = make_calendar()
    make_campaign(calendar=calendar)

    admin_client.post(f"{LIST}{calendar.pk}/delete/", {"post": "yes"})

    assert HolidayCalendar.objects.exists()


def days_form(campaign, **values):
    return form_of(
        campaign, **{"on_weekends": "send", "on_holidays": "send", "calendar": "", **values}
    )


def test_the_days_of_a_campaign_are_chosen_in_its_form(admin_client):
    campaign, calendar = make_campaign(), make_calendar()
    values = {"on_weekends": "after", "on_holidays": "after", "max_delay_days": "3"}
    values |= {"calendar": calendar.pk, "is_cap_exempt": "on"}

    admin_client.post(url("change", campaign), days_form(campaign, **values))

    campaign.refresh_from_db()
    assert (campaign.on_weekends, campaign.on_holidays) == ("after", "after")
    assert (campaign.calendar, campaign.max_delay_days) == (calendar, 3)
    assert campaign.is_cap_exempt
    past = campaign.history.latest()
    assert (past.calendar_id, past.on_holidays, past.is_cap_exempt) == (calendar.pk, "after", True)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"on_holidays": "after"}, "Choose the calendar that says which days are holidays."),
        ({"max_delay_days": "0"}, "greater than or equal to 1"),
        ({"max_delay_days": "366"}, "less than or equal to 365"),
        ({"on_weekends": "never"}, "Select a valid choice"),
    ],
)
def test_days_that_cannot_be_are_refused_with_a_reason(admin_client, values, told):
    campaign = make_campaign()

    page = admin_client.post(url("change", campaign), days_form(campaign, **values))

    assert told in page.content.decode()


def test_who_says_nothing_about_days_leaves_them_as_they_are(admin_client):
    campaign = make_campaign(on_weekends="after")

    admin_client.post(url("change", campaign), days_form(campaign, on_weekends="", name="New"))

    campaign.refresh_from_db()
    assert (campaign.name, campaign.on_weekends) == ("New", "after")


def closed_today():
    """A calendar with today and the next two days closed, whatever the day of the test is."""
    today = timezone.now().date()
    days = [today + datetime.timedelta(days=number) for number in range(-1, 3)]
    return make_calendar(*(day.isoformat() for day in days), weekend=[])


def test_the_run_dialog_and_the_live_page_say_until_when_it_waits(admin_client):
    campaign = make_campaign(calendar=closed_today(), on_holidays="after")
    opening = timezone.now().date() + datetime.timedelta(days=3)
    when = f"{opening:%A %-d %B}, 00:00 (UTC)"

    dialog = admin_client.get(url("run", campaign)).content.decode()
    admin_client.post(url("run", campaign), DIALOG)
    live = admin_client.get(url("live", campaign)).content.decode()

    assert f"<dd>on {when}</dd>" in dialog
    assert f": the first message goes on {when}." in dialog
    assert f": it goes on {when}." in live
    assert "is closed (Feast" in live


def test_a_campaign_that_waits_for_nothing_says_nothing(admin_client):
    campaign = make_campaign(calendar=closed_today())
    runner.start(campaign, by=None, at=timezone.now())

    assert "is closed" not in admin_client.get(url("live", campaign)).content.decode()
    assert Campaign.objects.get().on_holidays == "send"


def test_a_cap_is_made_changed_and_deleted_at_once_for_the_send_loop(admin_client):
    before = caps.active("email")
    form = {"channel_type": "email", "number": "2", "period": "day", "is_active": "on"}
    admin_client.post(f"{CAPS}add/", form)
    made = caps.active("email")
    cap = FrequencyCap.objects.get()
    admin_client.post(f"{CAPS}{cap.pk}/change/", {**form, "number": "4"})
    changed = caps.active("email")
    admin_client.post(f"{CAPS}{cap.pk}/delete/", {"post": "yes"})

    assert before == []
    assert [(each.number, each.counts_all) for each in (*made, *changed)] == [
        (2, False),
        (4, False),
    ]
    assert caps.active("email") == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"number": "0"}, "greater than or equal to 1"),
        ({"number": "1001"}, "less than or equal to 1000"),
        ({"period": "week"}, "There is a cap of this kind already: change that one."),
    ],
)
def test_a_cap_that_cannot_be_is_refused_with_a_reason(admin_client, values, told):
    FrequencyCap.objects.create(channel_type="email", period="week", counts_all=True)
    form = {"channel_type": "email", "number": "2", "period": "day", "counts_all": "on", **values}

    assert told in admin_client.post(f"{CAPS}add/", form).content.decode()


def test_the_list_of_caps_reads_as_sentences(admin_client):
    FrequencyCap.objects.create()

    page = admin_client.get(CAPS).content.decode()

    assert "At most 3 promotional e-mails a week to one address" in page


def test_the_live_page_says_why_messages_wait(admin_client):
    campaign = make_campaign()
    job = runner.start(campaign, by=None, at=timezone.now())
    reason = "Frequency cap: at most 1 promotional e-mail a week to one address."
    make_message(job=job, provider=job.provider, status="scheduled", error_message=reason)

    page = admin_client.get(url("live", campaign)).content.decode()

    assert f"1 message waits. {reason}" in page
