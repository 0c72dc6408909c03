from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from integrations.conversion import Limits, Rule, child, convert, view
from integrations.conversion.worker import limit
from integrations.exceptions import ConversionFailed
from tests.integrations.conversion.examples import rule_body


@pytest.fixture
def pool(monkeypatch):
    found = child._Pool()
    monkeypatch.setattr(child, "_pool", found)
    yield found
    for process in found.waiting:
        process.end()


def test_one_process_waits_for_all_jobs(pool):
    for _ in range(3):
        view(b"{}", "a.json")

    assert [process.jobs for process in pool.waiting] == [3]


def test_a_job_finds_nothing_of_the_environment(monkeypatch, pool):
    monkeypatch.setenv("SECRET_KEY", "very-secret")
    view(b"{}", "a.json")

    with open(f"/proc/{pool.waiting[0].process.pid}/environ", "rb") as file:
        assert b"very-secret" not in file.read()


def test_a_process_is_replaced_after_its_jobs(monkeypatch, pool):
    monkeypatch.setattr(child, "JOBS", 1)

    view(b"{}", "a.json")

    assert pool.waiting == []


def test_a_process_that_was_killed_is_replaced(pool):
    view(b"{}", "a.json")
    os.kill(pool.waiting[0].process.pid, signal.SIGKILL)
    pool.waiting[0].process.wait()

    assert view(b"{}", "a.json")


def test_a_process_that_does_not_answer_is_ended(monkeypatch, pool):
    view(b"{}", "a.json")
    process = pool.waiting[0]
    os.kill(process.process.pid, signal.SIGSTOP)

    with pytest.raises(ConversionFailed) as caught:
        child.ask({"do": "view", "filename": "a"}, b"{}", limits=Limits(wall=-4))

    assert caught.value.code == "time"
    assert process.process.returncode is not None


def test_wall_time_ends_a_job_that_only_waits(pool, monkeypatch):
    monkeypatch.setattr(child, "asdict", lambda limits: {**vars(limits), "wall": 0.001})

    with pytest.raises(ConversionFailed) as caught:
        view(b"[" + b"1," * 300_000 + b"1]", "a.json")

    assert caught.value.code == "time"


def test_a_failed_job_leaves_the_process_for_the_next(pool):
    body = '{"subject": "count(//*[count(//*[count(//*[count(//*) > 0]) > 0]) > 0])"}'
    data = b"<a>" + b"<b/>" * 2000 + b"</a>"
    with pytest.raises(ConversionFailed):
        convert(data, "a.xml", Rule("out", "fieldmap", body), Limits(cpu=1))

    assert view(b"{}", "a.json")
    assert pool.waiting[0].jobs == 2


def test_a_forked_process_starts_its_own(pool):
    view(b"{}", "a.json")
    reading, writing = os.pipe()

    worker = os.fork()
    if not worker:
        try:
            os.write(writing, str(len(child._pool.waiting)).encode())
        finally:
            os._exit(0)
    os.waitpid(worker, 0)

    assert os.read(reading, 10) == b"0"
    assert view(b"{}", "a.json")


@pytest.mark.parametrize(
    "reach", [Path("/etc/passwd").read_bytes, socket.socket], ids=["file", "net"]
)
def test_a_job_can_open_nothing(reach):
    reading, writing = os.pipe()

    worker = os.fork()
    if not worker:
        try:
            limit({"cpu": 1, "memory": 2**32, "wall": 5})
            reach()
            os.write(writing, b"opened")
        except OSError:
            os.write(writing, b"refused")
        finally:
            os._exit(0)
    os.waitpid(worker, 0)

    assert os.read(reading, 10) == b"refused"


def test_threads_convert_at_the_same_time(order, pool):
    rule = Rule("out", "fieldmap", rule_body("orders-fieldmap.json"))
    results: list[bytes] = []

    def work() -> None:
        results.append(convert(order, "orders.edi", rule).output)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(results)) == 1
    assert len(results) == 4
