"""A user enrols and signs in, in a browser."""

from __future__ import annotations

import pytest

from tests.browsers import chromium
from tests.otp.two_factor.people import PASSWORD, code_now, make_user, wrong_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NUMBER = "+12025550143"


@pytest.fixture
def user(inbox):
    return make_user(username="operator", is_superuser=True)


@pytest.fixture
def browser(chromium_path):
    with chromium(chromium_path) as browser:
        yield browser


@pytest.fixture
def open_page(browser, live_server):
    """A page of a new visitor, in a browser that knows nothing."""

    def opened():
        context = browser.new_context(base_url=live_server.url)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.faults = []
        page.on("console", lambda line: line.type == "error" and page.faults.append(line.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        return page

    return opened


def log_in(page):
    page.goto("/admin/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", PASSWORD)
    page.click("#login-form button[type=submit]")


def enter(page, code, button="Sign in"):
    page.fill("#id_code", code)
    page.get_by_role("button", name=button, exact=True).click()


def is_in(page) -> bool:
    page.goto("/admin/password_change/")
    return page.locator("#id_old_password").count() == 1


def enrol_app(page) -> tuple[str, list[str]]:
    """(secret, backup codes)"""
    page.goto("/admin/two-factor/devices/")
    page.get_by_role("link", name="Authenticator app").click()
    page.locator(".two-factor-picture svg").wait_for()
    page.get_by_text("The app cannot read it?").click()
    secret = page.locator(".two-factor-secret").inner_text().replace(" ", "")
    enter(page, code_now(secret), "Add the app")
    page.get_by_role("heading", name="Backup codes").wait_for()
    return secret, page.locator(".two-factor-codes code").all_inner_texts()


def enrol_number(page, inbox):
    page.goto("/admin/two-factor/devices/")
    page.get_by_text("A code to your mobile phone.").click()
    page.fill("#id_destination", NUMBER)
    page.get_by_role("button", name="Send the code").click()
    page.get_by_text("We sent a code to").wait_for()
    assert page.get_by_role("button", name="Send another code in").is_disabled()
    enter(page, inbox.code(NUMBER), "Confirm")
    page.get_by_text("SMS to").first.wait_for()


@pytest.mark.slow
def test_a_user_enrols_both_and_signs_in_with_each(user, inbox, open_page):
    page = open_page()
    log_in(page)
    secret, codes = enrol_app(page)
    enrol_number(page, inbox)
    assert len(codes) == 10
    assert not page.faults

    by_app = open_page()
    log_in(by_app)
    by_app.get_by_text("Use the app").click()  # the number was used last
    field = by_app.locator("#id_code")
    assert field.get_attribute("autocomplete") == "one-time-code"
    assert field.get_attribute("inputmode") == "numeric"
    enter(by_app, code_now(secret, steps=1))  # the present one has enrolled
    assert is_in(by_app)

    with_backup = open_page()
    log_in(with_backup)
    with_backup.get_by_text("Use a backup code").click()
    enter(with_backup, codes[0])
    assert is_in(with_backup)
    with_backup.goto("/admin/two-factor/devices/")
    with_backup.get_by_text("9 of 10 left").wait_for()
    assert not [*by_app.faults, *with_backup.faults]


@pytest.mark.slow
def test_a_user_signs_in_by_sms_and_is_remembered(user, inbox, open_page):
    page = open_page()
    log_in(page)
    page.goto("/admin/two-factor/devices/")
    page.get_by_text("A code to your mobile phone.").click()
    page.fill("#id_destination", NUMBER)
    page.get_by_role("button", name="Send the code").click()
    enter(page, inbox.code(NUMBER), "Confirm")
    page.get_by_role("heading", name="Backup codes").wait_for()
    inbox.let_cool_down()

    other = open_page()
    log_in(other)
    other.get_by_text("Do not ask in this browser").click()
    enter(other, inbox.code(NUMBER))
    assert is_in(other)
    other.context.clear_cookies(name="sessionid")
    log_in(other)
    assert is_in(other)
    assert not other.faults


@pytest.mark.slow
def test_wrong_codes_lock_the_second_step(user, inbox, open_page):
    page = open_page()
    log_in(page)
    secret, _ = enrol_app(page)
    stranger = open_page()
    log_in(stranger)

    for left in (4, 3, 2, 1):
        enter(stranger, wrong_code(secret))
        stranger.get_by_text(f"{left} {'try' if left == 1 else 'tries'} left.").wait_for()
    enter(stranger, wrong_code(secret))

    stranger.get_by_text("Too many wrong codes. Try again in 15 minutes").wait_for()
    assert stranger.locator("#id_code").count() == 0
    assert not is_in(stranger)
    assert is_in(page)
