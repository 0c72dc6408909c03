"""Rows that every submission asks for, by one statement written out.

Making such statements and their rows through the ORM takes several times as long as running
them. What is not named here is read when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import DEFAULT_DB_ALIAS, connection

from omnichannel.models import ChannelProvider, MessageTemplate

# In the order of the model, and only what every database answers with as it is: no times.
TEMPLATE = ("id", "channel_type", "name", "published_version_id", "category", "priority")
PROVIDER = ("id", "channel_type", "name", "days_before_expire", "is_active")
_TEMPLATES = """
    SELECT 1, id, channel_type, name, published_version_id, category, priority, NULL, NULL
    FROM omnichannel_messagetemplate WHERE {} = %s
"""
_PROVIDERS = """
    SELECT 2, id, channel_type, name, NULL, NULL, NULL, days_before_expire, is_active
    FROM omnichannel_channelprovider WHERE {} = %s
"""


@dataclass
class LookedUp:
    """By id or by name. Several channels may have a template of this name."""

    templates: list[MessageTemplate] = field(default_factory=list)
    provider: ChannelProvider | None = None  # an active one


def look_up(template: int | str | None, provider: int | str | None) -> LookedUp:
    asked = [(_TEMPLATES, template), (_PROVIDERS, provider)]
    wanted = [(text, name) for text, name in asked if name is not None]
    found = LookedUp()
    if not wanted:
        return found
    statement = " UNION ALL ".join(
        text.format("name" if isinstance(name, str) else "id") for text, name in wanted
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [name for _, name in wanted])
        for kind, *row in cursor.fetchall():
            if kind == 1:
                values = row[: len(TEMPLATE)]
                found.templates.append(MessageTemplate.from_db(DEFAULT_DB_ALIAS, TEMPLATE, values))
            elif row[-1]:
                values = (*row[:3], row[-2], bool(row[-1]))
                found.provider = ChannelProvider.from_db(DEFAULT_DB_ALIAS, PROVIDER, values)
    return found
