"""What other systems send: checked whole, queued whole, by a fixed number of statements."""

from __future__ import annotations

import datetime
import uuid

import pytest
from django.db import transaction

from omnichannel import doorbell, rendering, submissions
from omnichannel.choices import ChannelType, JobStatus, MessageStatus
from omnichannel.exceptions import InvalidSubmission
from omnichannel.lanes import shared_lane_id
from omnichannel.models import (
    GlobalVariable,
    Job,
    Lane,
    Message,
    ProviderRoute,
    Suppression,
)
from omnichannel.submissions import File, Submission
from tests.factories import NOW, make_channel, make_provider
from tests.factories_templates import make_template, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider():
    return make_provider(name="Main")


@pytest.fixture
def template():
    version = make_version(
        make_template(name="Order"),
        subject="Order {{ number }}",
        html="<p>Dear {{ name|default('customer') }}, {{ global.company_name }}</p>",
        variables=["name", "number", "global.company_name"],
    )
    return version.template


def ask(*addresses, **values):
    recipients = [{"to_address": address} for address in addresses or ["ana@example.com"]]
    is_single = "recipients" not in values and len(recipients) == 1
    values = {"recipients": recipients, "is_single": is_single, **values}
    if "template" not in values:
        values = {"subject": "Hello", "body_text": "Hello there", **values}
    return Submission(**{"provider": "Main", **values})


def faults(asked):
    with pytest.raises(InvalidSubmission) as caught:
        submissions.accept(asked, at=NOW)
    assert not Message.objects.exists()
    return dict(caught.value.faults)


def test_a_single_message_is_queued_without_a_job(provider):
    accepted = submissions.accept(ask("Ana@Example.com", priority=1), at=NOW)

    row = Message.objects.get()
    assert accepted.job is None
    assert accepted.messages == [(row.pk, str(row.key), "Ana@example.com", "new", provider.pk)]
    assert (row.subject, row.body_text, row.priority) == ("Hello", "Hello there", 1)
    assert (row.provider, row.created_at) == (provider, NOW)
    assert row.expires_at == NOW + datetime.timedelta(days=provider.days_before_expire)
    assert (row.lane.category, row.lane.priority, row.lane.job) == ("transactional", 1, None)


def test_several_recipients_are_one_job_with_their_messages_in_order(provider):
    asked = ask(*(f"p{n}@example.com" for n in range(50)), reference="abc12345", name="Autumn")

    accepted = submissions.accept(asked, at=NOW)

    job = Job.objects.get()
    assert accepted.job == job
    assert (job.source, job.reference, job.name) == ("api", "abc12345", "Autumn")
    assert (job.status, job.expected, job.expanded) == (JobStatus.RUNNING, 50, 50)
    stored = list(Message.objects.order_by("id").values_list("id", "to_address", "job"))
    assert stored == [(each.id, each.to_address, job.pk) for each in accepted.messages]
    assert [each.to_address for each in accepted.messages[:2]] == [
        "p0@example.com",
        "p1@example.com",
    ]


def test_the_number_of_statements_does_not_grow_with_the_recipients(
    provider, template, django_assert_max_num_queries
):
    recipients = [
        {"to_address": f"p{n}@example.com", "variables": {"number": n}} for n in range(300)
    ]

    with django_assert_max_num_queries(16):
        submissions.accept(ask(recipients=recipients, template="Order"), at=NOW)

    assert Message.objects.count() == 300


def test_keys_are_of_version_7_and_grow(provider):
    accepted = submissions.accept(ask(*(f"p{n}@example.com" for n in range(9))), at=NOW)

    keys = [uuid.UUID(each.key) for each in accepted.messages]
    assert {key.version for key in keys} == {7}
    assert keys == sorted(keys)


def test_everything_that_is_wrong_is_named_at_once_and_nothing_is_queued(provider):
    recipients = [
        {"to_address": "fine@example.com"},
        {"to_address": "nonsense"},
        {"to_address": "fine@example.com"},
        {"to_adress": "x@example.com"},
        {"to_address": "b@example.com", "cc_addresses": "c@example.com"},
        {"to_address": "d@example.com", "variables": ["a"]},
        "ana@example.com",
        {"to_address": "e@example.com", "bcc_addresses": ["bad"]},
    ]

    found = faults(ask(recipients=recipients, subject="a\nb"))

    assert set(found) == {
        "subject",
        "recipients.1.to_address",
        "recipients.2.to_address",
        "recipients.3.to_adress",
        "recipients.3.to_address",
        "recipients.4.cc_addresses",
        "recipients.5.variables",
        "recipients.6",
        "recipients.7.bcc_addresses",
    }
    assert found["recipients.2.to_address"] == "Recipient 0 has the same address."


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"provider": "Nobody"}, "provider"),
        ({"channel": "nothing"}, "channel"),
        ({"template": "Nothing"}, "template"),
        ({"provider": None}, "channel_type"),
        ({"channel_type": "sms"}, "channel_type"),
        ({"provider": None, "channel_type": "sms"}, "provider"),
        ({"body_text": ""}, "body_text"),
        ({"ends_at": NOW}, "ends_at"),
        (
            {
                "starts_at": NOW + datetime.timedelta(days=2),
                "ends_at": NOW + datetime.timedelta(days=1),
            },
            "ends_at",
        ),
        ({"interval_min": datetime.time(9), "interval_max": datetime.time(9)}, "interval_max"),
        ({"from_address": "boss@example.org"}, "from_address"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"extended_properties": {"a": 1}}, "extended_properties"),
        ({"variables": {"a": float("inf")}}, "variables"),
        ({"channel_provider_params": {"a": "\0"}}, "channel_provider_params"),
        ({"attachments": [File("a.txt", "not base64!")]}, "attachments.0.content"),
        ({"attachments": [File("a\n.txt", "")]}, "attachments.0.name"),
        ({"attachments": [File("a.txt", "", "x")]}, "attachments.0.content_type"),
        ({"recipients": []}, "recipients"),
        ({"recipients": [{"to_address": "a@example.com"}] * 1001}, "recipients"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_field(provider, values, field):
    assert field in faults(ask(**values))


@pytest.mark.parametrize("text", ["\0", "\ud800"])
@pytest.mark.parametrize("field", ["to_address", "variables"])
def test_characters_that_no_database_takes_are_refused(provider, text, field):
    value = f"a{text}@example.com" if field == "to_address" else {"name": text}

    found = faults(ask(recipients=[{"to_address": "a@example.com", field: value}]))

    assert list(found) == ["recipients.0"]


def test_variables_nested_too_deeply_are_refused(provider):
    deep: list = []
    for _ in range(30):
        deep = [deep]

    found = faults(ask(recipients=[{"to_address": "a@example.com", "variables": {"a": deep}}]))

    assert list(found) == ["recipients.0.variables"]


def test_a_backslash_that_only_looks_like_a_nul_is_kept(provider):
    text = "C:\\u0000"
    recipients = [{"to_address": "a@example.com", "variables": {"path": text}}]

    submissions.accept(ask(recipients=recipients), at=NOW)

    assert Message.objects.get().variables == {"path": text}


def test_a_missing_variable_is_named_for_each_recipient(provider, template):
    recipients = [
        {"to_address": "a@example.com", "variables": {"number": 7}},
        {"to_address": "b@example.com", "variables": {"name": "Bo"}},
    ]

    found = faults(ask(recipients=recipients, template="Order"))

    assert found == {"recipients.1.variables.number": "The template needs this variable."}


def test_shared_variables_are_those_of_every_recipient_unless_it_has_its_own(provider, template):
    recipients = [
        {"to_address": "a@example.com"},
        {"to_address": "b@example.com", "variables": {"number": 8}},
    ]

    submissions.accept(
        ask(recipients=recipients, template="Order", variables={"number": 7}), at=NOW
    )

    stored = Message.objects.order_by("id").values_list("variables", flat=True)
    assert [each["number"] for each in stored] == [7, 8]
    assert [each["email"] for each in stored] == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize("number", [1, 2])
def test_what_was_sent_stays_what_it_was_when_global_variables_change(provider, template, number):
    GlobalVariable.objects.update_or_create(key="company_name", defaults={"value": "Acme"})
    people = [f"p{n}@example.com" for n in range(number)]
    submissions.accept(ask(*people, template="Order", variables={"number": 7}), at=NOW)

    GlobalVariable.objects.filter(key="company_name").update(value="Other")

    shown = rendering.render_message(Message.objects.order_by("id")[0])
    assert shown.subject == "Order 7"
    assert shown.html == "<p>Dear customer, Acme</p>"


def test_only_the_global_variables_that_the_template_names_are_kept(provider, template):
    submissions.accept(ask(template="Order", variables={"number": 7}), at=NOW)

    assert set(Message.objects.get().variables["global"]) == {"company_name"}


def test_a_name_that_is_the_templates_own_cannot_be_given(provider, template):
    asked = ask(template="Order", variables={"number": 7, "global": {"company_name": "Evil"}})

    assert set(faults(asked)) == {"variables.global"}


def test_a_template_without_a_published_version_is_refused(provider):
    template = make_template(name="Draft")

    assert "published" in faults(ask(template=template.pk))["template"]


def test_the_channel_says_which_provider_and_which_properties(provider):
    channel = make_channel(code="news", bus_provider=provider)

    submissions.accept(ask(provider=None, channel="news"), at=NOW)

    row = Message.objects.get()
    assert (row.channel, row.provider) == (channel, provider)


def test_each_recipient_goes_by_the_default_provider_of_its_country():
    near, far = (make_provider(channel_type=ChannelType.SMS) for _ in range(2))
    for row, prefix in ((near, ""), (far, "+44")):
        ProviderRoute.objects.create(
            channel_type="sms", category="transactional", provider=row, country_prefix=prefix
        )

    submissions.accept(
        ask("+12025550143", "+447700900123", provider=None, channel_type="sms"), at=NOW
    )

    assert dict(Message.objects.values_list("to_address", "provider")) == {
        "+12025550143": near.pk,
        "+447700900123": far.pk,
    }


def test_a_suppressed_address_is_written_down_and_not_queued(provider):
    Suppression.objects.create(channel_type="email", address="b@example.com")

    accepted = submissions.accept(ask("a@example.com", "B@example.com"), at=NOW)

    assert [each.status for each in accepted.messages] == ["new", "suppressed"]
    row = Message.objects.get(status=MessageStatus.SUPPRESSED)
    assert row.error_message == "The address is on the suppression list."


def test_without_a_consent_that_was_asked_for_nothing_is_queued(provider):
    accepted = submissions.accept(ask(needs_consent=True, category="promotional"), at=NOW)

    assert [each.status for each in accepted.messages] == ["suppressed"]
    assert Job.objects.get().needs_consent


def test_a_later_start_makes_the_messages_wait(provider):
    starts_at = NOW + datetime.timedelta(hours=5)

    submissions.accept(ask(starts_at=starts_at), at=NOW)

    row = Message.objects.get()
    assert (row.status, row.due_at, row.starts_at) == ("scheduled", starts_at, starts_at)


def test_times_and_waits_are_stored_as_they_were_given(provider):
    values = {
        "interval_min": datetime.time(8),
        "interval_max": datetime.time(20),
        "retry_max_attempt": 2,
        "pool_time_retry": datetime.timedelta(minutes=2),
        "ends_at": NOW + datetime.timedelta(hours=1),
        "channel_provider_params": {"tag": "x"},
    }

    submissions.accept(ask(**values), at=NOW)

    row = Message.objects.get()
    assert {name: getattr(row, name) for name in values} == values
    assert row.expires_at == values["ends_at"]


def test_the_sender_is_one_of_the_providers_addresses(provider):
    provider.senders.create(address="news@example.com")

    submissions.accept(ask(from_address="news@example.com", from_name="News"), at=NOW)

    job = Job.objects.get()
    assert (job.from_address, job.from_name) == ("news@example.com", "News")


def test_a_test_key_only_reaches_the_sandbox():
    real = make_provider(name="Main", backend="smtp")
    sandbox = make_provider()

    submissions.accept(ask(uses_sandbox=True), at=NOW)

    assert Message.objects.get().provider == sandbox != real


def test_the_bell_rings_once(provider, monkeypatch):
    rung = []
    monkeypatch.setattr(doorbell, "ring_for", rung.append)

    submissions.accept(ask("a@example.com", "b@example.com"), at=NOW)

    assert rung == ["transactional"]


def test_a_lane_that_was_not_committed_is_looked_up_again(provider):
    with transaction.atomic():
        shared_lane_id(provider.pk, "transactional", 2)
        transaction.set_rollback(True)

    assert not Lane.objects.exists()
    assert shared_lane_id(provider.pk, "transactional", 2) == Lane.objects.get().pk
