from __future__ import annotations

import datetime

import pytest
from django.core.cache import cache
from django.utils import timezone

from omnichannel.models import Message
from tests.factories import make_message, make_provider
from tests.omnichannel.admin.posted import MESSAGES, SUBMITTED, client_with

pytestmark = pytest.mark.django_db
YOUNG = -0.05  # hours: younger than the sandbox's store, which is made by the test
UNCERTAIN = "/admin/omnichannel/uncertainmessage/"


@pytest.fixture(autouse=True)
def own_sandbox(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    cache.clear()


def make_uncertain(hours=0.0, **values):
    since = timezone.now() - datetime.timedelta(hours=hours)
    return make_message(status="uncertain", last_attempt_at=since, created_at=since, **values)


def choose(client, action, messages, **values):
    data = {"action": action, "_selected_action": [each.pk for each in messages], **values}
    return client.post(UNCERTAIN, data, follow=True).content.decode()


def page_of(client, **asked):
    return client.get(UNCERTAIN, asked).content.decode()


def statuses():
    return sorted(Message.objects.values_list("status", flat=True))


def test_the_list_has_uncertain_messages_only_and_says_what_happens_by_itself(admin_client):
    make_uncertain(3.2, to_address="held@example.com")
    make_uncertain(to_address="again@example.com", provider=make_provider(on_uncertain="retry"))
    make_message(to_address="sent@example.com", status="sent")

    page = page_of(admin_client)

    for text in ("held@example.com", "3 h 12 min", ">Held<", "Sent again at"):
        assert text in page
    assert "sent@example.com" not in page


def test_the_menu_tells_how_many_there_are_and_nothing_when_there_are_none(admin_client):
    none = admin_client.get("/admin/").content.decode()
    for _ in range(3):
        make_uncertain()
    cache.clear()

    some = admin_client.get("/admin/").content.decode()

    badge = "bg-orange-100 text-orange-700"
    assert badge not in none
    assert badge in some
    assert some.split(badge)[1].split(">")[1].startswith("3<")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"age": "overdue"}, ["old"]),
        ({"age": "day"}, ["old"]),
        ({"age": "week"}, []),
        ({"category__exact": "otp"}, ["new"]),
        ({"q": "old@example.com"}, ["old"]),
    ],
)
def test_the_list_is_filtered_and_searched(admin_client, asked, found):
    make_uncertain(30, to_address="old@example.com")
    make_uncertain(0.1, to_address="new@example.com", category="otp")

    page = page_of(admin_client, **asked)

    assert [name for name in ("old", "new") if f">{name}@example.com<" in page] == found


def test_a_message_leads_to_its_one_page(admin_client):
    message = make_uncertain()

    answer = admin_client.get(f"{UNCERTAIN}{message.pk}/change/")

    assert answer["Location"] == f"{MESSAGES}{message.pk}/change/"


@pytest.mark.parametrize(
    ("place", "step", "status"),
    [
        (UNCERTAIN, "mark_sent", "sent"),
        (UNCERTAIN, "send_again", "new"),
        (MESSAGES, "look_up", "new"),
    ],
)
def test_one_is_settled_by_a_dialog(admin_client, place, step, status):
    message = make_uncertain(YOUNG)

    dialog = admin_client.get(f"{place}{message.pk}/{step}/").content.decode()
    untouched = statuses()
    answer = admin_client.post(f"{place}{message.pk}/{step}/", SUBMITTED)

    assert "this message" in dialog
    assert untouched == ["uncertain"]
    assert answer["HX-Redirect"].startswith(place)
    assert statuses() == [status]


def test_many_are_settled_and_told_how_many_and_what_was_left(admin_client):
    now = timezone.now()
    good = [make_uncertain(), make_uncertain()]
    over = make_uncertain(ends_at=now - datetime.timedelta(hours=1))

    asked = choose(admin_client, "send_again_selected", [*good, over])
    told = choose(admin_client, "send_again_selected", [*good, over], confirmed="yes")

    assert "may get the message twice" in asked
    assert "2 messages put back into the queue." in told
    assert "1 left as they were: their end date has passed" in told
    assert statuses() == ["new", "new", "uncertain"]


def test_many_are_looked_up_where_their_provider_can_be_asked(admin_client):
    chosen = [make_uncertain(YOUNG), make_uncertain(provider=make_provider(backend="smtp"))]

    asked = choose(admin_client, "look_up_selected", chosen)
    told = choose(admin_client, "look_up_selected", chosen, confirmed="yes")

    assert "Uncertain at a provider that can be asked: 1" in asked
    assert "Looked up 1 message: 0 had arrived, 0 had been refused, 1 had never arrived" in told
    assert "1 left as they were" in told
    assert statuses() == ["new", "uncertain"]


def test_looking_up_is_offered_only_where_the_provider_can_be_asked(admin_client):
    asked = make_uncertain()
    silent = make_uncertain(provider=make_provider(backend="smtp"))

    pages = [
        admin_client.get(f"{MESSAGES}{message.pk}/change/").content.decode()
        for message in (asked, silent)
    ]
    both = page_of(admin_client)
    asked.delete()
    asked.provider.delete()
    only_silent = page_of(admin_client)

    assert ["/look_up/" in page for page in pages] == [True, False]
    assert ["look_up_selected" in page for page in (both, only_silent)] == [True, False]


@pytest.mark.parametrize(
    ("place", "step"),
    [(UNCERTAIN, "mark_sent"), (UNCERTAIN, "send_again"), (MESSAGES, "look_up")],
)
def test_settling_needs_its_permission(place, step):
    message = make_uncertain()
    client = client_with("view_message")

    one = client.post(f"{place}{message.pk}/{step}/", SUBMITTED)
    choose(client, f"{step}_selected", [message], confirmed="yes")

    assert one.status_code == 403
    assert statuses() == ["uncertain"]


def test_an_empty_list_says_what_it_means(admin_client):
    page = page_of(admin_client)

    assert "Nothing is uncertain" in page
    assert "the outcome is known" in page


def test_the_first_page_alerts_of_what_is_uncertain_for_too_long(admin_client):
    make_uncertain(0.5)
    quiet = admin_client.get("/admin/").content.decode()
    make_uncertain(3)
    cache.clear()

    alarmed = admin_client.get("/admin/").content.decode()

    assert "uncertain for too long" not in quiet
    assert "1 message uncertain for too long, the oldest for 3" in " ".join(alarmed.split())
    assert f"{UNCERTAIN}?age=overdue" in alarmed
