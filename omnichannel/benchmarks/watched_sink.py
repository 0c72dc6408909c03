"""An SMTP sink that tells when messages arrive: `SmtpSink` with a clock.

with WatchedSink("otp") as sink:
    ... send to 127.0.0.1, sink.port ...
    sink.arrival("otp7@example.com")  # seconds since the epoch, once it is there
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

from omnichannel.benchmarks.smtp_sink import Ledger, SmtpSink, serve

ROOT = Path(__file__).resolve().parent.parent.parent


class WatchedSink(SmtpSink):
    """Watches the addresses that begin with `prefix`."""

    def __init__(self, prefix: str, *, delay: float = 0.0) -> None:
        super().__init__(delay=delay)
        self.prefix = prefix
        self.arrivals: dict[str, float] = {}
        self._came = threading.Condition()

    def __enter__(self) -> WatchedSink:
        command = [sys.executable, "-m", "omnichannel.benchmarks.watched_sink"]
        self._process = subprocess.Popen(
            [*command, *self.arguments, "--watch", self.prefix], stdout=subprocess.PIPE, cwd=ROOT
        )
        if self._process.stdout is not None:
            self.port = int(self._process.stdout.readline())
        self._thread = threading.Thread(target=self._listen, name="sink", daemon=True)
        self._thread.start()
        return self

    def arrival(self, address: str, seconds: float = 30.0) -> float:
        """When the address got its first message. Raises RuntimeError when it gets none."""
        with self._came:
            if not self._came.wait_for(lambda: address in self.arrivals, seconds):
                raise RuntimeError(f"Nothing arrived for {address} within {seconds:.0f} s.")
            return self.arrivals[address]

    def first(self, seconds: float = 30.0) -> float:
        """When the first of all watched messages came."""
        with self._came:
            if not self._came.wait_for(lambda: self.arrivals, seconds):
                raise RuntimeError(f"Nothing arrived within {seconds:.0f} s.")
            return next(iter(self.arrivals.values()))

    def _listen(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            at, _, address = line.decode().strip().partition(" ")
            with self._came:
                self.arrivals.setdefault(address, float(at))
                self._came.notify_all()


class WatchingLedger(Ledger):
    def __init__(self, prefix: str, delay: float) -> None:
        super().__init__("", delay)
        self.prefix = prefix

    def add(self, recipients: list[str], head: bytes) -> None:
        super().add(recipients, head)
        for recipient in recipients:
            if recipient.startswith(self.prefix):
                sys.stdout.write(f"{time.time():.6f} {recipient}\n")
                sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--watch", default="")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    arguments, _ = parser.parse_known_args()  # a plain sink knows more of them
    asyncio.run(serve(WatchingLedger(arguments.watch, arguments.delay)))


if __name__ == "__main__":
    main()
