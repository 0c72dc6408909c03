"""The pages of one-time passwords in a real browser."""

from __future__ import annotations

import pytest

from otp.models import BlockedPrefix
from tests.otp.admin.posted import BLOCKS, CONFIGURATIONS, FIGURES
from tests.otp.admin.test_figures import make_traffic
from tests.otp.factories import make_configuration

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def faults(page):
    """What the browser complains of, such as a script that the content policy refuses."""
    found = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda line: line.type == "error" and found.append(line.text))
    yield found
    assert not found


@pytest.mark.slow
def test_strength_follows_the_fields_and_short_codes_tighten_the_limits(page, faults):
    page.goto(f"{CONFIGURATIONS}add/")
    strength = page.locator("[data-otp-strength]")
    assert "20 bits: 1,000,000 codes" in strength.inner_text()
    assert not strength.locator("[data-weak]").is_visible()

    page.select_option("[name=length]", "4")
    assert "13 bits: 10,000 codes" in strength.inner_text()
    assert "one chance in 3,333 a day" in strength.inner_text()
    assert strength.locator("[data-weak]").is_visible()
    assert strength.locator("[data-short]").is_visible()
    assert page.locator("[name=tries]").input_value() == "3"
    assert page.locator("[name=tries]").get_attribute("max") == "3"

    page.select_option("[name=length]", "8")
    page.select_option("[name=kind]", "alphanumeric")
    assert "35 bits" in strength.inner_text()
    assert page.locator("[name=tries]").input_value() == "5"
    assert not strength.locator("[data-short]").is_visible()


def test_test_code_is_sent_from_the_form(page, faults, ways, settings):
    settings.DEFAULT_PHONE_REGION = "US"
    row = make_configuration()
    page.goto(f"{CONFIGURATIONS}{row.pk}/change/")

    page.get_by_text("Send test code").click()
    page.fill("#dialog [name=address]", "+12025550123")
    page.get_by_role("button", name="Send", exact=True).click()

    page.locator(".answer-good").wait_for()
    assert "Sent to +1********23 by SMS" in page.locator(".answer").inner_text()


@pytest.mark.slow
def test_prefix_is_blocked_from_its_row(page, faults):
    make_traffic("+1202555", 3, 0)
    page.goto(FIGURES)

    page.get_by_role("button", name="Block prefix +1202555").click()
    page.fill("#dialog [name=note]", "Nobody enters them")
    page.get_by_role("button", name="Block", exact=True).click()

    page.get_by_text("+1202555 is blocked.").wait_for()
    assert page.url.endswith(f"{FIGURES}?period=day")
    assert BlockedPrefix.objects.get().prefix == "+1202555"
    page.goto(BLOCKS)
    assert "Nobody enters them" in page.locator("#result_list").inner_text()
