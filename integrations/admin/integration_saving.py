"""An integration and its connection are saved together; what is made for it the first time."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from integrations import certificates, connections, passwords
from integrations.admin import shown_once
from integrations.admin.connection_forms import COLUMNS, connection_of, put
from integrations.choices import Protocol
from integrations.models import As2Connection, Integration


def user_of(request: HttpRequest) -> AbstractBaseUser:
    """Pages of the Studio are for those who signed in."""
    assert isinstance(request.user, AbstractBaseUser)
    return request.user


def save(
    request: HttpRequest, integration: Integration, data: dict[str, Any], at: datetime.datetime
) -> None:
    """A password that is made is kept for the next page; a certificate for good."""
    protocol = Protocol(integration.protocol)
    with transaction.atomic():
        connections.save(integration, by=request.user, at=at)
        connection = connection_of(integration, protocol)
        if any(f"{protocol}_{name}" in data for name in COLUMNS[protocol]):
            put(connection, protocol, {k: v for k, v in data.items() if v is not None})
        names = [*COLUMNS[protocol], *(["http_password"] if protocol == Protocol.AS2 else [])]
        connection.integration = integration
        connection.save(update_fields=names if connection.pk else None)
    if isinstance(connection, As2Connection):
        certificates.ensure(connection, by=request.user, at=at)
    elif not connection.password_hash:
        password = passwords.generate(connection, user_of(request), at)
        shown_once.keep(request, f"sftp_{integration.pk}", password)
