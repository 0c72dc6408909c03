"""System checks of our own: what an installation must not be run with."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_keys_are_given(**kwargs: Any) -> list[CheckMessage]:
    """Two machines that each make their own keys cannot read each other's secrets."""
    return [
        Warning(
            f"{name} is not set, so this machine made one of its own in VAR_DIR.",
            hint=f"Set {name} to the same value for every process.",
            id=f"omnichannel.W00{number}",
        )
        for number, name in enumerate(("SECRET_KEY", "FIELD_ENCRYPTION_KEYS"), start=1)
        if not os.environ.get(name)
    ]


@register(Tags.database)
def check_workers_have_a_server(**kwargs: Any) -> list[CheckMessage]:
    if settings.IS_EMBEDDED or not settings.IS_SQLITE:
        return []
    return [
        Warning(
            "CELERY_BROKER_URL is set, but the database is SQLite.",
            hint="Set DATABASE_URL to PostgreSQL before you start more than one worker.",
            id="omnichannel.W003",
        )
    ]


@register(Tags.urls)
def check_public_url(**kwargs: Any) -> list[CheckMessage]:
    parts = urlsplit(settings.PUBLIC_URL)
    if not settings.PUBLIC_URL or (parts.scheme in ("http", "https") and parts.hostname):
        return []
    return [
        Error(
            f"PUBLIC_URL is not a web address: {settings.PUBLIC_URL!r}.",
            hint="Write it with its scheme, such as https://studio.example.com",
            id="omnichannel.E001",
        )
    ]
