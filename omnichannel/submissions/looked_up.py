"""Rows that every submission asks for, by statements written out.

Making such a statement and its rows through the ORM takes several times as long as running it.
What is not named here is read when it is asked for.
"""

from __future__ import annotations

from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

from omnichannel.models import ChannelProvider, MessageTemplate

Row = TypeVar("Row", bound=models.Model)
# In the order of the model, and only what every database answers with as it is: no times.
TEMPLATE = ("id", "channel_type", "name", "published_version_id", "category", "priority")
PROVIDER = ("id", "channel_type", "name", "days_before_expire", "is_active")
_STATEMENT = "SELECT {} FROM {} WHERE {} = %s"


def templates(name: int | str) -> list[MessageTemplate]:
    """By id or by name: several channels may have one of this name."""
    return _rows(MessageTemplate, TEMPLATE, name)


def active_provider(name: int | str) -> ChannelProvider | None:
    """By id or by name."""
    found = _rows(ChannelProvider, PROVIDER, name)
    return found[0] if found and found[0].is_active else None


def _rows(model: type[Row], columns: tuple[str, ...], name: int | str) -> list[Row]:
    by = "name" if isinstance(name, str) else "id"
    statement = _STATEMENT.format(", ".join(columns), model._meta.db_table, by)
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return [model.from_db(DEFAULT_DB_ALIAS, columns, row) for row in cursor.fetchall()]
