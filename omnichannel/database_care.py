"""What makes a database slow without anybody noticing: transactions that stay open.

PostgreSQL cannot clean up behind a transaction that is still open: claiming gets several times
slower within minutes. SQLite cannot empty its write-ahead log while somebody reads.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection

logger = logging.getLogger(__name__)

# Who holds back the clean-up of this database: sessions with a snapshot or an id of their own,
# and transactions prepared for a two-phase commit that nobody finished.
_OLDEST = """
    SELECT pid, who, state, seconds FROM (
        SELECT pid,
               concat_ws(' ', usename, nullif(application_name, ''), host(client_addr)) AS who,
               state,
               extract(epoch FROM clock_timestamp() - xact_start)::float AS seconds
        FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
          AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
          AND pid <> pg_backend_pid()
        UNION ALL
        SELECT 0, 'prepared transaction ' || gid, 'prepared',
               extract(epoch FROM clock_timestamp() - prepared)::float
        FROM pg_prepared_xacts WHERE database = current_database()
    ) AS open WHERE seconds IS NOT NULL ORDER BY seconds DESC LIMIT 5
"""


class OpenTransaction(NamedTuple):
    pid: int  # 0: a prepared transaction, which no process holds
    who: str
    state: str
    seconds: float

    @property
    def advice(self) -> str:
        """A sentence for the operator: what is wrong, and what to do."""
        if not self.pid:
            end = f"end it with ROLLBACK PREPARED '{self.who.rpartition(' ')[2]}'"
        else:
            end = f"if nobody needs it, end it with SELECT pg_terminate_backend({self.pid})"
        return (
            f"A database transaction has been open for {_spoken(self.seconds)} (pid {self.pid}, "
            f"{self.who}, {self.state}). It slows sending down: {end}."
        )


def open_transactions() -> list[OpenTransaction]:
    """The oldest transactions of other sessions, oldest first; at most five. PostgreSQL only.

    Those of other database users are seen by members of pg_read_all_stats only.
    """
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        return [OpenTransaction(*row) for row in cursor.fetchall()]


def oldest_transaction_seconds() -> float:
    return max((found.seconds for found in open_transactions()), default=0.0)


def log_bytes() -> int:
    """The size of SQLite's write-ahead log; 0 on other databases and without one."""
    if connection.vendor != "sqlite":
        return 0
    try:
        return os.stat(f"{Path(connection.settings_dict['NAME'])}-wal").st_size
    except OSError:
        return 0


def warnings() -> list[str]:
    """What an operator should do something about, a sentence each."""
    limit = settings.OLD_TRANSACTION_SECONDS
    found = [row.advice for row in open_transactions() if row.seconds > limit]
    size = log_bytes()
    if size > settings.WAL_MAX_BYTES:
        found.append(
            f"SQLite's write-ahead log has grown to {size // 1024**2:,} MB: something has been "
            "reading for long. End open shells, backups and reports on the database file."
        )
    return found


def watch() -> int:
    """Log what is wrong; answer how many things are."""
    found = warnings()
    for text in found:
        logger.warning(text)
    return len(found)


def _spoken(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
