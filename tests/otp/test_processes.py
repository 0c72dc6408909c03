"""However many processes guess, enter or ask at once: what may happen once happens once."""

from __future__ import annotations

import collections
import json

import pytest

# Each answer is that of a process of its own; all of them wait at one gate.
CODE = """
import json, os, uuid
from django.db import connections
from django.utils import timezone
from otp import engine, issuing
from otp.asking import Asked
from otp.guard import Refused
from otp.issuing import Together
from otp.models import OtpChallenge, OtpConfiguration, OtpCount
from otp.wanted import checked

PARALLEL = 32

def issue(mobile="+12025550143", caller="key a"):
    (wanted,) = checked(Asked(mobile=mobile, caller=caller))
    return issuing.issue(wanted, Together(uuid.uuid4()), at=timezone.now())

def at_once(task):
    connections.close_all()
    (gate, opener), (results, told) = os.pipe(), os.pipe()
    pids = []
    for number in range(PARALLEL):
        pid = os.fork()
        if not pid:
            os.close(opener)
            os.read(gate, 1)
            answer = "fault"
            try:
                answer = task(number)
            finally:
                os.write(told, f"{answer}\\n".encode())
                os._exit(0)
        pids.append(pid)
    os.close(opener)
    os.close(told)
    for pid in pids:
        os.waitpid(pid, 0)
    with os.fdopen(results) as lines:
        return lines.read().split()

def check(issued, code):
    row = issued.challenge
    return engine.verify(
        row.request_id.hex, code, at=timezone.now(), caller=row.caller
    ).verdict

def outcome(issued):
    return issued.refusal if isinstance(issued, Refused) else "issued"

def wrong_codes():
    issued = issue()
    wrong = str((int(issued.code) + 1) % 10**6).zfill(6)
    return at_once(lambda number: check(issued, wrong))

def right_codes():
    issued = issue()
    return at_once(lambda number: check(issued, issued.code))

def requests():
    return at_once(lambda number: outcome(issue()))

def numbers_of_a_prefix():
    OtpConfiguration.objects.create(purpose="x", is_default=True, sends_per_prefix_hour=7)
    return at_once(lambda number: outcome(issue(f"+120255501{number:02}")))

def wrong_codes_of_several():
    OtpConfiguration.objects.create(
        purpose="x", is_default=True, failures_per_destination_day=3, sends_per_destination_hour=9
    )
    issued = [issue(caller=f"key {number}") for number in range(4)]
    return at_once(lambda number: check(issued[number % 4], "0"))

told = {}
for task in (wrong_codes, right_codes, requests, numbers_of_a_prefix, wrong_codes_of_several):
    for model in (OtpChallenge, OtpConfiguration, OtpCount):
        model.objects.all().delete()
    told[task.__name__] = task()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(live):
    return json.loads(live.run(CODE))


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        ("wrong_codes", {"incorrect": 5, "exhausted": 27}),
        ("right_codes", {"approved": 1, "used": 31}),
        ("requests", {"issued": 1, "cool_down": 31}),
        ("numbers_of_a_prefix", {"issued": 7, "too_many_sends": 25}),
        ("wrong_codes_of_several", {"incorrect": 3, "exhausted": 29}),
    ],
)
def test_of_32_at_once_no_more_pass_than_may(told, task, counts):
    assert collections.Counter(told[task]) == counts
