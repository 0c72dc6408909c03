"""Asks the limited process to do a job (see `worker`)."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from integrations.conversion import frames
from integrations.exceptions import (
    ConversionFailed,
    DocumentRefused,
    IntegrationError,
    RuleInvalid,
)

logger = logging.getLogger(__name__)

MB = 1024 * 1024
ROOT = str(Path(__file__).resolve().parent.parent.parent)
CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from integrations.conversion.worker import main; main()"
)
STARTING = 30.0  # seconds that a process may take to begin, on a busy machine
PLACES = 4  # jobs at once in this process
JOBS = 1_000  # of one waiting process; then another takes its place
KEPT = 2  # waiting processes
ERRORS: dict[str, type[IntegrationError]] = {
    each.__name__: each for each in (ConversionFailed, DocumentRefused, RuleInvalid)
}


@dataclass(frozen=True)
class Limits:
    """Of one job: seconds of processor and wall time, bytes of memory and output."""

    cpu: int = 5
    wall: int = 15
    memory: int = 512 * MB
    output: int = 96 * MB


LIMITS = Limits()
_channels: set[socket.socket] = set()  # to every process that lives


class _Process:
    """One waiting process. Whoever holds it is alone with it."""

    def __init__(self) -> None:
        self.jobs = 0
        ours, theirs = socket.socketpair()
        self.channel = ours
        _channels.add(ours)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", CODE, ROOT],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )

    def ask(self, request: bytes, seconds: float) -> frames.Frame:
        """Raises OSError or ValueError when there is no answer in time."""
        self.jobs += 1
        ends = time.monotonic() + seconds + (STARTING if self.jobs == 1 else 0)
        view = memoryview(request)
        while view:
            self.channel.settimeout(self._left(ends))
            view = view[self.channel.send(view) :]
        return frames.unpacked(lambda length: self._read(length, ends))

    def _read(self, length: int, ends: float) -> bytes:
        pieces = bytearray()
        while len(pieces) < length:
            self.channel.settimeout(self._left(ends))
            piece = self.channel.recv(min(length - len(pieces), MB))
            if not piece:
                raise ConnectionError("the conversion process ended")
            pieces += piece
        return bytes(pieces)

    @staticmethod
    def _left(ends: float) -> float:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left

    def end(self) -> None:
        """It and the job it may be at."""
        _channels.discard(self.channel)
        self.channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class _Pool:
    def __init__(self) -> None:
        self.places = threading.BoundedSemaphore(PLACES)
        self.lock = threading.Lock()
        self.waiting: list[_Process] = []

    def take(self) -> _Process:
        with self.lock:
            while self.waiting:
                found = self.waiting.pop()
                if found.process.poll() is None:
                    return found
                found.end()
        return _Process()

    def give_back(self, process: _Process) -> None:
        with self.lock:
            if process.jobs < JOBS and len(self.waiting) < KEPT:
                self.waiting.append(process)
                return
        process.end()


_pool = _Pool()


def _after_fork() -> None:
    """The processes are the parent's; their channels must not stay open here."""
    global _pool
    for channel in _channels:
        channel.close()
    _channels.clear()
    _pool = _Pool()


os.register_at_fork(after_in_child=_after_fork)


def ask(
    job: Mapping[str, Any], data: bytes, needs: Sequence[str] = (), limits: Limits = LIMITS
) -> tuple[bytes, list[str]]:
    """What the job made, and its warnings.

    Raises the error of the job, or ConversionFailed with the code cpu, memory, time, crash,
    too_large or busy.
    """
    request = frames.packed({"job": job, "needs": list(needs), "limits": asdict(limits)}, data)
    if not _pool.places.acquire(timeout=limits.wall):
        raise ConversionFailed("Too many conversions run: try again in a moment.", "busy")
    try:
        end, answer = _asked(request, limits)
    finally:
        _pool.places.release()
    return _read(end, answer, limits)


def _asked(request: bytes, limits: Limits) -> frames.Frame:
    process = _pool.take()
    try:
        answer = process.ask(request, limits.wall + 5)
    except TimeoutError as error:
        process.end()
        raise ConversionFailed("The conversion takes too long.", "time") from error
    except (OSError, ValueError) as error:
        process.end()
        logger.warning("the conversion process ended: %s", error)
        raise ConversionFailed("The conversion process ended: try again.", "crash") from error
    _pool.give_back(process)
    return answer


def _read(end: Mapping[str, Any], answer: bytes, limits: Limits) -> tuple[bytes, list[str]]:
    if end["too_large"]:
        text = f"The result is larger than {limits.output:,} bytes: split the document."
        raise ConversionFailed(text, "too_large")
    if end["status"]:
        code = os.waitstatus_to_exitcode(end["status"])
        fault = _fault(answer) if code > 0 else ""
        logger.warning("a conversion ended with %s after %s s %s", code, end["cpu"], fault)
        raise _ended(code, end, limits)
    head, body = frames.parsed(answer)
    kind = head.get("error")
    if kind == "memory" or _ran_out(head, end, limits):
        raise _too_much_memory(limits)
    if kind == "depth":
        raise ConversionFailed("The document or the rule is nested too deeply.", "too_deep")
    if kind:
        raise ERRORS[kind](head["text"], head["code"], line=head["line"], column=head["column"])
    return body, head["warnings"]


def _ran_out(head: Mapping[str, Any], end: Mapping[str, Any], limits: Limits) -> bool:
    """libxslt tells of other things when it is refused memory, such as unknown variables."""
    return head.get("code") == "xslt" and end["peak_kb"] * 1024 > limits.memory * 0.4


def _fault(answer: bytes) -> str:
    with contextlib.suppress(ValueError):
        return str(frames.parsed(answer)[0].get("fault", ""))
    return ""


def _ended(code: int, end: Mapping[str, Any], limits: Limits) -> ConversionFailed:
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and end["cpu"] >= limits.cpu):
        return ConversionFailed(
            f"The conversion takes more than {limits.cpu} s of processor time: make the rule "
            "simpler or the document smaller.",
            "cpu",
        )
    if code == -signal.SIGALRM:
        return ConversionFailed(f"The conversion takes more than {limits.wall} s.", "time")
    if code == -signal.SIGKILL:
        return _too_much_memory(limits)
    return ConversionFailed(
        "The conversion broke off: the rule or the document is at fault.", "crash"
    )


def _too_much_memory(limits: Limits) -> ConversionFailed:
    return ConversionFailed(
        f"The conversion needs more than {limits.memory // MB} MB of memory: make the document "
        "smaller, or the rule simpler.",
        "memory",
    )
