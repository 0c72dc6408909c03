"""CPU seconds of this process and of the database server's process that works for it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.db import connection


def cpu_seconds() -> float:
    """Ours, and the server's where it is a process of this machine (Linux)."""
    return time.process_time() + _of_server()


def _of_server() -> float:
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    name, _, numbers = stat.rpartition(")")
    if "postgres" not in name:
        return 0.0
    user, system = numbers.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
