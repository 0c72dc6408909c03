"""What a campaign takes over from its template, and what it tells of it before a start."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.admin.campaign_form import CampaignForm
from campaigns.models import AudienceMember
from omnichannel.models import TemplateText
from tests.factories_campaigns import make_campaign, make_people, make_published_template

pytestmark = pytest.mark.django_db


def saved(template, **values):
    """A new campaign, as the form makes it."""
    data = {
        "name": "Sale",
        "identifier": "sale",
        "channel_type": "email",
        "template": template.pk,
        "audience": make_people(["a@example.com"]).pk,
        "priority": "2",
        "on_weekends": "send",
        "on_holidays": "send",
        **values,
    }
    form = CampaignForm(data)
    assert form.is_valid(), form.errors
    return form.save()


@pytest.mark.parametrize(("chosen", "taken"), [("2", 1), ("4", 4)])
def test_a_new_campaign_has_its_templates_priority_unless_another_is_chosen(chosen, taken):
    template = make_published_template()
    template.priority = 1
    template.save()

    assert saved(template, priority=chosen).priority == taken


def test_a_template_without_a_priority_changes_none():
    assert saved(make_published_template()).priority == 2


def test_the_run_dialog_tells_how_many_read_which_language(admin_client):
    template = make_published_template(languages=["de"])
    TemplateText.objects.create(
        version=template.published_version, position=1, language="de", text="Hallo"
    )
    campaign = make_campaign(template=template)
    AudienceMember.objects.filter(email="a@example.com").update(
        variables={"first_name": "Ana", "language": "de_AT"}
    )

    page = admin_client.get(reverse("admin:campaigns_campaign_run", args=[campaign.pk]))

    assert "<dd>default 1, de 1</dd>" in page.content.decode()
