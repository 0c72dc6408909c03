"""The fault matrix: its cases, which tests prove them, and the table of docs/reliability.md.

`python -m tests.faults.matrix` writes the table anew.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"

# number: (what goes wrong, what happens)
CASES = {
    1: ("a worker is killed before it claims", "nothing changes; the next one sends all"),
    2: (
        "killed right after its claim",
        "with its journal: put back at once; without: uncertain when the lease ends; no other row "
        "is touched",
    ),
    3: (
        "killed while it makes a message",
        "the others go; the third death at one message's turn fails it with that reason",
    ),
    4: (
        "a connection breaks before the final dot",
        "tried again; never when its last byte had left this machine",
    ),
    5: ("no answer after the final dot", "uncertain, never sent blindly again on *hold*"),
    6: (
        "killed between acceptance and record",
        "*hold*: no duplicate; *send again*: at most what was in hand on each connection",
    ),
    7: ("killed after the record, the task comes again", "nothing is sent twice"),
    8: ("killed in the middle of a batch", "only what was not handed over goes on"),
    9: ("killed between rows and counters", "both are one transaction: counters equal rows"),
    10: ("killed while a campaign's messages are written", "goes on; none missing, none double"),
    11: ("the whole product is killed during a campaign", "finishes after a restart; none lost"),
    12: ("PostgreSQL crashes during sending", "workers come back; none lost, none double"),
    13: ("database connections are killed", "what was answered is recorded from the journal"),
    14: ("the broker is flushed, stopped or killed", "costs latency only"),
    15: ("the broker was never there", "messages are taken at once and sent by the sweep"),
    16: ("the disk is full", "sending stops before anything is handed over"),
    17: (
        "the disk of uploads or logs is full",
        "sending goes on; an upload says why it fails and leaves nothing",
    ),
    18: (
        "a provider cannot be reached",
        "no retry is used up; it rests 5 s, doubling to 5 min, with jitter; one outage counts once",
    ),
    19: ("an answer comes after the deadline", "uncertain; the worker is free at the deadline"),
    20: (
        "500s, 429 with Retry-After of any kind, greylisting",
        "the whole provider waits as asked, an hour at most; greylisted messages arrive by "
        "themselves",
    ),
    21: ("reset, early end or silence in an answer", "safe to retry only what was not taken"),
    22: ("slow, endless, packed or senseless answers", "cut at the deadline and at 1 MB"),
    23: ("expired, foreign or stripped TLS", "not one byte of a message goes out"),
    24: ("a worker's clock is two hours off", "leases run by the database's clock; none double"),
    25: ("days of 23 and 25 hours, windows over midnight", "starts once; windows are UTC"),
    26: ("several schedulers at once", "each campaign starts once"),
    27: ("nothing ran when a campaign should start", "late by over 15 minutes it asks first"),
    28: ("one task is delivered many times at once", "each message goes once"),
    29: (
        "a report comes before the send is recorded",
        "kept; applied once the send is recorded; tried for a day, then shown as unmatched",
    ),
    30: ("reports replayed, late, in any order", "the same end in every order"),
    31: ("forged, stale or oversized reports", "refused; nothing is stored but a counter"),
    32: (
        "a burst of a million reports",
        "all stored and applied once, sending goes on; the million: `manage.py bench webhooks`",
    ),
    33: ("a web worker is killed in a burst", "reports are told again, none lost"),
    34: ("a poisonous template or record", "refused at save, or its row fails with the reason"),
    35: ("a poisonous CSV, an import that is killed", "errors by row; goes on at its checkpoint"),
    36: ("pause, resume, cancel during sending", "at once; resume sends exactly the rest"),
    37: ("edits during a campaign", "its messages keep what was frozen at the start"),
    38: ("a provider is disabled, its password changed", "messages wait; no tight loop"),
    39: ("an address is suppressed during sending", "nothing from the next claim on"),
    40: (
        "a migration during sending",
        "the workers of the old release go on; none lost; one that would wait gives up",
    ),
    41: ("a worker runs out of memory", "as a kill: none lost, none double"),
    42: ("twenty restarts by SIGTERM", "none double, none uncertain"),
    43: (
        "an old backup is restored",
        "nothing is sent until an operator releases it; a fail-over holds nothing",
    ),
    44: (
        "two deployments on one copy of a database",
        "the second sends nothing until it has an identity of its own",
    ),
}
NOT_YET = {
    14: "a long proof: `manage.py prove broker`",
}


def proofs() -> dict[int, list[str]]:
    """The tests that carry each number: "faults/test_crashes.py::test_...", in order."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            for number in _numbers(node):
                name = f"{path.relative_to(ROOT / 'tests')}::{node.name}"
                found[number].append(name)
    return found


def _numbers(node: ast.stmt) -> list[int]:
    """What @pytest.mark.fault(...) says on a test."""
    if not isinstance(node, ast.FunctionDef):
        return []
    marks = [mark for mark in node.decorator_list if isinstance(mark, ast.Call)]
    mine = [mark for mark in marks if ast.unparse(mark.func) == "pytest.mark.fault"]
    return [ast.literal_eval(argument) for mark in mine for argument in mark.args]


def table() -> str:
    found = proofs()
    lines = ["| case | what goes wrong | what happens | proved by |", "|--:|---|---|---|"]
    for number, (fault, result) in CASES.items():
        tests = ", ".join(_links(found[number])) if found[number] else ""
        by = tests or f"not yet: {NOT_YET.get(number, '')}"
        lines.append(f"| {number} | {fault} | {result} | {by} |")
    return "\n".join(lines)


def _links(names: list[str]) -> list[str]:
    """A link to each file, with how many tests it has."""
    files = defaultdict(int)
    for name in names:
        files[name.partition("::")[0]] += 1
    return [f"[{Path(file).stem}](../tests/{file}) ({count})" for file, count in files.items()]


def page_with(new: str) -> str:
    """The page with this table in place of its own."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n{new}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page_with(table()))
