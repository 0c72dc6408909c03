"""The buttons of dialogs, in a real browser."""

from __future__ import annotations

import pytest
from django.urls import reverse

from omnichannel.models import ChannelProvider
from tests.factories import make_message, make_provider
from tests.factories_campaigns import make_campaign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RED, BLUE = "is red", "is not red"


def button_of(page, url, action):
    """The submit button of an action's dialog."""
    page.goto(url)
    page.locator("[hx-get], [hx-post]").filter(has_text=action).first.click()
    button = page.locator("#dialog button[type=submit]")
    button.wait_for()
    return button


def colour_of(button):
    # By its parts: a browser writes the palette's colours in its own way.
    red = button.evaluate(
        """node => {
            const context = document.createElement("canvas").getContext("2d");
            context.fillStyle = getComputedStyle(node).backgroundColor;
            context.fillRect(0, 0, 1, 1);
            const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
            return r > 2 * g && r > 2 * b;
        }"""
    )
    return RED if red else BLUE


def test_a_campaign_with_a_problem_cannot_be_run_from_its_dialog(page):
    campaign = make_campaign(provider=make_provider(is_active=False))
    url = reverse("admin:campaigns_campaign_change", args=(campaign.pk,))

    button = button_of(page, url, "Run")

    page.get_by_text("is not active").wait_for()
    assert button.is_disabled()


@pytest.mark.slow
def test_a_problem_that_came_up_meanwhile_disables_the_button(page):
    campaign = make_campaign(provider=make_provider())
    url = reverse("admin:campaigns_campaign_change", args=(campaign.pk,))
    button = button_of(page, url, "Run")
    was_disabled = button.is_disabled()
    ChannelProvider.objects.update(is_active=False)

    button.click()

    page.locator("#dialog [data-blocked]").wait_for(state="attached")
    assert (was_disabled, button.is_disabled()) == (False, True)


@pytest.mark.slow
def test_what_is_lost_for_good_is_asked_for_by_a_red_button(page):
    message = make_message(to_address="ana@example.com")
    campaign = make_campaign(status="scheduled")
    of_campaign = reverse("admin:campaigns_campaign_change", args=(campaign.pk,))
    of_message = reverse("admin:omnichannel_message_change", args=(message.pk,))
    of_person = reverse("admin:omnichannel_person_changelist") + "?a=ana@example.com"

    assert colour_of(button_of(page, of_person, "Erase")) == RED
    assert colour_of(button_of(page, of_message, "Cancel")) == RED
    assert colour_of(button_of(page, of_campaign, "Cancel")) == RED
    assert colour_of(button_of(page, of_campaign, "Clone")) == BLUE
