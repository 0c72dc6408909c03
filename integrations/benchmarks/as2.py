"""How fast messages of 10 kB come in by AS2, and what one of 64 MB takes of the memory.

A real server takes them, gunicorn on PostgreSQL and waitress on SQLite, signed and encrypted, each
answered with a signed receipt. The partner's messages are made before.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.utils import timezone

from integrations import as2_pairs, certificates
from integrations.choices import Protocol
from integrations.models import Account, As2Connection, Integration, Mailbox
from integrations.protocols.as2.building import Built, Wishes, build
from integrations.protocols.as2.names import new_message_id
from integrations.protocols.as2.receipt_reading import Expected, read_mdn
from integrations.protocols.as2.stations import MB, Partner, Station
from omnichannel.benchmarks.base import BenchOptions, Figure, peak_mb
from omnichannel.benchmarks.product import TIED, free_port, wait_until

NAME = "as2"
N = 400
SIZE = 10_000
LARGEST = 64 * MB - 20_000  # with what wraps it, it still is no more than 64 MB
LINES = 4
WARM_UP = 20
SERVERS = {
    "postgresql": (
        *("gunicorn", "config.wsgi", "--worker-class", "gthread", "--workers", "2"),
        *("--threads", "4", "--log-level", "warning", "--bind", "127.0.0.1:{port}"),
    ),
    "sqlite": (
        *("waitress", "--threads", "4", "--listen", "127.0.0.1:{port}"),
        "config.wsgi:application",
    ),
}


def run(options: BenchOptions) -> Iterator[Figure]:
    """The server's own peak is known when it has ended."""
    ours = _connection("STUDIO")
    theirs = _connection("ACME")
    _introduce(ours, theirs)
    sender = _Sender(ours, theirs, free_port())
    with _server(options.db, sender.port):
        wait_until(sender.is_answered, "The start of the server")
        sender.send(sender.messages(WARM_UP, SIZE))
        built = sender.messages(options.n, SIZE)
        began = time.perf_counter()
        sender.send(built)
        seconds = time.perf_counter() - began
    yield Figure("as2.messages_per_s", options.n / seconds, "messages/s", options.n, seconds)
    with _server(options.db, sender.port):
        wait_until(sender.is_answered, "The start of the server")
        began = time.perf_counter()
        sender.send(sender.messages(1, LARGEST))
        seconds = time.perf_counter() - began
    yield Figure("as2.peak_mb_at_64mb", peak_mb(children=True), "MB", 1, seconds)


class _Sender:
    """The partner's station."""

    def __init__(self, ours: As2Connection, theirs: As2Connection, port: int) -> None:
        at = timezone.now()
        self.own: Station = as2_pairs.station(theirs, at)
        self.partner: Partner = as2_pairs.partner(theirs, at)
        self.port, self.path = port, f"/as2/{ours.token}"

    def messages(self, count: int, size: int) -> list[tuple[str, Built]]:
        ids = [new_message_id(self.own.as2_id) for _ in range(count)]
        return [(message_id, self._built(message_id, size)) for message_id in ids]

    def _built(self, message_id: str, size: int) -> Built:
        return build(
            os.urandom(size),
            content_type="application/octet-stream",
            filename="bench.bin",
            own=self.own,
            partner=self.partner,
            message_id=message_id,
            at=timezone.now(),
            wishes=Wishes(),
        )

    def send(self, messages: Sequence[tuple[str, Built]]) -> None:
        """Over some connections at a time. Raises RuntimeError when one is not confirmed."""
        with ThreadPoolExecutor(LINES) as pool:
            shares = [messages[number::LINES] for number in range(LINES)]
            for answers in pool.map(self._send, shares):
                for message_id, mic, headers, body in answers:
                    expected = Expected(message_id, mic)
                    receipt = read_mdn(headers, body, expected, self.partner, at=timezone.now())
                    if not receipt.is_delivered:
                        raise RuntimeError(f"A message was not confirmed: {receipt.text}")

    def _send(
        self, messages: Sequence[tuple[str, Built]]
    ) -> list[tuple[str, str, dict[str, str], bytes]]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        answers = []
        with contextlib.closing(line):
            for message_id, built in messages:
                line.request("POST", self.path, built.body, built.headers)
                answer = line.getresponse()
                answers.append((message_id, built.mic, dict(answer.getheaders()), answer.read()))
        return answers

    def is_answered(self) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(line), contextlib.suppress(OSError):
            line.request("GET", self.path)
            return line.getresponse().status == 405
        return False


def _connection(name: str) -> As2Connection:
    account = Account.objects.create(name=f"Bench {name}")
    mailbox = Mailbox.objects.create(account=account, name=f"Bench {name}")
    integration = Integration.objects.create(mailbox=mailbox, active=True, protocol=Protocol.AS2)
    row = As2Connection.objects.create(integration=integration, self_id=name)
    certificates.ensure(row, at=timezone.now())
    return row


def _introduce(ours: As2Connection, theirs: As2Connection) -> None:
    for row, other in ((ours, theirs), (theirs, ours)):
        row.recipient_id = other.self_id
        row.recipient_certificate = other.self_certificate
        row.save(update_fields=["recipient_id", "recipient_certificate"])


@contextlib.contextmanager
def _server(db: str, port: int) -> Iterator[None]:
    words = [word.format(port=port) for word in SERVERS[db]]
    process = subprocess.Popen([*TIED, sys.executable, "-m", *words], cwd=settings.BASE_DIR)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
