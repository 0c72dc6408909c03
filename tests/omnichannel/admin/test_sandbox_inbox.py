from __future__ import annotations

import datetime

import pytest

from omnichannel import links
from omnichannel.backends import sandbox_store
from omnichannel.backends.sandbox_store import Kept
from tests.factories import make_message
from tests.omnichannel.admin.posted import client_with

INBOX = "/admin/omnichannel/message/sandbox/"
AT = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.UTC)
pytestmark = pytest.mark.django_db


def make_kept(**values):
    kept = {
        "at": AT,
        "provider": "GatewayEmail",
        "channel_type": "email",
        "to": "ana@example.com",
        "from_address": "studio@example.com",
        "subject": "Hello",
        "html": "<p>Hello Ana</p>",
        "text": "Hello Ana",
        "outcome": "accepted",
        "code": "250",
        "key": "",
        **values,
    }
    sandbox_store.keep([Kept(**kept)])
    return sandbox_store.listing(limit=1)[0]


@pytest.fixture(autouse=True)
def empty_sandbox(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    sandbox_store.clear()


def test_empty_sandbox_says_what_to_do(admin_client):
    page = admin_client.get(INBOX).content.decode()

    assert "Send something through a provider of type Sandbox" in page


def test_e_mail_is_shown_with_its_headers_attachments_and_row(admin_client):
    message = make_message()
    kept = make_kept(
        key=str(message.key), headers={"X-Campaign": "spring"}, attachments=[("offer.pdf", 2048)]
    )

    page = admin_client.get(INBOX).content.decode()

    assert f"/sandbox/{kept.id}/body/" in page
    assert "X-Campaign" in page
    assert "offer.pdf" in page
    assert f"/message/{message.pk}/change/" in page


def test_sms_is_shown_on_a_phone(admin_client):
    make_kept(channel_type="sms", to="+12025550143", subject="", html="", text="Your parcel")

    page = admin_client.get(INBOX, {"channel": "sms"}).content.decode()

    assert "phone-bubble" in page
    assert "Your parcel" in page


def test_body_is_served_where_nothing_runs(admin_client):
    kept = make_kept(html="<script>alert(1)</script>")

    body = admin_client.get(f"{INBOX}{kept.id}/body/")

    assert body["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_search_and_provider_narrow_the_list(admin_client):
    make_kept(to="bob@example.com", provider="Other")
    make_kept(to="ana@example.com")

    found = admin_client.get(INBOX, {"q": "bob"}).content.decode()
    of_provider = admin_client.get(INBOX, {"provider": "GatewayEmail"}).content.decode()

    assert "bob@example.com" in found
    assert "ana@example.com" not in found
    assert "bob@example.com" not in of_provider


def test_older_messages_are_on_the_next_page(admin_client):
    for number in range(51):
        make_kept(to=f"p{number}@example.com")

    first = admin_client.get(INBOX)
    second = admin_client.get(INBOX, {"before": first.context["older"]})

    assert len(first.context["rows"]) == 50
    assert [kept.to for kept in second.context["rows"]] == ["p0@example.com"]


@pytest.mark.parametrize("query", ["message=x", "message=9999", "before=-1", "channel=fax"])
def test_nonsense_in_the_address_bar_is_no_error(admin_client, query):
    make_kept()

    assert admin_client.get(f"{INBOX}?{query}").status_code == 200


def test_gone_message_is_not_found(admin_client):
    assert admin_client.get(f"{INBOX}9999/body/").status_code == 404


def test_sandbox_is_emptied_by_a_post_only(admin_client):
    make_kept()

    refused = admin_client.get(f"{INBOX}empty/")
    kept = len(sandbox_store.listing())
    admin_client.post(f"{INBOX}empty/")

    assert (refused.status_code, kept) == (405, 1)
    assert sandbox_store.listing() == []


def test_emptying_needs_its_permission():
    make_kept()

    response = client_with("view_message").post(f"{INBOX}empty/")

    assert response.status_code == 403
    assert len(sandbox_store.listing()) == 1


def test_inbox_needs_the_permission_to_view_messages():
    assert client_with("view_channel").get(INBOX).status_code == 403


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_an_operator_cannot_unsubscribe_somebody_or_count_a_click(admin_client, channel):
    url = links.unsubscribe_url(7)
    click = links.click_url(links.token(links.CLICK, 7, 3)) + "1"
    kept = make_kept(
        channel_type=channel,
        text=f"Stop: {url} Go: {click}",
        html=f'<a href="{url}">Stop</a><a href="{click}">Go</a>',
        headers=links.unsubscribe_headers(7),
    )

    page = admin_client.get(f"{INBOX}?channel={channel}").content.decode()
    body = admin_client.get(f"{INBOX}{kept.id}/body/").content.decode()

    for shown in (page, body):
        assert url not in shown
        assert click not in shown
        assert "/u/preview/" in shown
        assert "/t/c/preview/1" in shown
    assert sandbox_store.get(kept.id).text == f"Stop: {url} Go: {click}"
    assert "This is a preview" in admin_client.get("/t/c/preview/1").content.decode()
