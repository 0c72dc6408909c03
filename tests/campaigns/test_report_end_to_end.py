"""A campaign through a real mail server: its report says what the server's own log says."""

from __future__ import annotations

import email
import email.policy
import re
import time
from collections import Counter

import pytest
import time_machine
from django.test import Client

from campaigns import expansion, progress, report, runner
from campaigns.models import CampaignRun
from omnichannel import bounce_matching, receipts, suppressions
from omnichannel.delivery import drain
from omnichannel.publishing import publish
from omnichannel.returned import reading
from omnichannel.suppressions import Word
from tests.factories import NOW, make_provider
from tests.factories_campaigns import make_campaign, make_people
from tests.factories_templates import make_template
from tests.omnichannel.bounces.corpus_mails import mail
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0"
SCANNER = "Barracuda Sentinel"
HTML = """<html><body><h1>Dear {{ first_name }}</h1>
<a href="https://shop.example.com/spring">Spring</a>
<a href="https://shop.example.com/?who={{ first_name|urlencode }}">Yours</a>
<a href="{{ system.unsubscribe_url }}">Unsubscribe</a></body></html>"""
PEOPLE = [
    f"person{number}@{'example.com' if number % 3 else 'example.org'}" for number in range(24)
]
REFUSED = {PEOPLE[3], PEOPLE[4]}
BARRED = PEOPLE[5]
OPENED, SCANNED = PEOPLE[6:14], PEOPLE[14:16]
CLICKED = {PEOPLE[6]: ["1", "2", "1"], PEOPLE[7]: ["2"], PEOPLE[20]: ["1"]}
LEFT, BOUNCED = PEOPLE[8], PEOPLE[9]


def refuse(argument: str) -> str:
    is_refused = any(address in argument for address in REFUSED)
    return "550 5.1.1 no such user" if is_refused else ""


@pytest.fixture
def sent():
    """The run, sent, and the mails of the server's log by recipient."""
    suppressions.say([Word("email", BARRED, "manual", NOW)])
    with SmtpServer(rcpt=refuse) as server, time_machine.travel(NOW, tick=True):
        provider = make_provider(
            backend="smtp",
            open_setting=True,
            click_setting=True,
            app_config={"host": "127.0.0.1", "port": server.port, "security": "none"},
        )
        template = make_template(name="News", sample_variables={"first_name": "Ana"})
        publish(template, subject="News", html=HTML)
        campaign = make_campaign(template=template, provider=provider, audience=make_people(PEOPLE))
        job = runner.start(campaign, by=None, at=NOW)
        expansion.expand(job, at=NOW, until=time.monotonic() + 60)
        drain()
    mails = {
        message.recipient: email.message_from_bytes(message.data, policy=email.policy.SMTP)
        for message in server.messages
    }
    assert len(mails) == len(server.messages)
    return CampaignRun.objects.select_related("job").get(job=job), mails


def read_them(mails) -> None:
    """People and machines do what they do with the mails that arrived, an hour later."""
    with time_machine.travel(NOW.replace(hour=13), tick=True):
        for address in OPENED:
            for _ in range(2):
                get(path(mails[address], r'src="[^"]*(/t/o/[^"]+)"'), PERSON)
        for address in SCANNED:
            get(path(mails[address], r'src="[^"]*(/t/o/[^"]+)"'), SCANNER)
        for address, numbers in CLICKED.items():
            for number in numbers:
                get(path(mails[address], rf'href="[^"]*(/t/c/[^"]+/{number})"'), PERSON)
        one_click = re.search(r"/u/[^>]+", mails[LEFT]["List-Unsubscribe"]).group()
        Client().post(one_click, {"List-Unsubscribe": "One-Click"})


def get(path: str, agent: str) -> None:
    assert Client().get(path, headers={"User-Agent": agent}).status_code in (200, 302)


def path(message, pattern: str) -> str:
    return re.search(pattern, message.get_body(("html",)).get_content()).group(1)


def bounce(run: CampaignRun) -> None:
    """A report of the recipient's server comes back to the mailbox."""
    message = run.job.messages.get(to_address=BOUNCED)
    raw = mail("dsn-postfix-no-such-user", str(message.key), recipient=BOUNCED)
    returned = reading.read(raw)
    events = bounce_matching.events_of(run.job.provider, returned, NOW)
    receipts.store(run.job.provider, events, at=NOW)
    receipts.apply_due(NOW, time.monotonic() + 30, lambda: False)


def test_report_says_what_the_log_of_the_server_says(sent):
    run, mails = sent
    read_them(mails)
    bounce(run)
    progress.follow(at=NOW)

    found = report.of([run], NOW)

    assert set(mails) == set(PEOPLE) - REFUSED - {BARRED}
    assert found.sent == len(mails) == 21
    assert found.of("suppressed") == 1
    assert found.of("failed") == len(REFUSED) + 1
    assert found.recipients == len(PEOPLE)
    people = set(OPENED) | set(CLICKED)
    assert found.reached["opened"] == len(OPENED)
    assert found.reached["opened_by_machine"] == len(SCANNED)
    assert found.reached["clicked"] == len(CLICKED)
    assert found.reached["unsubscribed"] == found.reached["bounced"] == 1
    assert found.of("delivered") == len((people | set(SCANNED)) - {BOUNCED})
    domains = Counter(address.rpartition("@")[2] for address in mails)
    assert {row.name: row.recipients for row in found.domains} == Counter(
        address.rpartition("@")[2] for address in PEOPLE
    )
    assert sum(row.sent for row in found.domains) == sum(domains.values()) - 1
