from __future__ import annotations

import datetime
import json
import re

import pytest
import time_machine
from django.utils import timezone

from omnichannel import instant
from omnichannel.choices import Outcome
from tests.factories_api import caller
from tests.omnichannel.scripted import results

ROUTE = "/api/v1/otp/"
MOBILE = "+447700900123"
EMAIL = "ana@example.com"
IP = "198.51.100.7"


class Shop:
    """A system with a key of its own, and what arrives at its customers."""

    def __init__(self, scripted, clock):
        self.scripted, self.clock = scripted, clock
        self.api = caller("otp")

    def ask(self, **values):
        """The answer to `send/`, to a number unless told otherwise."""
        if not {"mobile", "email"} & values.keys():
            values["mobile"] = MOBILE
        return self.post("send", client_ip=IP, **values)

    def sent(self, **values):
        """The id of a request that was sent."""
        answer = self.ask(**values)
        assert answer.status_code == 201, answer.content
        found = answer.json()
        return (found["sms"] or found["email"])["request_id"]

    def post(self, what, key="", **body):
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        text = json.dumps(body)  # in ASCII, whatever is in it
        kind = "application/json"
        return self.api.post(f"{ROUTE}{what}/", text, content_type=kind, **headers)

    def check(self, request_id, code, **values):
        answer = self.post("verify", request_id=request_id, code=code, **values)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def status(self, request_id):
        answer = self.api.get(f"{ROUTE}{request_id}/")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def later(self, **delta):
        self.clock.shift(datetime.timedelta(**delta))

    def code(self, index=-1):
        return re.search(r"\b[0-9]{4,8}\b", self.scripted.seen[index].text)[0]

    def wrong(self, index=-1):
        code = self.code(index)
        return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))

    def provider_refuses(self):
        self.scripted.answer = staticmethod(results(Outcome.REJECTED, "550", "No."))


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=True) as clock:  # sending needs one that goes
        yield clock


@pytest.fixture
def shop(ways, scripted, clock, monkeypatch):
    # To a clock that was set, the test's own connection is an old one.
    monkeypatch.setattr(instant, "close_old_connections", lambda: None)
    return Shop(scripted, clock)
