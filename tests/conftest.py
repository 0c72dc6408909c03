from __future__ import annotations

import math
import os
import shutil
import sys

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from omnichannel import lifecycle
from tests import prepared
from tests.browsers import MILLISECONDS, chromium


def pytest_configure() -> None:
    prepared.share()


def pytest_collection_modifyitems(items) -> None:
    """First what waits most: a worker that begins it last keeps all others waiting."""
    items.sort(key=lambda item: item.path.parent.name not in ("journeys", "faults"))
    if os.environ.get("REQUIRE_ALL") != "1":
        left_out = pytest.mark.skip(reason="slow: the gate runs it, as REQUIRE_ALL=1 does")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(left_out)


@receiver(connection_created)
def fill_the_database_in_memory(connection, **_) -> None:
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        tables = "SELECT 1 FROM sqlite_master LIMIT 1"
        if connection.connection.execute(tables).fetchone() is None:
            prepared.fill(connection.connection)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """On PostgreSQL each worker's database is a copy of one that was migrated."""
    if connection.vendor == "postgresql" and (url := os.environ.get("TEST_POSTGRES_URL")):
        connection.settings_dict["TEST"]["TEMPLATE"] = prepared.postgres_template(url)


def _environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        pytest.skip(f"{name} is not set")
    return value


@pytest.fixture
def broker_url():
    """A real broker; the test is skipped where none is named."""
    return _environment("TEST_BROKER_URL")


@pytest.fixture
def postgres_url():
    """A PostgreSQL server on which databases may be made."""
    return _environment("TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def chromium_path():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("Chromium is not installed")
    return path


@pytest.fixture
def operator_context(live_server, admin_client, chromium_path):
    """A browser context in which an operator has logged in to the live server."""
    session = admin_client.cookies["sessionid"].value
    with chromium(chromium_path) as browser:
        context = browser.new_context(
            viewport={"width": 1500, "height": 1000}, base_url=live_server.url
        )
        context.set_default_timeout(MILLISECONDS)
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        yield context


@pytest.fixture
def page(operator_context):
    """An operator's page."""
    return operator_context.new_page()


@pytest.fixture
def free_to_run():
    """No stop is asked for, neither before the test nor after it."""
    lifecycle.forget_stop()
    yield
    lifecycle.forget_stop()


@pytest.fixture(autouse=True)
def nothing_is_held(monkeypatch):
    """The databases of tests come and go in one folder: only tests of this very thing look."""
    from omnichannel import installation

    trusting = installation.Known(is_held=False, until=math.inf)
    monkeypatch.setattr(installation, "known", trusting)


@pytest.fixture(autouse=True)
def no_connection_outlives_its_test():
    yield
    if kept := sys.modules.get("omnichannel.kept"):
        kept.close_all()


@pytest.fixture(autouse=True)
def no_row_is_known_from_another_test():
    yield
    cache.clear()  # a test that moves the clock would leave what does not run out
    if lanes := sys.modules.get("omnichannel.lanes"):
        lanes.forget_shared()
    if content := sys.modules.get("omnichannel.submissions.content"):
        content.forget_versions()


def _refuse_skip(report):
    """With REQUIRE_ALL=1 a test that was skipped is a test that failed."""
    if os.environ.get("REQUIRE_ALL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1, but this was skipped: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _refuse_skip((yield))
