from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.live import ROOT, LiveStudio

PRAGMAS = """
from django.db import connection, transaction
def pragma(name):
    with connection.cursor() as cursor:
        return str(cursor.execute(f"PRAGMA {name}").fetchone()[0])
connection.ensure_connection()
print(pragma("journal_mode"), pragma("busy_timeout"), connection.transaction_mode)
"""
PRODUCTION = {
    "PUBLIC_URL": "https://studio.example.com",
    "SECRET_KEY": "a-long-and-random-looking-key-0123456789-abcdefghijklmnop",
    "FIELD_ENCRYPTION_KEYS": "another",
    "DATABASE_URL": "postgres://studio@127.0.0.1:1/studio",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
}


def test_sqlite_waits_for_writers_and_never_blocks_readers(tmp_path):
    with LiveStudio(tmp_path) as studio:
        assert studio.run(PRAGMAS) == "wal 20000 IMMEDIATE"


def check_deploy(tmp_path, **env):
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_production_settings_pass_the_deployment_checks(tmp_path):
    result = check_deploy(tmp_path, **PRODUCTION)

    assert result.returncode == 0, result.stderr


def test_plain_http_does_not_pass_the_deployment_checks(tmp_path):
    result = check_deploy(tmp_path, **{**PRODUCTION, "PUBLIC_URL": ""})

    assert result.returncode == 1
    assert "security.W012" in result.stderr


@pytest.mark.django_db
def test_static_files_come_with_their_version_and_may_be_kept(client):
    page = client.get("/admin/login/").text
    start = page.index("/static/studio/studio.css?v=")
    url = page[start : page.index('"', start)]

    response = client.get(url)

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "max-age=86400, public"


@pytest.mark.django_db
def test_login_leads_to_the_first_page(client, admin_user):
    answer = client.post("/admin/login/", {"username": "admin", "password": "password"})

    assert answer.headers["Location"] == "/admin/"
