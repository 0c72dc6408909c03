"""Every order of claim, journal, wire, answer, record, crash, recovery and delay."""

from __future__ import annotations

import os

import pytest

from tests.model.bfs import STEPS
from tests.model.search import check_all_end, search

# (messages, policy, steps left out, faults, states that are known to be there)
SEARCHES = {
    "three messages, held, any number of faults": (3, "hold", ("busy",), 99, 8_000),
    "two messages, held, refusals too": (2, "hold", (), 99, 5_000),
    "two messages, sent again, any number of faults": (2, "retry", ("busy",), 99, 14_000),
    "three messages, sent again, one fault": (3, "retry", ("busy",), 1, 19_000),
}

# The whole gate searches them all; the everyday run those of ten seconds.
EVERYDAY = list(SEARCHES)[:2]
WANTED = list(SEARCHES) if os.environ.get("REQUIRE_ALL") == "1" else EVERYDAY


@pytest.mark.parametrize("named", WANTED)
def test_in_every_state_that_can_be_reached_nothing_is_lost(named):
    messages, policy, without, faults, known = SEARCHES[named]

    found = search(messages, policy, without=without, faults=faults)

    check_all_end(found)
    other = "time passes, held" if policy == "retry" else "time passes, retried"
    assert found.steps == STEPS.keys() - {*without, other}
    assert len(found.states) >= known
    print(f"{named}: {len(found.states):,} states, {found.edges:,} steps")
