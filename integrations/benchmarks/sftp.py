"""How fast partners put files here, against OpenSSH's own server on the same machine."""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
from django.db import connection
from django.utils import timezone

from integrations import passwords, processing
from integrations.benchmarks import sftp_servers
from integrations.benchmarks.sftp_servers import Target
from integrations.choices import TransmissionStatus
from integrations.models import Account, Integration, Mailbox, SftpConnection, Transmission
from omnichannel.benchmarks.base import BenchOptions, Figure

NAME = "sftp"
N = 128  # megabytes in one upload
LARGE_MB = 32
ROUNDS = 3
SMALL, SMALL_BYTES = 200, 4096
LOGINS = 7
SETTLE_SECONDS = 0.5
LOOK_SECONDS = 0.02
WAIT_SECONDS = 120.0


def run(options: BenchOptions) -> Iterator[Figure]:
    asyncssh.set_log_level(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="studio-sftp-") as name:
        folder = Path(name)
        key = sftp_servers.make_key(folder, "client_key")
        row, password = _partner(key.with_suffix(".pub").read_text())
        with sftp_servers.ours(str(row.login), key) as own:
            yield _small_files(folder, own)
            yield from _large_files(folder, key, own, options.n)
            yield from _logins(folder, own, password, options.n)


def _partner(public_key: str) -> tuple[SftpConnection, str]:
    account = Account.objects.create(name="Bench")
    account.default_mailbox = Mailbox.objects.create(account=account, name="House")
    account.save(update_fields=["default_mailbox"])
    integration = Integration.objects.create(
        mailbox=Mailbox.objects.create(account=account, name="Partner"), active=True
    )
    row = SftpConnection.objects.create(
        integration=integration, authorized_keys=public_key, quota_mb=100_000, max_sessions=50
    )
    return row, passwords.generate(row, None, timezone.now())


def _large_files(folder: Path, key: Path, own: Target, megabytes: int) -> Iterator[Figure]:
    """Both take the same files in turns, so that what else the machine does meets both."""
    paths = _files(folder / "large", max(1, megabytes // LARGE_MB), LARGE_MB * 1024 * 1024)
    there = folder / "there"
    there.mkdir()
    ours, theirs = [], []
    with sftp_servers.openssh(folder, key) as other:
        for _ in range(ROUNDS):
            theirs.append(_seconds(other, paths, str(there)))
            ours.append(_seconds(own, paths, "/coutbox"))
    size = len(paths) * LARGE_MB
    for name, times in (("sftp.upload", ours), ("sftp.upload_openssh", theirs)):
        best = min(times)
        yield Figure(name, size / best, "MB/s", n=size, seconds=best, peak_mb=0.0)
    yield Figure(
        "sftp.ratio_to_openssh",
        min(theirs) / min(ours),
        "ratio",
        n=size,
        seconds=sum(ours),
        peak_mb=own.peak_mb(),
        at_least=0.7,
    )


def _seconds(target: Target, paths: list[Path], there: str) -> float:
    began = time.perf_counter()
    target.sftp("".join(f"put {path} {there}/{path.name}\n" for path in paths))
    return time.perf_counter() - began


def _small_files(folder: Path, own: Target) -> Figure:
    """From the first byte until each of them is an envelope in our mailbox."""
    paths = _files(folder / "small", SMALL, SMALL_BYTES)
    began = time.perf_counter()
    with _worker():
        _seconds(own, paths, "/coutbox")
        while Transmission.objects.filter(status=TransmissionStatus.DONE).count() < SMALL:
            if time.perf_counter() - began > WAIT_SECONDS:
                raise RuntimeError("The files were put, and not all are processed.")
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - began
    return Figure("sftp.files_per_s", SMALL / seconds, "files/s", n=SMALL, seconds=seconds)


@contextmanager
def _worker() -> Iterator[None]:
    """Processes what has come, as the ticks do."""
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            if not processing.process_due(timezone.now()):
                time.sleep(LOOK_SECONDS)
        connection.close()

    working = threading.Thread(target=work)
    working.start()
    try:
        yield
    finally:
        stopping.set()
        working.join()


def _logins(folder: Path, own: Target, password: str, megabytes: int) -> Iterator[Figure]:
    """How long a partner waits at the door, and how long while another one uploads."""
    yield _at_the_door("sftp.login", own, password)
    paths = _files(folder / "large", max(1, megabytes // LARGE_MB), LARGE_MB * 1024 * 1024)
    stopping = threading.Event()

    def upload() -> None:
        while not stopping.is_set():
            _seconds(own, paths, "/coutbox")

    uploading = threading.Thread(target=upload)
    uploading.start()
    try:
        time.sleep(SETTLE_SECONDS)
        yield _at_the_door("sftp.login_during_upload", own, password)
    finally:
        stopping.set()
        uploading.join()


def _at_the_door(name: str, own: Target, password: str) -> Figure:
    times = [asyncio.run(_login(own, password)) for _ in range(LOGINS)]
    return Figure(name, statistics.median(times) * 1000, "ms", n=LOGINS, seconds=sum(times))


async def _login(own: Target, password: str) -> float:
    began = time.perf_counter()
    async with (
        asyncssh.connect(
            "127.0.0.1",
            own.port,
            username=own.login,
            password=password,
            known_hosts=None,
            client_keys=None,
            config=None,
        ) as caller,
        caller.start_sftp_client() as sftp,
    ):
        await sftp.stat("/")
        return time.perf_counter() - began


def _files(folder: Path, number: int, size: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{index:04}.bin" for index in range(number)]
    for path in paths:
        if not path.exists():
            path.write_bytes(os.urandom(size))
    return paths
