from __future__ import annotations

import datetime

NOW = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.UTC)


def minutes(count):
    return datetime.timedelta(minutes=count)
