"""SQLite as Django has it, but for how a writer waits for its turn.

SQLite lets a writer who finds another one at work sleep longer and longer, up to a tenth of a
second at a time: beside a campaign it misses many a gap, and a one-time password takes seconds.
Here it looks again every few milliseconds.
"""

from __future__ import annotations

import sqlite3
import time

from django.db import OperationalError
from django.db.backends.sqlite3 import base

AGAIN = 0.002  # seconds until the next look
USUAL_TIMEOUT = 5.0  # seconds: what sqlite3 takes by itself


class DatabaseWrapper(base.DatabaseWrapper):
    """Raises OperationalError when the database stays locked for the `timeout` of its OPTIONS."""

    transaction_mode: str | None

    def _start_transaction_under_autocommit(self) -> None:
        seconds = self.settings_dict["OPTIONS"].get("timeout", USUAL_TIMEOUT)
        until = time.monotonic() + seconds
        self._wait_at_most(0)
        try:
            with self.cursor() as cursor:
                cursor.execute(self._beginning())
        except OperationalError as error:
            if not _is_busy(error.__cause__):
                raise
            self._begin_by(until)
            self.errors_occurred = False
        finally:
            self._wait_at_most(seconds)

    def _begin_by(self, until: float) -> None:
        while True:
            try:
                with self.wrap_database_errors:
                    self.connection.execute(self._beginning())
                return
            except OperationalError as error:
                if not _is_busy(error.__cause__) or time.monotonic() > until:
                    raise
            time.sleep(AGAIN)

    def _beginning(self) -> str:
        return f"BEGIN {self.transaction_mode}" if self.transaction_mode else "BEGIN"

    def _wait_at_most(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")


def _is_busy(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY
