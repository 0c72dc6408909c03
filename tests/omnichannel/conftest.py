from __future__ import annotations

import pytest

from omnichannel import backends
from tests.factories import make_provider
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
