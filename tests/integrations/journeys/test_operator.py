"""An operator connects a partner and gives it a rule, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from integrations import demo
from integrations.models import ConversionRule, Integration
from tests.factories_integrations import make_house, make_mailbox, make_rule, make_sftp

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PLACE = "/admin/integrations"


@pytest.fixture
def page(operator_context):
    """Whatever the browser complains of fails the test."""
    operator_context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = operator_context.new_page()
    found = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda line: line.type == "error" and found.append(line.text))
    yield page
    assert not found


def submit(page):
    page.locator("#dialog button[type=submit]").click()


def copied(page):
    return page.evaluate("navigator.clipboard.readText()")


def names(page):
    return page.locator("[data-rules] tr td:nth-child(2)").all_inner_texts()


def test_partner_is_connected_switched_on_and_given_a_new_password(page):
    box = make_mailbox(name="Northwind Example")
    make_house(box.account)
    page.goto(f"{PLACE}/integration/add/")

    page.select_option("[data-choose]", str(box.pk))
    page.wait_for_url("**/add/?mailbox=*")
    expect(page.locator("fieldset.block-sftp")).to_be_visible()
    expect(page.locator("fieldset.block-as2").first).to_be_hidden()
    page.check("[name=default_rule][value=autoreject]")
    page.fill("[name=reject_reason]", "We take orders only")
    page.locator("[name=_save]").click()

    expect(page.get_by_text("shown this once")).to_be_visible()
    row = Integration.objects.get()
    page.get_by_role("button", name="Copy Password").click()
    button = page.get_by_role("button", name="Copy Password")
    expect(button.locator("[role=status]")).to_be_visible()
    first = copied(page)
    assert len(first) == 24
    page.get_by_role("button", name="Copy Login").click()
    assert copied(page) == str(row.sftp.login)

    page.get_by_role("switch", name="Integrations enabled").click()
    submit(page)
    expect(page.get_by_text("Northwind Example (SFTP) is on.")).to_be_visible()
    expect(page.get_by_text("shown this once")).to_have_count(0)

    page.get_by_role("button", name="Reset", exact=True).click()
    submit(page)
    expect(page.get_by_text("shown this once")).to_be_visible()
    page.get_by_role("button", name="Copy Password").click()
    assert len(copied(page)) == 24
    assert copied(page) != first


def test_rule_is_run_saved_cloned_and_moved(page):
    row = make_sftp().integration
    box = row.mailbox
    make_house(box.account)
    make_rule(box, name="Older rule", active=False)
    page.goto(f"{PLACE}/integration/{row.pk}/change/")

    page.get_by_role("link", name="Add rule").click()
    page.wait_for_function("document.querySelector('.django-ace-widget')?.editor")
    expect(page.locator("[name=_save]")).to_be_disabled()
    page.fill("[name=name]", "Orders")
    page.set_input_files("[name=example_file]", str(demo.EXAMPLES / "orders.edi"))
    expect(page.get_by_text("A starting map was made")).to_be_visible()
    expect(page.locator("[name=_save]")).to_be_disabled()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("It ran. It can be saved now.")).to_be_visible()
    expect(page.locator("[data-result]")).to_contain_text("<envelope")

    page.evaluate("document.querySelector('.django-ace-widget').editor.insert('x')")
    expect(page.locator("[name=_save]")).to_be_disabled()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("[data-state]")).to_contain_text("line 1")
    page.evaluate("document.querySelector('.django-ace-widget').editor.undo()")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("It ran. It can be saved now.")).to_be_visible()
    page.locator("[name=_save]").click()
    page.wait_for_url("**/conversionrule/")

    rule = ConversionRule.objects.get(name="Orders")
    page.goto(rule.get_absolute_url())
    page.locator("[hx-get*='/clone/']").first.click()
    submit(page)
    expect(page.get_by_text("is a new rule. It is off.")).to_be_visible()

    page.goto(f"{PLACE}/integration/{row.pk}/change/")
    assert names(page) == ["Older rule", "Orders", "Orders (copy)"]
    page.get_by_role("button", name="Move Orders up").click()
    expect(page.get_by_text("The new order is kept.")).to_be_visible()
    page.locator("tr", has_text="Orders (copy)").locator(".rule-grip").drag_to(
        page.locator("tr", has_text="Older rule"), target_position={"x": 20, "y": 3}
    )
    page.wait_for_load_state("networkidle")
    page.get_by_role("switch", name="Orders is on").click()
    expect(page.get_by_text("Orders is on.")).to_be_visible()
    page.reload()
    assert names(page) == ["Orders", "Orders (copy)", "Older rule"]
    rule.refresh_from_db()
    assert rule.active
