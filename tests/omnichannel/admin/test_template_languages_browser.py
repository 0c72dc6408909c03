"""Languages written, previewed, compared and rolled back in a real browser."""

from __future__ import annotations

import pytest

from omnichannel.models import EmailTemplate
from omnichannel.publishing import publish
from tests.factories_templates import make_template

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.slow
def test_a_language_is_added_previewed_saved_and_rolled_back(page, live_server):
    template = make_template(sample_variables={"name": "Ana"})
    publish(template, subject="Hello", html="<h1>Hello {{ name }}</h1>")
    faults, hosts = [], set()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(f"{live_server.url}/admin/omnichannel/emailtemplate/{template.pk}/change/")

    page.get_by_text("Languages", exact=True).first.click()
    page.get_by_role("button", name="Add a language").click()
    page.get_by_role("button", name="Copy the default text").click()
    assert page.input_value("[name=translations-0-html]") == "<h1>Hello {{ name }}</h1>"
    page.fill("[name=translations-0-language]", "pt_BR")
    page.fill("[name=translations-0-html]", "<h1>Oi {{ name }}</h1>")
    page.select_option("#te-language", "pt_BR")
    frame = page.frame_locator("iframe[name=template-preview]")
    frame.get_by_role("heading", name="Oi Ana").wait_for()
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_text("There is pt-BR but no pt").wait_for()

    template = EmailTemplate.objects.get()
    assert template.published_version.texts.get().html == "<h1>Oi {{ name }}</h1>"
    page.get_by_text("Versions", exact=True).first.click()
    page.get_by_role("link", name="Roll back").click()
    page.get_by_role("button", name="Roll back to version 1").click()
    page.get_by_text("Version 3 is published").wait_for()
    template.refresh_from_db()
    assert template.published_version.languages == []
    assert not faults
    assert hosts == {live_server.url.split("/")[2]}
