"""Any order of anything: a random walk through the life of messages, over the real code.

The same walks every time, so that a change is judged by what it does. For a longer search over
new ones set MODEL_EXAMPLES, the number of walks (and DATABASE_URL, for PostgreSQL):

    MODEL_EXAMPLES=2000 .venv/bin/python -m pytest tests/model -n 2

A walk that breaks a promise is printed step by step, as short as it can be made.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Hold, Retry

ASKED = int(os.environ.get("MODEL_EXAMPLES", "0"))
WALKS = settings(
    max_examples=ASKED or (15 if os.environ.get("REQUIRE_ALL") == "1" else 8),
    stateful_step_count=50 if ASKED else 20,
    derandomize=not ASKED,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("machine", [Hold, Retry])
def test_whatever_happens_every_promise_is_kept(db, machine):
    run_state_machine_as_test(machine, settings=WALKS)
