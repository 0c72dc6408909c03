"""One-time passwords: how fast they are sent and checked, and how soon one leaves in a campaign."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import closing

from campaigns.benchmarks import otp as beside_campaign
from omnichannel import api_keys
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.choices import Scope
from otp.benchmarks import speed

NAME = "otp"
N = beside_campaign.N
SEND = "/api/v1/otp/send/"
BUSY = 503  # the provider takes nothing at this moment: who wants a code asks again
AGAIN = 0.02  # seconds


class Caller:
    """Another system that asks for codes through the API."""

    def __init__(self) -> None:
        self.key = api_keys.create("Bench", [Scope.OTP])[1]
        self._numbers = itertools.count()

    def ask(self, port: int, provider: int, to: str) -> None:
        """Raises RuntimeError when no code is sent."""
        asked = {
            "email": to,
            "client_ip": speed.new_ip(next(self._numbers)),
            "overrides": {"email": {"provider": provider}},
        }
        while (status := self._post(port, json.dumps(asked))) == BUSY:
            time.sleep(AGAIN)
        if status != 201:
            raise RuntimeError(f"The code for {to} was not sent: {status}.")

    def _post(self, port: int, body: str) -> int:
        head = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("POST", SEND, body, head)
            return connection.getresponse().status


def run(options: BenchOptions) -> Iterator[Figure]:
    yield from speed.run(options)
    yield from beside_campaign.run(options, Caller().ask)
