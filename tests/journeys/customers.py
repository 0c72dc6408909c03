"""The example file from upload to inbox: what the journeys share, whatever the product runs on."""

from __future__ import annotations

import csv
import email
import email.policy

from tests.live import ROOT

CUSTOMERS = ROOT / "docs" / "examples" / "customers.csv"


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


def write_template(operator) -> None:
    operator.write_template("Customer news")
    subject, body = operator.preview_with("bob.smithjones5@example.com", "Dear Bob")
    assert subject == "News for Bob"
    assert "Your plan is free." in body
    operator.save()


def add_mail_server(operator, server) -> None:
    """Add a provider for an SMTP server, and try it by both dialogs."""
    operator.write_smtp_provider("Mail server", server.port)
    assert "It works" in operator.answer_of("Check connection", "Check")
    said = operator.answer_of("Send test message", "Send", address="ana@example.com")
    assert "Sent" in said
    assert [message.recipient for message in server.messages] == ["ana@example.com"]
    server.messages.clear()


def run_to_the_end(operator, provider: str, people: dict[str, str]) -> None:
    asked = operator.run()
    assert f"{len(people)} of {len(people)} in Customers" in asked
    assert provider in asked
    assert operator.counts_when_done() == {"Recipients": len(people), "Sent": len(people)}


def assert_arrived(server, people: dict[str, str]) -> None:
    """Everyone has got one message, with their own name in it."""
    found = {}
    for message in server.messages:
        parsed = email.message_from_bytes(message.data, policy=email.policy.SMTPUTF8)
        found[message.recipient] = parsed["subject"]
    assert len(server.messages) == len(people)
    assert found == {to: f"News for {name}" for to, name in people.items()}


def on_the_wire(address: str) -> str:
    """An address as SMTP carries it."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"
