from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from omnichannel import instant

_hand_over = instant._hand_over


@pytest.fixture
def pool(monkeypatch):
    """The threads of a test, and their connections, end with it."""

    def hand_over(*arguments):
        try:
            _hand_over(*arguments)
        finally:
            connections.close_all()

    monkeypatch.setattr(instant, "_hand_over", hand_over)
    with ThreadPoolExecutor(4) as pool:
        monkeypatch.setattr(instant, "_pool", pool)
        yield pool
