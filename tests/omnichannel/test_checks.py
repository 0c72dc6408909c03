from __future__ import annotations

import pytest

from omnichannel import checks


def test_keys_made_by_the_machine_are_warned_of_in_production(monkeypatch):
    monkeypatch.delenv("SECRET_KEY")

    assert [warning.id for warning in checks.check_keys_are_given()] == ["omnichannel.W001"]


def test_workers_on_sqlite_are_warned_of(settings):
    settings.IS_EMBEDDED, settings.IS_SQLITE = False, True
    assert checks.check_workers_have_a_server()

    settings.IS_SQLITE = False
    assert not checks.check_workers_have_a_server()


@pytest.mark.parametrize(
    ("url", "errors"),
    [("", 0), ("https://studio.example.com", 0), ("studio.example.com", 1), ("https://", 1)],
)
def test_public_url_must_be_a_web_address(settings, url, errors):
    settings.PUBLIC_URL = url

    assert len(checks.check_public_url()) == errors
