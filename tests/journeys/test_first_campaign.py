"""From a CSV file to an inbox, as an operator does it on the first day."""

from __future__ import annotations

import time

import pytest

from tests.journeys.customers import (
    add_mail_server,
    assert_arrived,
    import_customers,
    run_to_the_end,
    write_template,
)
from tests.journeys.product import wait_until

pytestmark = pytest.mark.browser
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


def test_a_csv_file_reaches_every_inbox(operator, mail_server):
    people = import_customers(operator)
    write_template(operator)
    operator.write_campaign("Autumn news", "Customer news", "Customers", "FTOSEmailGateway")
    run_to_the_end(operator, "FTOSEmailGateway", people)
    campaign = operator.page.url
    head, body = operator.what_was_sent("soren.novak30@example.com")
    assert "News for Søren" in head
    assert "Dear Søren" in body

    add_mail_server(operator, mail_server)
    operator.page.goto(campaign)
    operator.clone(provider="Mail server")
    run_to_the_end(operator, "Mail server", people)
    assert_arrived(mail_server, people)


@pytest.mark.slow
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
    assert counts == {"Recipients": 200, "Sent": 200}
    assert sink.recipients() == {f"person{n}@example.com": 1 for n in range(200)}
