"""The model is no fiction: what happens in it happens in the product, step by step."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.model import bfs
from tests.model.stage import Stage

STEPS = 40
WALKS = 8
SELDOM = {"time passes, held": 0.3, "time passes, retried": 0.3, "die": 0.25, "lose power": 0.05}


@pytest.mark.parametrize("policy", ["hold", "retry"])
@pytest.mark.parametrize("messages", [2, 3])
def test_the_product_goes_where_the_model_goes(db, monkeypatch, policy, messages):
    # No walk comes to an end of its retries: see the searches for that.
    monkeypatch.setattr(bfs, "RETRIES", 99)
    taken: Counter[str] = Counter()

    for seed in range(WALKS):
        taken += _walk(random.Random(seed), Stage(messages, policy), bfs.start(messages), policy)

    other = "time passes, held" if policy == "retry" else "time passes, retried"
    assert taken.keys() == bfs.STEPS.keys() - {other}


def _steps(state: bfs.State, policy: str) -> list[bfs.Step]:
    """None when only time can pass and nothing comes of it."""
    steps = list(bfs.possible(state, policy))
    stays = len(steps) == 1 and bfs.followed(state, steps[0]) == state
    return [] if stays else steps


def _walk(chance: random.Random, stage: Stage, state: bfs.State, policy: str) -> Counter[str]:
    taken: list[bfs.Step] = []
    try:
        while len(taken) < STEPS and (steps := _steps(state, policy)):
            weights = [SELDOM.get(name, 1.0) for name, _ in steps]
            taken += chance.choices(steps, weights)
            state = bfs.followed(state, taken[-1])
            stage.step(*taken[-1])
            real, model = stage.picture(), bfs.picture(state)
            assert real == model, f"{real} is not the model's {model} after {taken}"
            if not stage.leases_ended:
                assert stage.attempts() == [row.attempts for row in state.rows]
    finally:
        stage.close()
    return Counter(name for name, _ in taken)
