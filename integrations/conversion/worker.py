"""The process that conversions are made in: it waits, and lets a child of its own do each job.

The waiting process never looks into a document or a rule: it only imports what a job will need and
forks. So a job costs milliseconds, begins with nothing of the jobs before it, and is bounded
by limits that it cannot lift: processor time, memory, wall time, no new file, no network.
It knows no Django, no database and no secret.
"""

from __future__ import annotations

import codecs
import gc
import importlib
import os
import resource
import signal
import struct
from collections.abc import Mapping
from typing import Any

from integrations.conversion import frames

# Imported once here, since a job can open no file. All are small but the last three.
ALWAYS = ("_strptime", "integrations.conversion.jobs")
NEEDED = {
    "jinja": "integrations.conversion.engines.jinja_ready",
    "xlsx": "integrations.conversion.workbook_imports",
    "schematron": "lxml.isoschematron",
}
CODECS = (
    "ascii", "cp437", "cp1252", "latin_1", "raw_unicode_escape", "unicode_escape",
    "utf_8", "utf_8_sig", "utf_16", "utf_16_be", "utf_16_le",
)  # fmt: skip
PIECE = 1024 * 1024
CHILD_FAILED = 70


def main() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prepare(ALWAYS)
    from integrations.conversion.edifact import CHARSETS

    for name in (*CODECS, *CHARSETS.values()):
        codecs.lookup(name)
    from integrations.conversion.warming import warm_up

    warm_up()
    gc.collect()
    gc.disable()  # a job is over before it would pay
    gc.freeze()
    while serve_one():
        pass


def prepare(modules: tuple[str, ...] | list[str]) -> None:
    for name in modules:
        importlib.import_module(name)


def serve_one() -> bool:
    """Take one job and answer it; False when nobody asks any more."""
    try:
        head, body = frames.unpacked(_read)
    except EOFError:
        return False
    prepare([NEEDED[each] for each in head["needs"]])
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        work(head, body, writing)
    os.close(writing)
    answer = _drained(reading, head["limits"]["output"], child)
    _, status, usage = os.wait4(child, 0)
    seconds = usage.ru_utime + usage.ru_stime
    end = {
        "status": status,
        "cpu": round(seconds, 3),
        "peak_kb": usage.ru_maxrss,
        "too_large": answer is None,
    }
    _write(1, frames.packed(end, answer or b""))
    return True


def _read(length: int) -> bytes:
    pieces: list[bytes] = []
    while length:
        piece = os.read(0, min(length, PIECE))
        if not piece:
            raise EOFError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _drained(reading: int, most: int, child: int) -> bytes | None:
    """All that the child says; None when it says more than it may, and is ended for it."""
    pieces: list[bytes] = []
    size = 0
    while piece := os.read(reading, PIECE):
        size += len(piece)
        if size > most:
            os.kill(child, signal.SIGKILL)
            break
        pieces.append(piece)
    os.close(reading)
    return None if size > most else b"".join(pieces)


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def limit(limits: Mapping[str, int]) -> None:
    """None of it can be taken back."""
    lower(resource.RLIMIT_CPU, limits["cpu"], limits["cpu"] + 1)
    lower(resource.RLIMIT_AS, limits["memory"], limits["memory"])
    lower(resource.RLIMIT_NOFILE, 0, 0)
    signal.setitimer(signal.ITIMER_REAL, limits["wall"])


def lower(kind: int, soft: int, hard: int) -> None:
    """What is lower already stays so: nobody may raise it."""
    most = resource.getrlimit(kind)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def work(head: Mapping[str, Any], body: bytes, writing: int) -> None:
    """Do the job in this child, which ends with it."""
    code = CHILD_FAILED
    try:
        os.close(0)
        os.close(1)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        limit(head["limits"])
        _write(writing, answer_of(head["job"], body))
        code = 0
    except BaseException as error:
        _write(writing, frames.packed({"fault": place_of(error)}))
        raise
    finally:
        os._exit(code)


def place_of(error: BaseException) -> str:
    """Of a fault of ours, for the log: no word of what was worked on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    name = os.path.basename(trace.tb_frame.f_code.co_filename)
    return f"{type(error).__name__} in {name}, line {trace.tb_lineno}"


def answer_of(job: Mapping[str, Any], body: bytes) -> bytes:
    from integrations.conversion import jobs
    from integrations.exceptions import IntegrationError

    try:
        result, warnings = jobs.run(job, body)
    except IntegrationError as error:
        kind = type(error).__name__
        return frames.packed(
            {
                "error": kind,
                "text": str(error),
                "code": error.code,
                "line": error.line,
                "column": error.column,
            }
        )
    except MemoryError:
        return frames.packed({"error": "memory"})
    except (RecursionError, struct.error):
        return frames.packed({"error": "depth"})
    return frames.packed({"warnings": warnings}, result)
