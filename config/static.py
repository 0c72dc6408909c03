"""Static files straight from the packages that ship them, each under a URL of its own version."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


@cache
def version_of(name: str) -> str:
    path = finders.find(name)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12] if path else ""


class VersionedStorage(StaticFilesStorage):
    """Adds `?v=<digest>`, so browsers may keep a file for long and still see the next release."""

    def url(self, name: str | None) -> str:
        url = super().url(name)
        if settings.DEBUG or not name or "?" in name:
            return url
        version = version_of(name)
        return f"{url}?v={version}" if version else url
