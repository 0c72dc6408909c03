"""What goes into the log of a request: never the part of its path that is a permission."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"/(webhooks/[^/\s]+|u|t/[oc])/[^/\s]+")


class WithoutTokens(logging.Filter):
    """Of `django.request`, which names the path of whatever fails."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "django.request" and isinstance(record.args, tuple):
            record.args = tuple(
                TOKEN.sub(r"/\1/…", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True
