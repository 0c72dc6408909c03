"""From a CSV file to an inbox, as an operator does it on the first day."""

from __future__ import annotations

import csv
import email
import email.policy
import re
import time

import pytest

from tests.journeys.product import wait_until
from tests.live import ROOT

pytestmark = pytest.mark.browser
CUSTOMERS = ROOT / "docs" / "examples" / "customers.csv"
SMALL_CAMPAIGN = """
from campaigns.models import Audience
from tests.factories import make_provider
from tests.factories_campaigns import make_campaign, make_people, make_published_template
provider = make_provider(
    backend="smtp", app_config={{"host": "127.0.0.1", "port": {port}, "security": "none"}}
)
make_campaign(
    name="Slow news",
    audience=make_people(f"person{{n}}@example.com" for n in range(200)),
    provider=provider,
    rate_limit=40,
)
"""


def on_the_wire(address: str) -> str:
    """An address as SMTP carries it."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def subjects(server) -> dict[str, str]:
    """{recipient: subject} of what an SMTP server took."""
    found = {}
    for message in server.messages:
        parsed = email.message_from_bytes(message.data, policy=email.policy.SMTPUTF8)
        found[message.recipient] = parsed["subject"]
    return found


def import_customers(operator) -> dict[str, str]:
    """Import the example file; answer {address: first name} of the audience it became."""
    operator.upload(CUSTOMERS, "Customers")
    preview = operator.page.locator(".import-table").first
    assert "ema.kowalski1@example.com" in preview.inner_text()
    operator.start_import()

    counts = operator.import_counts()
    rejects = operator.download("Rejected rows and duplicates")
    operator.press("Open the audience")
    members = operator.download("Export")

    with CUSTOMERS.open(encoding="utf-8-sig") as file:
        rows = sum(1 for _ in csv.reader(file)) - 1
    assert counts["added"] == len(members)
    assert counts["rejected"] + counts["duplicates"] == len(rejects)
    assert counts["added"] + len(rejects) == rows
    assert any("is not an e-mail address" in reject["reason"] for reject in rejects)
    # An export puts a quote before what a spreadsheet would take for a formula.
    return {on_the_wire(row["email"]): row["first_name"].removeprefix("'") for row in members}


def send_over_smtp(operator, server, people: dict[str, str]) -> None:
    """Add a provider for the server and run the campaign whose page is open through it."""
    campaign = operator.page.url
    operator.write_smtp_provider("Mail server", server.port)
    assert "It works" in operator.answer_of("Check connection", "Check")
    test = operator.answer_of("Send test message", "Send", address="ana@example.com")
    assert "Sent" in test
    assert [message.recipient for message in server.messages] == ["ana@example.com"]
    server.messages.clear()

    operator.page.goto(campaign)
    operator.clone(provider="Mail server")
    assert "Mail server" in operator.run()
    assert operator.counts_when_done() == {"Sent": len(people)}

    assert len(server.messages) == len(people)
    assert subjects(server) == {to: f"News for {name}" for to, name in people.items()}


def test_a_csv_file_reaches_every_inbox(operator, mail_server):
    people = import_customers(operator)
    operator.write_template("Customer news")
    subject, body = operator.preview_with("bob.smithjones5@example.com", "Dear Bob")
    assert subject == "News for Bob"
    assert "Your plan is free." in body
    operator.save()

    operator.write_campaign("Autumn news", "Customer news", "Customers", "FTOSEmailGateway")
    asked = operator.run()
    assert re.search(rf"\b{len(people)}\b", asked)
    assert operator.counts_when_done() == {"Sent": len(people)}

    campaign = operator.page.url
    head, body = operator.what_was_sent("soren.novak30@example.com")
    assert "News for Søren" in head
    assert "Dear Søren" in body

    operator.page.goto(campaign)
    send_over_smtp(operator, mail_server, people)


def test_pause_stops_sending_and_resume_sends_exactly_the_rest(operator, product, sink):
    product.run(SMALL_CAMPAIGN.format(port=sink.port))
    operator.press("Campaigns")
    operator.press("Slow news")
    operator.run()
    wait_until(sink.count, "first message")

    operator.pause()
    time.sleep(2)
    before = sink.count()
    time.sleep(2)
    while_paused = sink.count()
    operator.resume()
    counts = operator.counts_when_done()

    assert 0 < before < 200
    assert while_paused == before
    assert counts == {"Sent": 200}
    assert sink.recipients() == {f"person{n}@example.com": 1 for n in range(200)}
