"""However many processes guess, enter or ask at once: what may happen once happens once."""

from __future__ import annotations

import collections
import json

import pytest

PARALLEL = 32
# Each in a process of its own, all of which wait at one gate.
PREPARE = """
import json, os, uuid
from django.db import connections
from django.utils import timezone
from otp import engine, issuing
from otp.asking import Asked
from otp.guard import Refused
from otp.issuing import Issued, Together
from otp.models import OtpChallenge, OtpConfiguration, OtpCount
from otp.wanted import checked

for model in (OtpChallenge, OtpConfiguration, OtpCount):
    model.objects.all().delete()

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
    request = issued.challenge.request_id.hex
    return engine.verify(request, code, at=timezone.now(), caller="key a").verdict
"""
WRONG = """
issued = issue()
wrong = str((int(issued.code) + 1) % 10**6).zfill(6)
print(json.dumps(at_once(lambda number: check(issued, wrong))))
"""
RIGHT = """
issued = issue()
print(json.dumps(at_once(lambda number: check(issued, issued.code))))
"""
ASKED = """
def ask(number):
    found = issue()
    return found.refusal if isinstance(found, Refused) else "issued"
print(json.dumps(at_once(ask)))
"""
PUMPED = """
OtpConfiguration.objects.create(purpose="x", is_default=True, sends_per_prefix_hour=7)
def ask(number):
    found = issue(f"+120255501{number:02}")
    return found.refusal if isinstance(found, Refused) else "issued"
print(json.dumps(at_once(ask)))
"""
ACROSS = """
OtpConfiguration.objects.create(
    purpose="x", is_default=True, failures_per_destination_day=3, sends_per_destination_hour=9
)
issued = [issue(caller=f"key {n}") for n in range(4)]
def guess(number):
    one = issued[number % 4]
    request = one.challenge.request_id.hex
    return engine.verify(request, "0", at=timezone.now(), caller=one.challenge.caller).verdict
print(json.dumps(at_once(guess)))
"""


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        (WRONG, {"incorrect": 5, "exhausted": 27}),
        (RIGHT, {"approved": 1, "used": 31}),
        (ASKED, {"issued": 1, "cool_down": 31}),
        (PUMPED, {"issued": 7, "too_many_sends": 25}),
        (ACROSS, {"incorrect": 3, "exhausted": 29}),
    ],
    ids=["wrong codes", "right codes", "requests", "numbers of a prefix", "wrong codes of several"],
)
def test_at_once(live, code, counts):
    told = json.loads(live.run(f"PARALLEL = {PARALLEL}\n{PREPARE}{code}"))

    assert collections.Counter(told) == counts
