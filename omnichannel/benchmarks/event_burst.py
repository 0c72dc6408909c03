"""SendGrid's events as SendGrid posts them: signed batches of 100 to 1,000, some of them twice."""

from __future__ import annotations

import base64
import http.client
import itertools
import threading
import time
from collections.abc import Iterator
from functools import cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from omnichannel.backends.sendgrid_webhook import SIGNATURE, TIMESTAMP

CLIENTS = 4
SIZES = (100, 250, 500, 1_000)
TWICE = 20  # one call in so many
BOUNCES = 50  # one in so many messages
_EVENT = (
    '{{"email":"person{number:09}@example.com","timestamp":{at},"smtp-id":"<{number}@example.com>",'
    '"category":["bench"],"sg_event_id":"bench{id:015}","sg_message_id":"m{number:021}.recvd-5f6-1-'
    '66C-1F.0","key":"{key}",{more}}}'
)
_DELIVERED = '"event":"delivered","response":"250 OK id={number}","tls":1,"ip":"192.0.2.7"'
_BOUNCED = '"event":"bounce","type":"bounce","reason":"550 5.1.1 no such user","status":"5.1.1"'
_OPENED = '"event":"open","useragent":"Mozilla/5.0","ip":"192.0.2.7","sg_machine_open":false'


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_key() -> str:
    """As the provider keeps it."""
    found = _key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(found).decode()


class Burst:
    """`n` events about n / 2 messages whose keys are the numbers from `first` on."""

    def __init__(self, port: int, path: str, n: int, first: int) -> None:
        self.port, self.path, self.n, self.first = port, path, n, first
        self.answers: list[float] = []  # seconds that each call took
        self.refused = 0  # calls that were told again
        self.seconds = 0.0
        self._calls = self._batches()
        self._lock = threading.Lock()

    def is_answered(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def run(self) -> None:
        """Return when every call was answered by 200."""
        began = time.monotonic()
        threads = [threading.Thread(target=self._client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds = time.monotonic() - began

    def _batches(self) -> Iterator[tuple[int, int]]:
        """(first event, one after the last) of each call."""
        start = 0
        for number, size in enumerate(itertools.cycle(SIZES)):
            end = min(self.n, start + size)
            yield start, end
            if number % TWICE == 0:
                yield start, end
            if end == self.n:
                return
            start = end

    def _client(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while True:
            with self._lock:
                batch = next(self._calls, None)
            if batch is None:
                connection.close()
                return
            body = self._body(*batch)
            while not self._told(connection, body):
                self.refused += 1
                connection.close()
                time.sleep(0.2)

    def _told(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        stamp = str(int(time.time()))
        signed = _key().sign(stamp.encode() + body, ec.ECDSA(SHA256()))
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: stamp,
            SIGNATURE: base64.b64encode(signed).decode(),
        }
        began = time.monotonic()
        try:
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return False
        self.answers.append(time.monotonic() - began)
        return response.status == 200

    def _body(self, start: int, end: int) -> bytes:
        at = int(time.time())
        return f"[{','.join(self._event(number, at) for number in range(start, end))}]".encode()

    def _event(self, event: int, at: int) -> str:
        number = self.first + event // 2
        if event % 2:
            more = _OPENED
        else:
            more = _BOUNCED if number % BOUNCES == 0 else _DELIVERED.format(number=number)
        return _EVENT.format(number=number, at=at, id=event, key=UUID(int=number), more=more)
