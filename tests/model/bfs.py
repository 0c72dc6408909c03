"""The claim, the journal and recovery as a small model, small enough to be searched to its end.

A worker may die at every step, alone, with its container (its journal is gone) or with the
machine (the journal's lines may be gone), and may be held up so long that its lease runs out and
its answer comes late. `stage.py` holds the model against the product's own code, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

WORKERS = 2
BULK = 2  # messages of one claim
RETRIES = 1  # Retry Max Attempt
UNKNOWN = "?"
OUTCOMES = {"ok": "sent", "busy": "error"}


class Row(NamedTuple):
    """One message: its row, and what the provider knows of it."""

    status: str = "new"
    owner: int = -1
    attempts: int = 0
    wires: int = 0  # how often it was handed over
    taken: int = 0  # how often the provider took it
    again: int = 0  # how often it was sent again because its outcome was unknown


class Worker(NamedTuple):
    """A worker with a batch. `stage` is the crash point that it has passed last.

    `batch` is (message, its attempts when it was claimed); `journal` is (message, its answer).
    """

    stage: str
    batch: tuple[tuple[int, int], ...] = ()
    position: int = 0
    answer: str = ""
    verdicts: tuple[tuple[int, str], ...] = ()
    journal: tuple[tuple[int, str], ...] = ()
    is_late: bool = False  # it was held up: it hands nothing more over
    is_whole: bool = True  # the machine has not gone down since

    @property
    def is_alive(self) -> bool:
        return self.stage not in ("dead", "gone")


class State(NamedTuple):
    rows: tuple[Row, ...]
    workers: tuple[Worker | None, ...]


HANDING = ("handed", "wire", "answered")


def _weight(worker: Worker | None) -> tuple:
    return () if worker is None else tuple(worker)


Step = tuple[str, int]  # what happens, to which worker or message


@dataclass(frozen=True)
class Draft:
    """A state that is being changed."""

    rows: list[Row]
    workers: list[Worker | None]

    @classmethod
    def of(cls, state: State) -> Draft:
        return cls(list(state.rows), list(state.workers))

    def set(self, message: int, **values: object) -> None:
        self.rows[message] = self.rows[message]._replace(**values)

    def change(self, worker: int, **values: object) -> None:
        self.workers[worker] = self.workers[worker]._replace(**values)

    def frozen(self) -> State:
        """Without what can make no difference any more; the workers in one order of the two."""
        rows, workers = tuple(self.rows), [self._told(number) for number in range(WORKERS)]
        if _weight(workers[0]) > _weight(workers[1]):
            workers.reverse()
            rows = tuple(
                row._replace(owner=WORKERS - 1 - row.owner) if row.owner >= 0 else row
                for row in rows
            )
        return State(rows, tuple(workers))

    def _told(self, number: int) -> Worker | None:
        worker = self.workers[number]
        if worker is None:
            return None
        mine = {i for i, row in enumerate(self.rows) if row.owner == number}
        if not worker.is_alive and not mine:
            return None
        journal = tuple(line for line in worker.journal if line[0] in mine)
        batch = worker.batch
        if worker.is_late:
            batch = batch[: worker.position + (worker.stage in HANDING)]
        return worker._replace(journal=journal, batch=batch)


# --- One worker -----------------------------------------------------------------------------------


def claim(draft: Draft, number: int) -> None:
    ready = [i for i, row in enumerate(draft.rows) if row.status == "new"][:BULK]
    draft.workers[number] = Worker("claimed", tuple((i, draft.rows[i].attempts) for i in ready))
    for i in ready:
        draft.set(i, status="sending", owner=number)


def go_on(draft: Draft, number: int) -> None:
    """The next message is handed over, or the batch comes to its end."""
    worker = draft.workers[number]
    if worker.position < len(worker.batch) and not worker.is_late:
        message, _ = worker.batch[worker.position]
        journal = (*worker.journal, (message, UNKNOWN))
        draft.change(number, stage="handed", journal=journal)
    elif worker.verdicts:
        draft.change(number, stage="recording")
    else:
        put_back(draft, number)
        draft.workers[number] = None


def wire(draft: Draft, number: int, answer: str) -> None:
    worker = draft.workers[number]
    message, _ = worker.batch[worker.position]
    row = draft.rows[message]
    draft.set(message, wires=row.wires + 1, taken=row.taken + (answer == "ok"))
    draft.change(number, stage="wire", answer=answer)


def hear(draft: Draft, number: int) -> None:
    draft.change(number, stage="answered")


def note(draft: Draft, number: int, *, flush: bool) -> None:
    """The answer goes into the journal; it is recorded now, or with those that follow."""
    worker = draft.workers[number]
    message, attempts = worker.batch[worker.position]
    draft.change(
        number,
        journal=(*worker.journal[:-1], (message, worker.answer)),
        verdicts=(*worker.verdicts, (message, judged(worker.answer, attempts))),
        position=worker.position + 1,
        answer="",
    )
    if flush:
        draft.change(number, stage="recording")
    else:
        go_on(draft, number)


def judged(answer: str, attempts: int) -> str:
    if answer == UNKNOWN:
        return "uncertain"
    return "failed" if answer == "busy" and attempts >= RETRIES else OUTCOMES[answer]


def record(draft: Draft, number: int) -> None:
    for message, status in draft.workers[number].verdicts:
        row = draft.rows[message]
        is_mine = row.status == "sending" and row.owner == number
        if is_mine or (row.status == "uncertain" and status in ("sent", "failed")):
            draft.set(message, status=status, owner=-1, attempts=row.attempts + 1)
    draft.change(number, stage="recorded", verdicts=())


def empty(draft: Draft, number: int) -> None:
    draft.change(number, journal=())
    go_on(draft, number)


def put_back(draft: Draft, number: int) -> None:
    for i, row in enumerate(draft.rows):
        if row.status == "sending" and row.owner == number:
            draft.set(i, status="new", owner=-1)


# --- Faults, recovery, time -----------------------------------------------------------------------


def die(draft: Draft, number: int) -> None:
    worker = draft.workers[number]
    draft.workers[number] = Worker("dead", journal=worker.journal, is_whole=worker.is_whole)


def lose_journal(draft: Draft, number: int) -> None:
    draft.workers[number] = Worker("gone")


def lose_power(draft: Draft, lines: int) -> None:
    """Bit n of `lines`: the journal of worker n reached the disk."""
    for number, worker in enumerate(draft.workers):
        if worker is not None and worker.stage != "gone":
            journal = worker.journal if lines & (1 << number) else ()
            draft.workers[number] = Worker("dead", journal=journal, is_whole=False)


def recover(draft: Draft) -> None:
    for number, worker in enumerate(draft.workers):
        if worker is None or worker.stage != "dead":
            continue
        answers = dict(worker.journal)
        for i, row in enumerate(draft.rows):
            is_mine = row.status == "sending" and row.owner == number
            if is_mine and (i in answers or not worker.is_whole):
                status = judged(answers.get(i, UNKNOWN), row.attempts)
                draft.set(i, status=status, owner=-1, attempts=row.attempts + 1)
        put_back(draft, number)
        draft.workers[number] = None


def time_passes(draft: Draft, *, retries: bool) -> None:
    """Longer than a lease, a batch and Pool Time Retry; then the ticks run."""
    before = list(draft.rows)
    recover(draft)
    for i, row in enumerate(draft.rows):
        if row.status == "sending":
            draft.set(i, status="uncertain", owner=-1, attempts=row.attempts + 1)
        elif before[i].status == "uncertain" and retries and row.attempts <= RETRIES:
            draft.set(i, status="new", again=row.again + 1)
        elif before[i].status == "error":
            draft.set(i, status="new")
    for number, worker in enumerate(draft.workers):
        if worker is not None and worker.is_alive:
            draft.change(number, is_late=True)
        else:
            draft.workers[number] = None


def report(draft: Draft, message: int) -> None:
    draft.set(message, status="delivered")


# --- All that may happen --------------------------------------------------------------------------

WORK = {
    "claim": claim,
    "go on": go_on,
    "ok": lambda draft, number: wire(draft, number, "ok"),
    "hear": hear,
    "note": lambda draft, number: note(draft, number, flush=False),
    "note and flush": lambda draft, number: note(draft, number, flush=True),
    "record": record,
    "empty": empty,
    "busy": lambda draft, number: wire(draft, number, "busy"),
}
TIME = {
    "recover": lambda draft, _: recover(draft),
    "time passes, held": lambda draft, _: time_passes(draft, retries=False),
    "time passes, retried": lambda draft, _: time_passes(draft, retries=True),
}
TROUBLE = {
    "die": die,
    "lose the journal": lose_journal,
    "lose power": lose_power,
    "report": report,
}
STEPS: dict[str, Callable[[Draft, int], None]] = {**WORK, **TIME, **TROUBLE}
NEXT = {
    "claimed": ("go on",),
    "handed": ("ok", "busy"),
    "wire": ("hear",),
    "answered": ("note", "note and flush"),
    "recording": ("record",),
    "recorded": ("empty",),
    "dead": ("lose the journal",),
    "gone": (),
}


def possible(state: State, policy: str) -> Iterator[Step]:
    for number, worker in enumerate(state.workers):
        if worker is None:
            if any(row.status == "new" for row in state.rows):
                yield "claim", number
            continue
        yield from ((name, number) for name in NEXT[worker.stage])
        if worker.is_alive:
            yield "die", number
    if any(worker is not None and worker.stage == "dead" for worker in state.workers):
        yield "recover", 0
    if any(worker is not None and worker.is_alive for worker in state.workers):
        yield from (("lose power", lines) for lines in (0, 3))
    yield ("time passes, retried" if policy == "retry" else "time passes, held"), 0
    for message, row in enumerate(state.rows):
        # One that comes while its message is being sent waits for the end of that.
        if row.taken and row.status in ("sent", "uncertain"):
            yield "report", message


def after(state: State, step: Step) -> State:
    """What follows, told as briefly as possible: the numbers of the workers may change places."""
    return _changed(state, step).frozen()


def followed(state: State, step: Step) -> State:
    """What follows, worker by worker."""
    draft = _changed(state, step)
    return State(tuple(draft.rows), tuple(draft.workers))


def _changed(state: State, step: Step) -> Draft:
    draft = Draft.of(state)
    STEPS[step[0]](draft, step[1])
    return draft


def start(messages: int) -> State:
    return State((Row(),) * messages, (None,) * WORKERS)


def picture(state: State) -> tuple:
    """As `Stage.picture`: what of a state can be seen from outside."""
    rows = [
        (row.status, row.owner if row.status == "sending" else -1, row.wires, row.taken)
        for row in state.rows
    ]
    return rows, [worker and (worker.stage, dict(worker.journal)) for worker in state.workers]
