from __future__ import annotations

import os

import pytest

from omnichannel import backends, installation, place
from tests.factories import make_provider
from tests.live import LiveStudio
from tests.omnichannel.installations import HERE
from tests.omnichannel.scripted import Scripted, accept


@pytest.fixture
def scripted(monkeypatch):
    """The scripted backend, registered; accepts everything until told otherwise."""
    known = {**backends.registry(), Scripted.slug: Scripted}
    monkeypatch.setattr(backends, "registry", lambda: known)
    Scripted.seen = []
    Scripted.answer = staticmethod(accept)
    return Scripted


@pytest.fixture
def provider(db, scripted):
    return make_provider(backend="scripted")


@pytest.fixture
def here(monkeypatch, settings, tmp_path):
    """Where the database is, until the test says where else; and a host without a memory."""
    settings.VAR_DIR = tmp_path
    now = [HERE]
    monkeypatch.setattr(place, "here", lambda: now[0])
    installation.changed()
    yield lambda found: now.__setitem__(0, found)
    installation.changed()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live(request, tmp_path_factory):
    """A database for real processes, on SQLite and (with TEST_POSTGRES_URL) on PostgreSQL."""
    url = os.environ.get("TEST_POSTGRES_URL", "") if request.param == "postgresql" else ""
    if request.param == "postgresql" and not url:
        pytest.skip("TEST_POSTGRES_URL is not set")
    with LiveStudio(tmp_path_factory.mktemp("live"), url) as studio:
        yield studio
