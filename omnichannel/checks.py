"""System checks of our own: what an installation must not be run with."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from omnichannel import endpoints
from omnichannel.crypto import SecretUnreadable
from omnichannel.models import FrequencyCap


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


@register(deploy=True)
def check_broker_keeps_everything(**kwargs: Any) -> list[CheckMessage]:
    """A Redis that is full throws queues away, by any policy but one, and says nothing."""
    policy = eviction_policy(settings.CELERY_BROKER_URL)
    if policy in ("", "noeviction"):
        return []
    return [
        Warning(
            f"Redis, the broker, has the eviction policy {policy}: full, it loses ticks silently.",
            hint="Set maxmemory-policy noeviction, or give the broker a Redis of its own.",
            id="omnichannel.W004",
        )
    ]


def eviction_policy(url: str) -> str:
    """The policy of the Redis at the URL; empty for other brokers and one that does not tell."""
    if not url.startswith(("redis://", "rediss://")):
        return ""
    from redis import Redis, RedisError  # here: it would cost each process without one 6 MB

    timeouts = {"socket_timeout": 2, "socket_connect_timeout": 2}
    try:
        # INFO and not CONFIG, which hosted servers refuse.
        with Redis.from_url(url, **timeouts) as server:
            return str(server.info("memory").get("maxmemory_policy", ""))
    except (RedisError, ValueError):
        return ""


@register(Tags.database)
def check_webhooks_are_verified(**kwargs: Any) -> list[CheckMessage]:
    """A provider that takes calls anybody can make who learns their address."""
    if not kwargs.get("databases"):  # only where a command is about the database
        return []
    try:
        names = endpoints.unverified()
    except (DatabaseError, SecretUnreadable):  # not migrated yet, or the keys are others
        return []
    return [
        Warning(
            f"{name} takes calls of its vendor without anything to verify them by.",
            hint="Fill in its webhook secret, or switch “Take calls” off on its page.",
            id="omnichannel.W005",
        )
        for name in names
    ]


@register(Tags.database)
def check_caps_are_not_forgotten(**kwargs: Any) -> list[CheckMessage]:
    """A frequency cap counts the messages that are kept, and no others."""
    if not kwargs.get("databases") or not settings.KEEP_MESSAGES_DAYS:
        return []
    try:
        caps = list(FrequencyCap.objects.filter(is_active=True))
    except DatabaseError:  # not migrated yet
        return []
    return [
        Warning(
            f"“{cap}” is not kept to: KEEP_MESSAGES_DAYS is {settings.KEEP_MESSAGES_DAYS}, and "
            "what was deleted does not count.",
            hint="Set KEEP_MESSAGES_DAYS to 7 or more, or 0 to keep messages for good.",
            id="omnichannel.W006",
        )
        for cap in caps
        if cap.is_longer_than_kept
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
