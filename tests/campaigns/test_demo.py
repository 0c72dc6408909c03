from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import demo, preflight
from campaigns.models import Audience, AudienceMember, Campaign
from omnichannel import dispatch
from omnichannel.models import (
    Channel,
    ChannelProvider,
    EventSubscription,
    Job,
    Message,
    MessageTemplate,
    ProviderRoute,
)

NAMES = {
    "FTOSEmailGateway", "GatewayEmail", "GatewayEmailOTP",
    "GatewaySMS", "GatewaySMSOTP", "FTOSApiSMS",
}  # fmt: skip


@pytest.fixture
def loaded(db):
    demo.load(timezone.now())


def test_demo_data_is_a_living_product(loaded):
    assert set(ChannelProvider.objects.values_list("name", flat=True)) == NAMES
    assert set(Campaign.objects.values_list("status", flat=True)) == {"finished", "draft"}
    assert Audience.objects.get().records_count == AudienceMember.objects.count() == 200
    assert Message.objects.filter(status__in=("sent", "delivered")).count() > 150
    assert ProviderRoute.objects.count() == 6


def test_a_demo_template_speaks_a_language_of_demo_readers(loaded):
    campaign = Campaign.objects.get(template__name="Welcome")

    found = preflight.check(campaign, at=timezone.now())

    assert found.languages == {"default": 133, "de": 67}


def test_loading_again_adds_nothing(loaded):
    before = (Message.objects.count(), MessageTemplate.objects.count())

    demo.load(timezone.now())

    assert (Message.objects.count(), MessageTemplate.objects.count()) == before


def test_removing_takes_everything_away(loaded):
    kept = demo.remove()

    left = [m for m in (ChannelProvider, Channel, MessageTemplate, Audience, Campaign, Job, Message)
            if m.objects.exists()]  # fmt: skip
    assert (kept, left) == ([], [])


def test_what_an_operators_campaign_uses_is_kept(loaded):
    Campaign.objects.filter(name="Welcome series").update(is_demo=False)

    kept = demo.remove()

    assert kept == ["audience Newsletter readers", "template Welcome"]
    assert Campaign.objects.count() == 1


def test_the_page_removes_only_after_a_post(loaded, admin_client):
    page = admin_client.get(reverse("remove_demo"))
    before = ChannelProvider.objects.count()
    admin_client.post(reverse("remove_demo"))

    assert (page.status_code, before) == (200, 6)
    assert not ChannelProvider.objects.exists()


def test_staff_without_all_rights_may_not_remove_it(loaded, client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ed", is_staff=True))

    assert client.post(reverse("remove_demo")).status_code == 403
    assert ChannelProvider.objects.exists()


def test_subscribed_events_can_be_triggered_with_their_sample_data(loaded):
    for row in EventSubscription.objects.filter(is_subscribed=True).select_related("event"):
        columns = {"email": "ana@example.com", "phone": "+12025550143", "first_name": "Ana"}

        done = dispatch.trigger(
            row.event.key, columns, row.event.sample_data, at=timezone.now(), source="test"
        )

        assert [message.provider.backend for message in done.messages] == ["sandbox"]


def test_what_test_events_sent_goes_with_the_demo(loaded):
    dispatch.trigger(
        "sign-in-code", {"phone": "+12025550143"}, {"code": "1", "valid_minutes": 5},
        at=timezone.now(), source="test",
    )  # fmt: skip

    assert demo.remove() == []
    assert not EventSubscription.objects.exists()
