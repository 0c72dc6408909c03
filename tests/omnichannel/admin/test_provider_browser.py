"""The provider form and its dialogs in a real browser."""

from __future__ import annotations

import pytest

from tests.factories import make_provider
from tests.omnichannel.admin.posted import PROVIDERS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.slow
def test_only_the_fields_of_the_chosen_type_are_shown(page):
    page.goto(f"{PROVIDERS}add/")

    page.select_option("[name=backend]", "smtp")
    page.locator("[name=smtp__host]").wait_for(state="visible")
    assert page.locator("[name=new_app_password]").is_visible()
    assert not page.locator("[name=new_app_key]").is_visible()

    page.select_option("[name=backend]", "sendgrid")
    page.locator("[name=new_app_key]").wait_for(state="visible")
    assert not page.locator("[name=smtp__host]").is_visible()
    assert not page.locator("[name=new_app_password]").is_visible()


@pytest.mark.slow
def test_setting_shows_only_with_the_choice_it_belongs_to(page):
    page.goto(f"{PROVIDERS}add/")
    page.select_option("[name=backend]", "generic-http")
    page.locator("[name=generic_http__body]").wait_for(state="visible")
    assert not page.locator("[name=generic_http__report_event]").is_visible()
    assert not page.get_by_text("ask for custref").is_visible()

    page.select_option("[name=generic_http__reports]", "json")
    page.select_option("[name=generic_http__vendor]", "telspiel")

    page.locator("[name=generic_http__report_event]").wait_for(state="visible")
    page.get_by_text("ask for custref").wait_for(state="visible")
    assert '"text": "{text}"' in page.locator("[name=generic_http__body]").input_value()


def test_test_message_is_answered_in_the_dialog(page):
    provider = make_provider()
    page.goto(f"{PROVIDERS}{provider.pk}/change/")

    page.get_by_text("Send test message").click()
    page.fill("#dialog [name=address]", "ana+reject@example.com")
    page.get_by_role("button", name="Send", exact=True).click()

    page.locator(".answer-bad").wait_for()
    assert "550" in page.locator(".answer").inner_text()
