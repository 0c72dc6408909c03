from __future__ import annotations

import datetime
import time

import pytest

from campaigns.audience_import import submit
from campaigns.choices import ImportStatus
from campaigns.expansion import expand, expand_due
from campaigns.models import AudienceMember
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.consents import Proof, give
from omnichannel.exceptions import ImportRefused
from omnichannel.models import Job, Message, Suppression
from tests.factories import NOW, make_provider
from tests.factories_campaigns import make_campaign, make_people, make_run

pytestmark = pytest.mark.django_db


def expand_all(run, **options):
    return expand(run.job, at=NOW, until=time.monotonic() + 60, **options)


def addresses(run):
    return list(run.job.messages.order_by("id").values_list("to_address", flat=True))


def test_every_record_gets_one_message_that_is_ready_to_be_claimed():
    run = make_run(make_campaign())

    expand_all(run)

    message = run.job.messages.get(to_address="a@example.com")
    assert addresses(run) == ["a@example.com", "b@example.com"]
    assert (message.status, message.lane) == (MessageStatus.NEW, run.job.lanes.get())
    assert message.template_version == run.job.template_version
    assert message.key != run.job.messages.get(to_address="b@example.com").key
    assert message.created_at == NOW


def test_a_message_carries_the_values_of_its_record_and_its_address():
    run = make_run(make_campaign(audience=make_people(["zoë@example.com"])))
    AudienceMember.objects.update(
        phone="+12025550143", variables={"first_name": "Zoë “Z” O'Neil", "spent": 12.5, "vip": None}
    )

    expand_all(run)

    assert run.job.messages.get().variables == {
        "first_name": "Zoë “Z” O'Neil",
        "spent": 12.5,
        "vip": None,
        "email": "zoë@example.com",
        "phone": "+12025550143",
    }


def test_pages_neither_skip_nor_repeat_a_record():
    people = [f"person{number}@example.com" for number in range(25)]
    run = make_run(make_campaign(audience=make_people(people)))

    expand_all(run, page_size=4)

    run.refresh_from_db()
    assert addresses(run) == people
    assert run.job.expanded == 25
    assert run.written_at == NOW


def test_writing_goes_on_where_it_was_interrupted():
    people = [f"person{number}@example.com" for number in range(10)]
    run = make_run(make_campaign(audience=make_people(people)))
    expand(run.job, at=NOW, until=time.monotonic() + 0.0001, page_size=3)
    Job.objects.filter(pk=run.job_id).update(expanded=0, cursor=0)  # as if never committed

    expand_all(run, page_size=3)

    assert addresses(run) == people


def test_another_worker_on_the_same_page_writes_nothing():
    run = make_run(make_campaign())
    stale = Job.objects.get(pk=run.job_id)
    expand(run.job, at=NOW, until=time.monotonic() + 60, page_size=1)

    Job.objects.filter(pk=run.job_id).update(cursor=1)
    type(run).objects.filter(pk=run.pk).update(written_at=None)
    run.refresh_from_db()

    assert expand(stale, at=NOW, until=time.monotonic() + 60) == 0
    assert len(addresses(run)) == 2


def test_an_address_met_twice_gets_one_message_and_is_counted():
    audience = make_people(["a@example.com", "b@example.com"])
    AudienceMember.objects.create(audience=audience, key="again", email="a@example.com")
    run = make_run(make_campaign(audience=audience))

    expand_all(run)

    run.refresh_from_db()
    assert addresses(run) == ["a@example.com", "b@example.com"]
    assert (run.job.expanded, run.repeated) == (2, 1)


def test_records_without_an_address_are_counted():
    run = make_run(make_campaign(audience=make_people(["", "b@example.com", "  "])))

    expand_all(run)

    run.refresh_from_db()
    assert addresses(run) == ["b@example.com"]
    assert (run.without_address, run.repeated, run.removed) == (2, 0, 0)


def test_a_suppressed_address_is_kept_as_suppressed():
    for values in (
        {"address": "a@example.com", "category": "promotional"},
        {"address": "b@example.com", "category": ""},
        {"address": "c@example.com", "category": "otp"},
        {"address": "d@example.com", "category": "", "channel_type": "sms"},
    ):
        Suppression.objects.create(**{"channel_type": "email", **values})
    people = ["A@example.com", "b@example.com", "c@example.com", "d@example.com"]
    run = make_run(make_campaign(audience=make_people(people)))

    expand_all(run)

    suppressed = run.job.messages.filter(status=MessageStatus.SUPPRESSED)
    assert {m.to_address for m in suppressed} == {"A@example.com", "b@example.com"}


def test_a_malformed_address_fails_with_a_reason():
    run = make_run(make_campaign(audience=make_people(["not an address", "b@example.com"])))

    expand_all(run)

    message = run.job.messages.get(status=MessageStatus.FAILED)
    assert message.to_address == "not an address"
    assert "Not an e-mail address" in message.error_message


def test_the_address_may_come_from_a_variable():
    audience = make_people(["", "", ""])
    for member, value in zip(audience.members.all(), ["w@example.com", "", None], strict=True):
        member.variables = {"work mail": value}
        member.save()
    run = make_run(make_campaign(audience=audience), column="work mail")

    expand_all(run)

    run.refresh_from_db()
    assert addresses(run) == ["w@example.com"]
    assert run.without_address == 2


def test_phone_numbers_in_a_variable_lose_their_marks():
    audience = make_people([""])
    audience.members.update(variables={"mobile": "+1 (202) 555-0143"})
    provider = make_provider(channel_type="sms")
    campaign = make_campaign(audience=audience, channel_type="sms", provider=provider)
    run = make_run(campaign, column="mobile")

    expand_all(run)

    assert addresses(run) == ["+12025550143"]


def test_records_added_after_the_start_are_not_written():
    campaign = make_campaign()
    run = make_run(campaign)
    AudienceMember.objects.create(audience=campaign.audience, key="late", email="late@example.com")

    expand_all(run)

    assert "late@example.com" not in addresses(run)


def test_records_removed_after_the_start_are_told():
    campaign = make_campaign()
    run = make_run(campaign)
    campaign.audience.members.filter(email="b@example.com").delete()

    expand_all(run)

    run.refresh_from_db()
    assert run.removed == 1


def test_a_cancelled_job_is_not_written():
    run = make_run(make_campaign(), status=JobStatus.CANCELLED)

    assert expand_all(run) == 0
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("days", "ends", "expires"),
    [
        (7, None, datetime.timedelta(days=7)),
        (None, None, None),
        (7, datetime.timedelta(days=1), datetime.timedelta(days=1)),
        (None, datetime.timedelta(days=1), datetime.timedelta(days=1)),
    ],
)
def test_a_message_expires_at_the_earlier_end(days, ends, expires):
    campaign = make_campaign(provider=make_provider(days_before_expire=days))
    run = make_run(campaign, ends_at=ends and NOW + ends)

    expand_all(run)

    assert {m.expires_at for m in run.job.messages.all()} == {expires and NOW + expires}


def test_every_unwritten_run_gets_its_turn():
    runs = [make_run(make_campaign()) for _ in range(3)]

    written = expand_due(at=NOW, until=time.monotonic() + 5)

    assert written == 6
    assert {run.job.messages.count() for run in runs} == {2}


def test_nothing_is_imported_into_an_audience_while_its_messages_are_written():
    run = make_run(make_campaign())
    upload = run.audience.imports.create(
        original_name="people.csv", encoding="utf-8", mapping={"email": 0, "key": "email"}
    )

    with pytest.raises(ImportRefused, match="Try again in a minute"):
        submit(upload)
    expand_all(run)
    submit(upload)

    upload.refresh_from_db()
    assert upload.status == ImportStatus.QUEUED


def test_a_campaigns_messages_expire_as_others_of_its_provider_do():
    """Zero days is a rule of its own, not the lack of one."""
    run = make_run(make_campaign(provider=make_provider(days_before_expire=0)))

    expand_all(run)

    assert set(run.job.messages.values_list("expires_at", flat=True)) == {NOW}


def test_a_record_without_consent_gets_a_message_that_says_so():
    run = make_run(
        make_campaign(audience=make_people(["Ana@example.com", "ben@example.com"])),
        needs_consent=True,
    )
    give("email", "ana@example.com", "promotional", Proof(at=NOW))

    expand_all(run)

    found = run.job.messages.order_by("id").values_list("status", "error_code", "error_message")
    assert list(found) == [("new", "", ""), ("suppressed", "", "No consent on record.")]
