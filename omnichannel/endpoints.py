"""The address at which a provider's vendor calls us, and the record of its calls."""

from __future__ import annotations

import datetime
import logging
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.urls import reverse

from omnichannel import backends
from omnichannel.backends.base import Backend
from omnichannel.crypto import SecretUnreadable
from omnichannel.exceptions import OmnichannelError
from omnichannel.models import ChannelProvider, WebhookEndpoint
from omnichannel.models.webhooks import new_token
from omnichannel.recording import clean, relaxed

logger = logging.getLogger(__name__)


class NoEndpoint(OmnichannelError):
    """Nobody is called at this address, or not with this token."""


def receives(provider: ChannelProvider) -> bool:
    backend = backends.get(provider.backend)
    return backend is not None and backend.receives


def endpoint_of(provider: ChannelProvider) -> WebhookEndpoint:
    """The provider's own; made when there is none yet, switched off."""
    return WebhookEndpoint.objects.get_or_create(provider=provider)[0]


def called(key: UUID, token: str) -> WebhookEndpoint:
    """The endpoint of a call, with its provider. Raises NoEndpoint."""
    rows = WebhookEndpoint.objects.select_related("provider")
    endpoint = rows.filter(key=key, is_enabled=True).first()
    try:
        known = endpoint.token if endpoint else ""
    except SecretUnreadable as error:
        raise NoEndpoint("Its token cannot be read any more: renew it.") from error
    matches = secrets.compare_digest(known.encode(), token.encode("utf-8", "replace"))
    if endpoint is None or not matches:
        raise NoEndpoint("There is no such endpoint.")
    return endpoint


def path_of(endpoint: WebhookEndpoint) -> str:
    return reverse("webhook", args=(endpoint.key, endpoint.token))


def renew(provider: ChannelProvider) -> WebhookEndpoint:
    """Give it a new token: from now on nothing is taken at the old address."""
    endpoint = endpoint_of(provider)
    endpoint.token = new_token()
    endpoint.save(update_fields=["token"])
    return endpoint


def switch(provider: ChannelProvider, on: bool) -> None:
    endpoint_of(provider)
    WebhookEndpoint.objects.filter(provider=provider).update(is_enabled=on)


def is_unverified(backend: type[Backend], filled: Mapping[str, Any]) -> bool:
    """The vendor can prove that a call is its own, and nothing is filled in to check that by."""
    names = backend.webhook_secrets
    return bool(names) and not any(filled.get(name) for name in names)


def unverified() -> list[str]:
    """Providers that take calls which nothing verifies. Raises SecretUnreadable."""
    found = []
    for row in WebhookEndpoint.objects.filter(is_enabled=True).select_related("provider"):
        backend = backends.get(row.provider.backend)
        if backend and is_unverified(backend, filled_of(row.provider)):
            found.append(row.provider.name)
    return found


def filled_of(provider: ChannelProvider) -> dict[str, Any]:
    """What is filled in, of the columns and settings that may hold a secret.

    Raises SecretUnreadable.
    """
    columns = ("app_user", "app_password", "app_key")
    return {**{name: getattr(provider, name) for name in columns}, **provider.options}


def count_call(
    endpoint: WebhookEndpoint, at: datetime.datetime, result: str, *, events: int | None
) -> None:
    """Write down one call; `events` None: it was refused. A database that cannot is not an error.

    The row is held for a moment only: this commit does not wait for the disk.
    """
    counted: dict[str, Any] = (
        {"refused": F("refused") + 1}
        if events is None
        else {"accepted": F("accepted") + 1, "events": F("events") + events}
    )
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    try:
        with relaxed(), transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit TO off")
            rows.update(last_call_at=at, last_result=clean(result, 200), **counted)
    except DatabaseError:
        logger.exception("A call to %s could not be counted", endpoint.pk)
