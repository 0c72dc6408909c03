"""A mail is opened in a browser, a link in it is clicked, and one click unsubscribes for good."""

from __future__ import annotations

import email
import email.policy
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.journeys.product import wait_until

pytestmark = pytest.mark.browser
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0"
READERS = """
from omnichannel.publishing import publish
from tests.factories import make_provider
from tests.factories_campaigns import make_people
from tests.factories_templates import make_template
html = '''<html><body><h1>Dear {{{{ first_name }}}}</h1>
<a href="{url}/healthz?from={{{{ first_name|urlencode }}}}">The shop</a>
<a href="{{{{ system.unsubscribe_url }}}}">Unsubscribe</a></body></html>'''
make_provider(
    name="Mail server", backend="smtp", open_setting=True, click_setting=True,
    app_config={{"host": "127.0.0.1", "port": {port}, "security": "none"}},
)
template = make_template(name="News", sample_variables={{"first_name": "Ana"}})
publish(template, subject="News for {{{{ first_name }}}}", html=html)
make_people(["ana@example.com", "ben@example.com"], name="Readers")
"""
CAMPAIGN = """
from django.utils import timezone
from campaigns import runner
from campaigns.models import Audience
from omnichannel.models import ChannelProvider, MessageTemplate
from tests.factories_campaigns import make_campaign
campaign = make_campaign(
    name="{name}",
    identifier="{name}",
    audience=Audience.objects.get(name="Readers"),
    template=MessageTemplate.objects.get(name="News"),
    provider=ChannelProvider.objects.get(name="Mail server"),
)
runner.start(campaign, by=None, at=timezone.now())
"""
LONG_AGO = """
import datetime
from django.db.models import F
from omnichannel.models import Message
Message.objects.update(last_attempt_at=F("last_attempt_at") - datetime.timedelta(hours=1))
"""


@pytest.fixture
def readers(product, mail_server):
    """Two people, a template and a provider that counts."""
    product.run(READERS.format(url=product.url, port=mail_server.port))


def send_campaign(product, mail_server, name: str) -> dict[str, email.message.EmailMessage]:
    """Run a campaign to its end; answer the messages that arrived, by recipient."""
    mail_server.messages.clear()
    product.run(CAMPAIGN.format(name=name))
    ended = f"SELECT status FROM campaigns_campaign WHERE identifier = '{name}'"
    wait_until(lambda: product.look_up(ended) == [("finished",)], "end of the campaign")
    return {
        message.recipient: email.message_from_bytes(message.data, policy=email.policy.SMTP)
        for message in mail_server.messages
    }


@pytest.mark.slow
def test_an_opened_and_clicked_mail_shows_in_message_events(
    product, operator, readers, mail_server, chromium
):
    mails = send_campaign(product, mail_server, "first")
    product.run(LONG_AGO)
    html = mails["ana@example.com"].get_body(("html",)).get_content()
    mail = chromium.new_context(user_agent=PERSON).new_page()

    with mail.expect_response("**/t/o/*.gif") as pixel:
        mail.set_content(html)
    mail.get_by_text("The shop").click()
    mail.wait_for_url("**/healthz?from=Ana%200")

    assert pixel.value.status == 200
    assert mail.inner_text("body").startswith("ok")
    assert mail.context.cookies() == []
    operator.page.goto("/admin/omnichannel/message/?q=ana@example.com")
    operator.page.get_by_role("link", name="ana@example.com", exact=True).click()
    events = operator.page.locator("#events-group")
    expect(events).to_contain_text("Opened")
    expect(events).to_contain_text("Clicked")
    expect(events).to_contain_text(f"{product.url}/healthz?from=Ana%200")
    assert product.look_up("SELECT count(*) FROM omnichannel_messageevent WHERE is_machine") == [
        (0,)
    ]


@pytest.mark.slow
def test_one_click_keeps_the_next_campaign_away(product, operator, readers, mail_server):
    mail = send_campaign(product, mail_server, "first")["ana@example.com"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = mail["List-Unsubscribe"].strip("<>")

    request = urllib.request.Request(url, data=b"List-Unsubscribe=One-Click")
    with urllib.request.urlopen(request) as answer:
        status = answer.status
    second = send_campaign(product, mail_server, "second")

    assert status == 200
    assert list(second) == ["ben@example.com"]
    newest = "SELECT status FROM omnichannel_message WHERE to_address = 'ana@example.com'"
    assert sorted(product.look_up(newest)) == [("delivered",), ("suppressed",)]
    operator.page.goto("/admin/omnichannel/suppression/")
    expect(operator.page.locator("#result_list")).to_contain_text("ana@example.com")
