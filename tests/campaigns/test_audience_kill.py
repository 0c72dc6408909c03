"""A worker is killed outright in the middle of an import; another one finishes it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid

import psycopg
import pytest
from django.conf import settings

from tests import prepared

SETUP = """
import datetime, json, time
import django
django.setup()
from campaigns import audience_import, import_run
from campaigns.models import AudienceImport
from tests.factories_audience import make_import, rows_of
# Short, so that the next worker need not wait long for a dead one.
audience_import.LEASE = import_run.LEASE = datetime.timedelta(seconds=1)
"""
# The header of the second part is one more bad row.
PREPARE = SETUP + 'make_import(rows_of(29_000) + rows_of(1_000) + "bad,,\\n" * 499)'
WORK = """
def stopped():
    print("a chunk is committed", flush=True)
    return False
began = time.monotonic()
while AudienceImport.objects.filter(finished_at=None).exists() and time.monotonic() < began + 30:
    audience_import.run_queued(until=began + 30, stopped=stopped)
    time.sleep(0.1)
"""
SHOW = """
row = AudienceImport.objects.select_related("audience").get()
rejects = import_run.rejects_path(row)
print(json.dumps([row.status, row.rows_done, row.added, row.duplicates, row.rejected,
    row.audience.records_count, row.audience.members.count(),
    rejects.read_text().count(chr(10)) if rejects.exists() else 0]))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request, tmp_path):
    env = {**os.environ, "VAR_DIR": str(tmp_path), "PYTHONPATH": str(settings.BASE_DIR)}
    env["DJANGO_SETTINGS_MODULE"] = "config.settings"
    env.pop("DATABASE_URL", None)
    if request.param == "sqlite":
        shutil.copy(prepared.sqlite_file(), tmp_path / "studio.sqlite3")
        yield env
        return
    server = request.getfixturevalue("postgres_url")
    name = f"kill_{uuid.uuid4().hex[:12]}"
    prepared.postgres_clone(server, name)
    try:
        yield {**env, "DATABASE_URL": f"{server.rsplit('/', 1)[0]}/{name}"}
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def start(script: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, text=True
    )


def output(script: str, env: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


@pytest.mark.fault(35)
def test_a_killed_import_is_finished_by_the_next_worker(environment):
    output(PREPARE, environment)
    worker = start(SETUP + WORK, environment)
    for _ in range(4):
        assert worker.stdout.readline()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    status, rows_done, *_ = json.loads(output(SETUP + SHOW, environment))
    assert status == "running"
    assert 6_000 <= rows_done < 30_500

    output(SETUP + WORK, environment)

    shown = json.loads(output(SETUP + SHOW, environment))
    assert shown == ["finished", 30_500, 29_000, 1_000, 500, 29_000, 29_000, 1_501]
