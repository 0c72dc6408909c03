"""The template editor in a real browser."""

from __future__ import annotations

import pytest

from omnichannel.models import EmailTemplate

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = (
    "<h1>Hello {{ first_name }}</h1>"
    "<script>document.body.textContent = 'owned'; top.location = '/admin/'</script>"
    "<img src=x onerror=\"document.body.textContent = 'owned'\">"
    '<img src="https://tracker.example.com/pixel.png">{{ city }}'
)


def test_template_is_written_previewed_and_saved(page, live_server):
    stopped, faults = {}, []
    page.on("requestfailed", lambda request: stopped.update({request.url: request.failure}))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{live_server.url}/admin/omnichannel/emailtemplate/add/")
    page.fill("[name=name]", "Welcome")
    page.fill("[name=subject]", "Hi {{ first_name }}")
    page.wait_for_function("document.querySelector('.django-ace-widget').editor")

    page.evaluate(
        "html => document.querySelector('.django-ace-widget').editor.setValue(html)", HOSTILE
    )
    page.get_by_role("button", name="first_name", exact=True).click()
    page.get_by_role("button", name="city", exact=True).click()
    frame = page.frame_locator("iframe[name=template-preview]")
    frame.get_by_role("heading", name="Hello first_name").wait_for()
    page.get_by_text("Hi first_name").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/emailtemplate/")

    template = EmailTemplate.objects.get()
    assert template.sample_variables == {"first_name": "first_name", "city": "city"}
    assert template.published_version.html == HOSTILE
    assert not faults
    assert stopped["https://tracker.example.com/pixel.png"] == "csp"
