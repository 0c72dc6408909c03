from __future__ import annotations

import pytest

from omnichannel import status_table
from omnichannel.backends.base import Result
from omnichannel.status_table import StatusTable
from tests.factories import make_provider

pytestmark = pytest.mark.django_db


def test_codes_that_somebody_makes_up_do_not_fill_the_table(monkeypatch):
    monkeypatch.setattr(status_table, "MOST", 3)
    provider = make_provider()
    table = StatusTable.of(provider)

    outcomes = [table.outcome_of(Result("k", "rejected", code=f"x{n}")) for n in range(9)]

    assert provider.statuses.count() == 3
    assert set(outcomes) == {"rejected"}
