"""Messages queued, found and moved by other systems."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from omnichannel.choices import EventType, MessageStatus
from omnichannel.models import Job, Message, MessageEvent
from tests.factories import NOW, make_channel, make_message, make_provider
from tests.factories_api import caller
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db

ROUTE = "/api/v1/messages/"
LOGS = "/api/v1/communication-logs/"


@pytest.fixture
def shop():
    return caller("send", "read")


@pytest.fixture
def provider():
    return make_provider(name="Main")


def body(**values):
    return {"to_address": "ana@example.com", "provider": "Main", "body_text": "Hello", **values}


def fields(answer):
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_message_is_queued_when_it_is_answered(shop, provider):
    answer = shop.post(ROUTE, body())

    row = Message.objects.get()
    queued = {"id": row.pk, "key": str(row.key), "to_address": row.to_address, "status": "new"}
    assert answer.status_code == 202
    assert answer.json() == {"job": None, "messages": [queued]}


def test_thousand_recipients_are_one_job_named_after_the_key(shop, provider):
    make_version(make_template(name="Order"), subject="Hi {{ name }}", variables=["name"])
    people = [
        {"to_address": f"p{n}@example.com", "variables": {"name": str(n)}} for n in range(1000)
    ]

    answer = shop.post(ROUTE, {"recipients": people, "provider": "Main", "template": "Order"})

    job = Job.objects.get()
    assert answer.status_code == 202
    assert answer.json()["job"] == job.pk
    assert [each["to_address"] for each in answer.json()["messages"]] == [
        each["to_address"] for each in people
    ]
    assert (job.reference, job.messages.count()) == (shop.key.prefix, 1000)


def test_repeated_call_queues_nothing_more(shop, provider):
    first, again = (shop.post(ROUTE, body(), HTTP_IDEMPOTENCY_KEY="a") for _ in range(2))

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert Message.objects.count() == 1


def test_all_that_is_wrong_is_named_with_its_place(shop, provider):
    people = [{"to_address": "a@example.com"}, {"to_address": "b"}, {"to_address": "c"}]

    answer = shop.post(ROUTE, {"recipients": people, "provider": "Main", "body_text": "Hello"})

    assert answer.status_code == 400
    assert set(fields(answer)) == {"recipients.1.to_address", "recipients.2.to_address"}
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"to_address": 5}, "to_address"),
        ({"recipients": []}, "to_address"),
        ({"to_address": None}, "to_address"),
        ({"variables": []}, "variables"),
        ({"template": 1.5}, "template"),
        ({"template": True}, "template"),
        ({"provider": 2**63}, "provider"),
        ({"priority": 9}, "priority"),
        ({"priority": "2"}, "priority"),
        ({"category": "news"}, "category"),
        ({"starts_at": "soon"}, "starts_at"),
        ({"pool_time_retry": "00:00:00"}, "pool_time_retry"),
        ({"retry_max_attempt": "3"}, "retry_max_attempt"),
        ({"variabels": {}}, "variabels"),
        ({"attachments": [{"name": "a"}]}, "attachments.0.content"),
        ({"body_text": "a\0"}, "body_text"),
        ({"timeout": 3}, "timeout"),
    ],
)
def test_value_of_the_wrong_kind_is_refused(shop, provider, values, field):
    answer = shop.post(ROUTE, body(**values))

    assert answer.status_code == 400
    assert field in fields(answer)


@pytest.mark.parametrize("content", ["[]", "5", '"a"', "null"])
def test_body_that_is_no_object_is_refused(shop, content):
    assert shop.post(ROUTE, content, content_type="application/json").status_code == 400


@pytest.mark.parametrize("people", ["a", {"a": 1}, 5])
def test_recipients_that_are_no_list_are_refused(shop, provider, people):
    answer = shop.post(ROUTE, {"recipients": people, "provider": "Main", "body_text": "a"})

    assert fields(answer) == {"recipients": "Give a list of recipients."}


def test_test_key_only_reaches_the_sandbox(provider):
    make_provider(name="Real", backend="smtp")

    caller("send", is_test=True).post(ROUTE, body(provider="Real"))

    assert Message.objects.get().provider == provider


def test_message_is_found_by_its_id_and_by_its_key(shop):
    row = make_message(cc_addresses="a@example.com; b@example.com", variables={"a": 1})

    by_id, by_key = (shop.get(f"{ROUTE}{name}/") for name in (row.pk, row.key))

    assert by_id.json() == by_key.json()
    assert by_id.json()["cc_addresses"] == ["a@example.com", "b@example.com"]
    assert by_id.json()["body_text"] == "Hello there"
    assert by_id.json()["variables"] == {"a": 1}


@pytest.mark.parametrize("name", ["0", "9" * 30, "nothing", "²"])
def test_unknown_name_is_not_found(shop, name):
    assert shop.get(f"{ROUTE}{name}/").status_code == 404


def test_what_a_one_time_password_says_is_never_told(shop):
    row = make_message(category="otp", subject="4711", body_text="4711", variables={"c": "4711"})

    answers = [shop.get(f"{ROUTE}{row.pk}/"), shop.get(ROUTE), shop.get(LOGS)]

    assert all("4711" not in answer.content.decode() for answer in answers)


def test_list_is_filtered_as_the_report_is(shop, provider):
    channel = make_channel()
    version = make_version()
    wanted = make_message(
        provider=provider,
        channel=channel,
        template_version=version,
        status=MessageStatus.FAILED,
        error_code="550",
        category="promotional",
        to_address="Bo@example.com",
    )
    make_message()
    filters = {
        "status": ["failed", "error"],
        "category": ["promotional"],
        "channel": [channel.pk],
        "provider": [provider.pk],
        "template": [version.template_id],
        "to_address": ["bo@example.com", "Bo@example.com"],
        "error_code": ["550"],
    }

    for name, values in filters.items():
        for value in values:
            found = [row["id"] for row in shop.get(ROUTE, {name: value}).json()["results"]]
            assert (found == [wanted.pk]) is (value != "bo@example.com"), (name, value)


def test_list_is_filtered_by_when_a_message_was_queued(shop):
    old = make_message(created_at=NOW - datetime.timedelta(hours=1))
    new = make_message(created_at=NOW)

    since = shop.get(ROUTE, {"since": NOW.isoformat()}).json()["results"]
    until = shop.get(ROUTE, {"until": NOW.isoformat()}).json()["results"]

    assert [row["id"] for row in since] == [new.pk]
    assert [row["id"] for row in until] == [old.pk]


@pytest.mark.parametrize("route", [ROUTE, LOGS])
def test_pages_lead_through_all_and_back(shop, provider, route):
    rows = [make_message(provider=provider).pk for _ in range(5)]

    first = shop.get(f"{route}?page_size=2").json()
    second = shop.get(first["next"]).json()
    third = shop.get(second["next"]).json()
    back = shop.get(second["previous"]).json()

    pages = [[row["id"] for row in page["results"]] for page in (first, second, third, back)]
    assert pages == [rows[:2:-1], rows[2:0:-1], rows[:1], rows[:2:-1]]
    assert (first["previous"], third["next"]) == (None, None)


@pytest.mark.parametrize(
    "query",
    [
        *("stauts=new", "status=none", "cursor=x", "cursor=" + "9" * 25, "page_size=0", "job=0"),
        *("cursor=" + "0" * 5000, "page_size=" + "0" * 5000, "page_size=0000000010000"),
    ],
)
def test_what_the_list_does_not_understand_is_refused(shop, query):
    answer = shop.get(f"{ROUTE}?{query}")

    assert answer.status_code == 400
    assert list(fields(answer)) == [query.partition("=")[0]]


def test_number_that_no_message_can_have_is_not_found(shop):
    assert shop.get(f"{ROUTE}{'0' * 5000}/").status_code == 404


@pytest.mark.parametrize("route", [ROUTE, LOGS])
def test_number_of_queries_does_not_grow_with_the_page(
    shop, provider, route, django_assert_max_num_queries
):
    for _ in range(30):
        make_message(provider=provider)

    with django_assert_max_num_queries(12):
        assert len(shop.get(route).json()["results"]) == 30


def test_events_are_told_the_latest_first(shop):
    row = make_message()
    for kind in (EventType.SENT, EventType.DELIVERED):
        MessageEvent.objects.create(message=row, provider=row.provider, type=kind, at=NOW)

    found = shop.get(f"{ROUTE}{row.key}/events/").json()["results"]

    assert [event["type"] for event in found] == ["delivered", "sent"]


def test_failed_message_is_sent_again_and_a_new_one_cancelled(shop):
    failed = make_message(status=MessageStatus.FAILED)

    again = shop.post(f"{ROUTE}{failed.pk}/requeue/")
    gone = shop.post(f"{ROUTE}{failed.pk}/cancel/")

    assert (again.status_code, again.json()["status"]) == (200, "new")
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("move", ["requeue", "cancel"])
def test_sent_message_is_left_alone(shop, move):
    row = make_message(status=MessageStatus.SENT)

    assert shop.post(f"{ROUTE}{row.pk}/{move}/").status_code == 409
    row.refresh_from_db()
    assert row.status == MessageStatus.SENT


def test_test_key_moves_nothing_that_went_elsewhere():
    row = make_message(provider=make_provider(backend="smtp"), status=MessageStatus.FAILED)

    answer = caller("send", is_test=True).post(f"{ROUTE}{row.pk}/requeue/")

    assert answer.status_code == 409


def test_job_tells_how_its_messages_stand(shop, provider):
    people = [{"to_address": f"p{n}@example.com"} for n in range(3)]
    sent = shop.post(ROUTE, {"recipients": people, "provider": "Main", "body_text": "Hello"})
    job = sent.json()["job"]
    Message.objects.filter(to_address="p0@example.com").update(status=MessageStatus.SENT)

    logs = shop.get(f"/api/v1/jobs/{job}/logs/").json()
    listed = shop.get("/api/v1/jobs/?source=api&status=running").json()["results"]

    assert logs == {"job": job, "status": "running", "total": 3, "counts": {"sent": 1, "new": 2}}
    assert [row["id"] for row in listed] == [job]
    assert shop.get(f"/api/v1/jobs/{job}/").json()["expected"] == 3


def test_log_tells_names_and_when_it_arrived(shop, provider):
    row = make_message(provider=provider, status=MessageStatus.DELIVERED)
    MessageEvent.objects.create(
        message=row, provider=provider, type=EventType.DELIVERED, at=timezone.now()
    )

    (line,) = shop.get(LOGS).json()["results"]

    assert (line["provider"], line["channel"], line["status"]) == ("Main", "E-mail", "delivered")
    assert line["delivered_at"] is not None
