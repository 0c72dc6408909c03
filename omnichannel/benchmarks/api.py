"""How fast other systems can send: gunicorn on loopback, and plain clients with kept connections.

Server, database and clients share the machine, as the no-op endpoint does that they are held
against. No worker sends meanwhile: what is measured is taking messages in.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from omnichannel import api_keys
from omnichannel.benchmarks import http_caller
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.product import TIED, free_port, wait_until
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.benchmarks.timing import percentile, smtp_provider
from omnichannel.choices import Scope
from omnichannel.models import Message, MessageTemplate, TemplateVersion

NAME = "api"
N = 4_000  # single calls
CLIENTS, CONNECTIONS = 2, 3
BATCH = 1_000
BATCHES = 60
INSTANT_CALLS = 200
WARM_UP = 60
MESSAGES, NOTHING = "/api/v1/messages/", "/api/v1/nothing/"
INSTANT = "/api/v1/messages/instant/"
APPLICATION = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
from django.conf import settings
from django.core.wsgi import get_wsgi_application
settings.ROOT_URLCONF = "omnichannel.benchmarks.api_urls"
application = get_wsgi_application()
"""
HTML = "<p>Dear {{ name }}, your order {{ number }} is on its way.</p>"


@dataclass
class Made:
    """What some clients did at the same time."""

    calls: int = 0
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.calls / self.seconds


@dataclass(frozen=True)
class Caller:
    port: int
    key: str

    def make(self, path: str, body: Any, calls: int, *, status: str = "202") -> Made:
        """Make the calls from two processes at a time; each must be answered with `status`."""
        each = calls // CLIENTS
        return self._run(
            [self._client(path, each, CONNECTIONS) for _ in range(CLIENTS)], body, status
        )

    def one_by_one(self, path: str, body: Any, calls: int, *, status: str) -> Made:
        return self._run([self._client(path, calls, 1)], body, status)

    def _client(self, path: str, calls: int, connections: int) -> subprocess.Popen[bytes]:
        arguments = (str(self.port), path, self.key, str(calls), str(connections))
        return subprocess.Popen(
            [sys.executable, http_caller.__file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def _run(self, clients: list[subprocess.Popen[bytes]], body: Any, status: str) -> Made:
        text = json.dumps(body).encode()
        for client in clients:
            assert client.stdin is not None
            client.stdin.write(text)
            client.stdin.close()
        made = Made()
        for client in clients:
            assert client.stdout is not None
            told = json.loads(client.stdout.read())
            client.wait()
            if set(told["statuses"]) - {status}:
                raise RuntimeError(f"Answers other than {status}: {told['statuses']}")
            made.calls += len(told["times"])
            made.seconds = max(made.seconds, told["seconds"])
            made.times += told["times"]
        return made


def run(options: BenchOptions) -> Iterator[Figure]:
    _, key = api_keys.create("Bench", [Scope.SEND])
    version = _template()
    port = free_port()
    with SmtpSink() as sink, _server(port):
        provider = smtp_provider(sink.port)
        caller = Caller(port, key)
        content = {"template": version.template_id, "provider": provider.pk}
        single = {**content, **_recipient(0)}
        yield from _single(caller, single, options.n)
        batch = {**content, "recipients": [_recipient(n) for n in range(BATCH)]}
        yield _batches(caller, batch, max(CLIENTS * CONNECTIONS, BATCHES * options.n // N))
        yield _instant(caller, single, sink.port, max(20, INSTANT_CALLS * options.n // N))


def _single(caller: Caller, body: dict[str, Any], n: int) -> Iterator[Figure]:
    """Between two halves of what does nothing, so that a busier machine tells on both."""
    caller.make(NOTHING, body, WARM_UP, status="200")
    caller.make(MESSAGES, body, WARM_UP)
    before = caller.make(NOTHING, body, n // 2, status="200")
    stored = Message.objects.count()
    made = caller.make(MESSAGES, body, n)
    after = caller.make(NOTHING, body, n // 2, status="200")
    if Message.objects.count() != stored + made.calls:
        raise RuntimeError("Not every call left its message.")
    noop = (before.calls + after.calls) / (before.seconds + after.seconds)
    yield Figure("api.async_per_s", made.rate, "requests/s", made.calls, made.seconds)
    yield Figure("api.noop_per_s", noop, "requests/s", before.calls + after.calls)
    yield Figure("api.async_ratio_to_noop", made.rate / noop, "ratio", made.calls)
    yield Figure("api.async_ms_p99", 1000 * percentile(made.times, 0.99), "ms", made.calls)


def _batches(caller: Caller, body: dict[str, Any], calls: int) -> Figure:
    caller.make(MESSAGES, body, CLIENTS * CONNECTIONS)
    made = caller.make(MESSAGES, body, calls)
    n = made.calls * BATCH
    return Figure("api.batch_messages_per_s", n / made.seconds, "messages/s", n, made.seconds)


def _instant(caller: Caller, body: dict[str, Any], sink_port: int, calls: int) -> Figure:
    """What a call takes beyond what the same message takes over a kept SMTP connection."""
    caller.one_by_one(INSTANT, body, 10, status="200")
    made = caller.one_by_one(INSTANT, body, calls, status="200")
    bare = percentile(_bare(sink_port, calls), 0.5)
    overhead = 1000 * (percentile(made.times, 0.5) - bare)
    return Figure("api.instant_overhead_ms_p50", overhead, "ms", made.calls, made.seconds)


def _bare(port: int, calls: int) -> list[float]:
    found = []
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for _ in range(calls):
            began = time.perf_counter()
            connection.sendmail("a@example.com", ["b@example.com"], "Subject: Hi\r\n\r\nHello")
            found.append(time.perf_counter() - began)
    return found


def _recipient(number: int) -> dict[str, Any]:
    return {
        "to_address": f"person{number}@example.com",
        "variables": {"name": f"Person {number}", "number": f"A-{number:06}"},
    }


def _template() -> TemplateVersion:
    template = MessageTemplate.objects.create(name="Bench")
    version = TemplateVersion.objects.create(
        template=template,
        number=1,
        subject="Order {{ number }}",
        html=HTML,
        variables=["name", "number"],
    )
    MessageTemplate.objects.filter(pk=template.pk).update(published_version=version)
    return version


@contextlib.contextmanager
def _server(port: int) -> Iterator[None]:
    folder = Path(settings.VAR_DIR)
    (folder / "bench_application.py").write_text(APPLICATION)
    command = (
        *("gunicorn", "bench_application", "--pythonpath", f"{settings.BASE_DIR},{folder}"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
        *("--keep-alive", "60", "--log-level", "warning", "--bind", f"127.0.0.1:{port}"),
    )
    process = subprocess.Popen([*TIED, sys.executable, "-m", *command], cwd=settings.BASE_DIR)
    try:
        wait_until(lambda: _answers(port), "The start of the server", 60)
        yield
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    """Any answer is one: without a key it is 401."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", MESSAGES)
        return connection.getresponse().status == 401
    return False
