"""The same path as on one machine, on PostgreSQL with Celery's own workers and beat."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.journeys.customers import (
    add_mail_server,
    assert_arrived,
    import_customers,
    run_to_the_end,
    write_template,
)
from tests.journeys.product import Product, children_of

pytestmark = pytest.mark.browser
QUEUES = "otp,transactional,promotional,default"


def own_database(broker_url: str) -> str:
    """The Redis database after the one named: other tests use that at the same time."""
    parts = urlsplit(broker_url)
    number = int(parts.path.strip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{(number + 1) % 16}"))


@pytest.fixture
def product(tmp_path, postgres_url, broker_url):
    url = own_database(broker_url)
    with Product(tmp_path, postgres_url, CELERY_BROKER_URL=url) as product:
        up = product.up()
        product.spawn("worker", "-m", "celery", "-A", "config", "worker", "-Q", QUEUES)
        schedule = str(tmp_path / "beat")
        product.spawn("beat", "-m", "celery", "-A", "config", "beat", "-s", schedule, "--pidfile=")
        yield product
        assert not children_of(up)


def test_workers_and_beat_send_the_same_campaign(operator, mail_server):
    people = import_customers(operator)
    write_template(operator)
    add_mail_server(operator, mail_server)
    operator.write_campaign("Autumn news", "Customer news", "Customers", "Mail server")

    run_to_the_end(operator, "Mail server", people)

    assert_arrived(mail_server, people)
