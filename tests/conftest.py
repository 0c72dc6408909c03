from __future__ import annotations

import os
import shutil

import pytest

from omnichannel import lifecycle


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
def free_to_run():
    """No stop is asked for, neither before the test nor after it."""
    lifecycle.forget_stop()
    yield
    lifecycle.forget_stop()


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
