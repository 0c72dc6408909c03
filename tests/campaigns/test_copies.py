"""The copies of a campaign's messages, which the database writes."""

from __future__ import annotations

import time

import pytest

from campaigns import preflight
from campaigns.expansion import expand
from campaigns.models import AudienceMember
from omnichannel import copies
from omnichannel.addresses import split_addresses
from tests.factories import NOW
from tests.factories_campaigns import make_campaign, make_people, make_published_template, make_run

pytestmark = pytest.mark.django_db


def written(*held, **version):
    """The messages to people whose field `manager` holds these, in order."""
    people = make_people([f"p{number}@example.com" for number in range(len(held))])
    members = list(AudienceMember.objects.order_by("id"))
    for member, value in zip(members, held, strict=True):
        member.variables = {"manager": value} if value is not None else {}
        member.save()
    campaign = make_campaign(template=make_published_template(**version), audience=people)
    run = make_run(campaign)
    expand(run.job, at=NOW, until=time.monotonic() + 60)
    return list(run.job.messages.order_by("id"))


def test_every_message_has_the_templates_fixed_copies():
    first, second = written(
        None, None, static_to="team@example.com", static_cc="ops@example.com", static_bcc="x@a.com"
    )

    assert first.cc_addresses == second.cc_addresses == "team@example.com; ops@example.com"
    assert first.bcc_addresses == "x@a.com"


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ("boss@example.com", "ops@example.com; boss@example.com"),
        ("a@example.com, b@example.com", "ops@example.com; a@example.com; b@example.com"),
        ("p0@example.com", "ops@example.com"),
        (None, "ops@example.com"),
        ("", "ops@example.com"),
        ("nobody", "ops@example.com"),
        ("a@example.com\r\nBcc: b@example.com", "ops@example.com"),
        ("; ".join(["a@example.com"] * 21), "ops@example.com"),
        (["a@example.com"], "ops@example.com"),
        (7, "ops@example.com"),
    ],
)
def test_a_record_names_its_own_copies_and_what_is_no_address_is_left_out(held, expected):
    message = written(held, static_cc="ops@example.com", cc_key="manager")[0]

    assert split_addresses(message.cc_addresses) == split_addresses(expected)


def test_the_database_writes_the_copies_that_python_would():
    held = ["boss@example.com", "", "x", "a@example.com;b@example.com"]
    messages = written(*held, static_bcc="audit@example.com", bcc_key="manager")

    version = messages[0].template_version
    for message in messages:
        expected = copies.of(version, message.variables, to=message.to_address)
        assert split_addresses(message.bcc_addresses) == split_addresses(expected.bcc)
        assert message.cc_addresses == ""


def test_the_record_itself_can_be_the_copy():
    people = make_people(["ana@example.com"])
    AudienceMember.objects.update(variables={"buyer": "buyer@example.com"})
    people.columns = ["buyer"]
    people.save()
    template = make_published_template(to_key="buyer", cc_key="email", subject="", html="Hi")
    campaign = make_campaign(template=template, audience=people)
    run = make_run(campaign, column=preflight.column_of(campaign))

    expand(run.job, at=NOW, until=time.monotonic() + 60)

    message = run.job.messages.get()
    assert (message.to_address, message.cc_addresses) == ("buyer@example.com", "ana@example.com")


def test_the_campaigns_own_column_comes_before_the_templates_key():
    campaign = make_campaign(template=make_published_template(to_key="buyer"))

    campaign.recipient_column = "email"

    assert preflight.column_of(campaign) == "email"
