from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from omnichannel.benchmarks.smtp_sink import SmtpSink
from tests import browsers
from tests.journeys.product import PASSWORD, Product
from tests.servers.smtp import SmtpServer

pytest.register_assert_rewrite("tests.journeys.customers")


@pytest.fixture
def product(tmp_path):
    """Running, with the demo data, as after a first start."""
    with Product(tmp_path, DEMO_DATA="1") as product:
        product.up()
        yield product


@pytest.fixture
def mail_server():
    """An SMTP server that keeps every message it takes."""
    with SmtpServer(extensions=("8BITMIME", "SMTPUTF8")) as server:
        yield server


@pytest.fixture
def sink(tmp_path):
    """A fast SMTP server in a process of its own that only counts."""
    with SmtpSink(ledger=tmp_path / "ledger") as sink:
        yield sink


@pytest.fixture(scope="module")
def chromium(chromium_path):
    with browsers.chromium(chromium_path) as browser:
        yield browser


@pytest.fixture
def operator(chromium, product):
    """Someone who has logged in, and whose browser met no fault by the end of the test."""
    from tests.journeys.operator_pages import Operator  # needs Playwright

    viewport = {"width": 1400, "height": 900}
    context = chromium.new_context(base_url=product.url, viewport=viewport)
    context.set_default_timeout(browsers.MILLISECONDS)
    faults = watch(context)
    operator = Operator(context.new_page(), PASSWORD)
    operator.log_in()
    yield operator
    context.close()
    assert not faults


def watch(context) -> list[str]:
    """Collects what must never happen in any page of a browser context."""
    faults: list[str] = []

    def on_request(request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.hostname != "127.0.0.1":
            faults.append(f"asks another host: {request.url}")

    def on_response(response) -> None:
        if response.status >= 500:
            faults.append(f"answered {response.status}: {response.url}")

    def on_console(message) -> None:
        if message.type == "error":
            faults.append(f"console of {message.page.url}: {message.text}")

    context.on("request", on_request)
    context.on("response", on_response)
    context.on("console", on_console)
    context.on("weberror", lambda fault: faults.append(f"script: {fault.error}"))
    return faults
