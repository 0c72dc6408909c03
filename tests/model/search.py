"""Breadth first through every state of the model; what is promised is checked in each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from omnichannel.choices import ARROWS, MessageStatus
from tests.model.bfs import RETRIES, TIME, WORK, Row, State, Step, after, possible, start

CALM = {*WORK, *TIME} - {"busy"}
TAKEN = MessageStatus.taken()
STILL = {"sent", "delivered", "failed", "uncertain"}  # nothing happens by itself any more


@dataclass
class Found:
    states: dict[State, tuple[State, Step] | None] = field(default_factory=dict)
    steps: set[str] = field(default_factory=set)
    calmly_from: dict[State, list[State]] = field(default_factory=dict)
    edges: int = 0


def search(messages: int, policy: str, *, without: tuple[str, ...] = (), faults: int = 99) -> Found:
    """All states that can be reached with at most `faults` deaths and delays."""
    found, first = Found(), start(messages)
    found.states[first] = None
    spent = {first: 0}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        for step in possible(state, policy):
            cost = spent[state] + is_fault(state, step)
            if step[0] in without or cost > faults:
                continue
            reached = after(state, step)
            check_step(state, step, reached)
            found.edges += 1
            found.steps.add(step[0])
            if step[0] in CALM:
                found.calmly_from.setdefault(reached, []).append(state)
            if reached not in spent:
                check_state(reached, policy)
                found.states[reached] = (state, step)
            if cost < spent.get(reached, 1000):
                spent[reached] = cost
                queue.append(reached)
    return found


def is_fault(state: State, step: Step) -> bool:
    if step[0].startswith("time passes"):
        return any(w is not None and w.is_alive and not w.is_late for w in state.workers)
    return step[0] in ("die", "lose power")


def check_step(state: State, step: Step, reached: State) -> None:
    doubts = 0
    for old, new in zip(state.rows, reached.rows, strict=True):
        if old.status != new.status:
            assert new.status in ARROWS[old.status], f"I8: {old.status} to {new.status}"
            doubts += new.status == "uncertain"
    dead = [w for w in state.workers if w is not None and w.stage == "dead"]
    if step[0] == "recover" and all(worker.is_whole for worker in dead):
        assert doubts <= len(dead), "more is uncertain than was in hand"


def check_state(state: State, policy: str) -> None:
    for row in state.rows:
        _check_row(row, policy)
        if row.status == "sending":
            assert state.workers[row.owner] is not None, "I1: claimed by nobody"
    for number, worker in enumerate(state.workers):
        if worker is not None and worker.is_alive and not worker.is_late:
            left = [i for i, _ in worker.batch[worker.position :]]
            mine = [state.rows[i] for i in left]
            assert all(r.owner == number or r.status in TAKEN for r in mine), "two have one row"


def _check_row(row: Row, policy: str) -> None:
    assert row.taken or row.status not in TAKEN, "I1: sent, but the provider has it not"
    if row.taken and not row.again:
        assert row.status in ("sending", "uncertain", *TAKEN), f"I1: taken, but {row.status}"
    assert row.taken <= 1 + row.again, "I2: taken twice without a reason"
    assert policy == "retry" or row.taken <= 1, "I2: taken twice, though held"
    assert row.wires <= 1 + RETRIES, "I7: more attempts than allowed"


def check_all_end(found: Found) -> None:
    """I11: from every state there is a way without a fault to where all is still."""
    ended = {state for state in found.states if all(row.status in STILL for row in state.rows)}
    queue = deque(ended)
    while queue:
        for state in found.calmly_from.get(queue.popleft(), ()):
            if state not in ended:
                ended.add(state)
                queue.append(state)
    assert len(ended) == len(found.states), "I11: a state without an end"


def way_to(found: Found, state: State) -> list[str]:
    """The steps of a shortest way to a state."""
    steps: list[str] = []
    while (before := found.states[state]) is not None:
        state, (name, number) = before
        steps.append(f"{name} ({number})")
    return steps[::-1]
