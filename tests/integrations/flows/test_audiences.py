from __future__ import annotations

import time

import pytest

from campaigns import audience_import, starting
from campaigns.models import Audience, AudienceImport, Campaign
from integrations.choices import RuleTarget
from integrations.models import Transmission
from integrations.processing import process_due
from tests.factories_campaigns import make_campaign
from tests.factories_integrations import make_rule
from tests.integrations.flows.moments import NOW, minutes

pytestmark = pytest.mark.django_db(transaction=False)
TABLE = b"email,first_name\nana@example.com,Ana\nben@example.com,Ben\n"


@pytest.fixture
def rule(partner):
    return make_rule(
        partner.mailbox,
        target=RuleTarget.AUDIENCE,
        target_options={"audience": "Customers"},
    )


def import_now():
    return audience_import.run_queued(until=time.monotonic() + 10, stopped=lambda: False)


@pytest.mark.usefixtures("rule")
def test_table_of_a_partner_becomes_an_audience(drop):
    drop(TABLE, "customers.csv")

    process_due(NOW)
    import_now()

    audience = Audience.objects.get()
    assert (audience.name, audience.members.count()) == ("Customers", 2)


@pytest.mark.usefixtures("rule")
def test_file_without_addresses_goes_to_error(drop):
    row = drop(b"colour,size\nred,1\n", "colours.csv")

    process_due(NOW)

    row.refresh_from_db()
    assert (row.status, row.error_code) == ("error", "audience")
    assert not AudienceImport.objects.exists()


@pytest.mark.usefixtures("rule")
def test_second_table_waits_for_the_import_of_the_first(drop):
    drop(TABLE, "one.csv")
    second = drop(TABLE, "two.csv")

    process_due(NOW)
    import_now()
    process_due(NOW + minutes(2))

    second.refresh_from_db()
    assert second.status == "done"
    assert AudienceImport.objects.count() == 2


def test_draft_campaign_starts_when_the_table_is_imported(drop, rule):
    campaign = make_campaign(audience=Audience.objects.create(name="Customers"))
    rule.target_options = {"audience": "Customers", "campaign": campaign.pk}
    rule.save()
    drop(TABLE, "customers.csv")

    process_due(NOW)
    starting.start_due(NOW + minutes(0.1))
    campaign.refresh_from_db()
    before = campaign.status
    import_now()
    starting.start_due(NOW + minutes(1))

    campaign.refresh_from_db()
    assert (before, campaign.status) == ("scheduled", "running")


def test_campaign_for_others_is_refused(drop, rule):
    campaign = make_campaign()
    rule.target_options = {"audience": "Customers", "campaign": campaign.pk}
    rule.save()
    drop(TABLE, "customers.csv")

    process_due(NOW)

    assert Transmission.objects.get().error_code == "audience"
    assert Campaign.objects.get().status == "draft"
