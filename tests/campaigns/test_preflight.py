from __future__ import annotations

import datetime

import pytest

from campaigns.models import AudienceMember
from campaigns.preflight import check
from omnichannel import caps
from omnichannel.consents import Proof, give, withdraw
from omnichannel.models import FrequencyCap, Suppression
from tests.factories import NOW, make_provider
from tests.factories_campaigns import make_campaign, make_people, make_published_template

pytestmark = pytest.mark.django_db


def problems_of(campaign):
    return " ".join(check(campaign, NOW).problems)


def warnings_of(campaign):
    return " ".join(check(campaign, NOW).warnings)


def test_a_campaign_in_order_has_neither_problems_nor_warnings():
    campaign = make_campaign()

    found = check(campaign, NOW)

    assert (found.problems, found.warnings) == ([], [])
    assert (found.recipients, found.provider, found.starts) == (2, campaign.provider, NOW)


@pytest.fixture
def fresh_caps():
    caps.forget()
    yield
    caps.forget()


def test_the_caps_that_hold_are_named_unless_the_campaign_is_exempt(fresh_caps):
    FrequencyCap.objects.create(channel_type="email", number=1, period="week")
    FrequencyCap.objects.create(channel_type="sms", number=1, period="day")

    held, exempt = check(make_campaign(), NOW), check(make_campaign(is_cap_exempt=True), NOW)

    assert held.caps == ["At most 1 promotional e-mail a week to one address"]
    assert exempt.caps == []


def test_records_that_will_get_nothing_are_counted():
    people = ["a@example.com", "", "nonsense", "b@example.com", "c@example.com"]
    campaign = make_campaign(audience=make_people(people))
    Suppression.objects.create(channel_type="email", address="b@example.com")

    found = check(campaign, NOW)

    assert (found.records, found.recipients) == (5, 2)
    assert (found.without_address, found.malformed, found.suppressed) == (1, 1, 1)
    assert "1 record on the suppression list" in " ".join(found.warnings)


def test_a_missing_variable_is_named_and_forbids_the_start():
    template = make_published_template(
        subject="{{ coupon }}", variables=["coupon", "global.company_name"]
    )
    campaign = make_campaign(template=template)

    assert "coupon" in warnings_of(campaign)
    assert "company_name" not in warnings_of(campaign)
    assert "cannot be filled for the first record" in problems_of(campaign)


def test_a_template_without_a_way_out_is_warned_of():
    template = make_published_template(variables=["first_name"])
    preferences = make_published_template(variables=["system.preferences_url"])

    assert "no unsubscribe link" in warnings_of(make_campaign(template=template))
    assert "no unsubscribe link" not in warnings_of(make_campaign(template=preferences))


def test_links_that_no_recipient_can_follow_are_warned_of(settings):
    campaign = make_campaign(provider=make_provider(backend="smtp"))

    assert "PUBLIC_URL is not set" in warnings_of(campaign)
    settings.PUBLIC_URL = "https://studio.example.com"
    assert "PUBLIC_URL is not set" not in warnings_of(campaign)


def test_a_variable_with_a_default_only_warns():
    template = make_published_template(subject="{{ coupon|default('none') }}", variables=["coupon"])
    campaign = make_campaign(template=template)

    assert "coupon" in warnings_of(campaign)
    assert problems_of(campaign) == ""


def test_the_email_address_and_phone_are_variables_too():
    template = make_published_template(
        subject="{{ email }}", variables=["email", "system.unsubscribe_url"]
    )

    assert warnings_of(make_campaign(template=template)) == ""


@pytest.mark.parametrize(
    ("provider", "problem"),
    [
        ({"is_active": False}, "is not active"),
        ({"stopped_at": NOW, "trouble": "Wrong password."}, "is stopped: Wrong password."),
        ({"channel_type": "sms"}, "sends SMS"),
        ({"from_address": ""}, "no from address"),
    ],
)
def test_a_provider_that_cannot_send_is_a_problem(provider, problem):
    campaign = make_campaign(provider=make_provider(**provider))

    assert problem in problems_of(campaign)


def test_a_resting_provider_only_warns():
    until = NOW + datetime.timedelta(minutes=1)
    campaign = make_campaign(provider=make_provider(resting_until=until, trouble="No answer."))

    assert "rests until 12:01:00 UTC: No answer." in warnings_of(campaign)
    assert problems_of(campaign) == ""


def test_a_closed_window_tells_when_the_first_message_goes():
    provider = make_provider(interval_min=datetime.time(8), interval_max=datetime.time(10))

    found = check(make_campaign(provider=provider), NOW)

    assert found.starts == NOW.replace(day=3, hour=8)
    assert "08:00 to 10:00 UTC" in found.warnings[0]


def test_without_any_provider_the_default_routes_are_named():
    assert "Default providers" in problems_of(make_campaign(provider=None))


def test_an_unknown_column_is_answered_with_the_known_ones():
    campaign = make_campaign(recipient_column="work_email")

    assert "no column “work_email”" in problems_of(campaign)
    assert "email, phone, first_name" in problems_of(campaign)


def test_an_unpublished_template_is_a_problem():
    template = make_published_template()
    template.published_version = None
    template.save()

    assert "has no published version" in problems_of(make_campaign(template=template))


def test_an_empty_audience_and_one_nobody_of_which_can_be_reached_are_problems():
    suppressed = make_campaign(audience=make_people(["b@example.com"]))
    Suppression.objects.create(channel_type="email", address="b@example.com")
    empty = make_campaign(audience=make_people([]))

    assert "Nobody is left to write to" in problems_of(suppressed)
    assert "is empty" in problems_of(empty)


def test_an_end_date_in_the_past_is_a_problem():
    assert "end date has passed" in problems_of(make_campaign(ends_at=NOW))


def test_a_running_import_into_the_audience_is_a_problem():
    campaign = make_campaign()
    campaign.audience.imports.create(status="running", original_name="people.csv")

    assert "being imported" in problems_of(campaign)


def test_a_malformed_from_address_is_a_problem():
    assert "from address cannot be used" in problems_of(make_campaign(from_address="nobody"))


def test_the_counts_take_one_pass_whatever_the_audience(django_assert_max_num_queries):
    campaign = make_campaign(audience=make_people([f"p{n}@example.com" for n in range(50)]))
    AudienceMember.objects.filter(email="p1@example.com").update(email="")

    with django_assert_max_num_queries(12):
        check(campaign, NOW)


def test_records_without_consent_are_counted_when_the_campaign_asks():
    audience = make_people(["Ana@example.com", "b@example.com", "c@example.com", "d@example.com"])
    proof = Proof(at=NOW)
    give("email", "ana@example.com", "promotional", proof)
    give("email", "b@example.com", "transactional", proof)
    give("email", "c@example.com", "promotional", proof)
    withdraw("email", "c@example.com", "promotional", proof)
    campaign = make_campaign(audience=audience, needs_consent=True)

    found = check(campaign, NOW)
    campaign.needs_consent = False

    assert (found.unconsented, found.recipients) == (3, 1)
    assert "3 records without a consent on record: left out." in found.warnings
    assert check(campaign, NOW).recipients == 4
