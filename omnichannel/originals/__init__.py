"""The templates that come with the product: read-only, to be cloned.

They are made once, after migrating. When a release changes one, its new text is published; what
was sent or cloned before stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from omnichannel import publishing, rendering
from omnichannel.choices import Category, ChannelType
from omnichannel.models import MessageTemplate, TemplateVersion
from omnichannel.originals.emails import EMAILS
from omnichannel.originals.texts import TEXTS

FRAME = (Path(__file__).parent / "frame.html").read_text()


class Original(NamedTuple):
    """A template as it comes; `content` are columns of its version."""

    key: str
    channel_type: ChannelType
    name: str
    description: str
    category: Category
    sample: dict[str, Any]
    content: dict[str, str]


def originals() -> Iterator[Original]:
    for mail in EMAILS:
        html = FRAME.replace("[body]", mail.body).replace("[foot]", mail.foot)
        content = {"subject": mail.subject, "html": html}
        yield Original(
            mail.key,
            ChannelType.EMAIL,
            mail.name,
            mail.description,
            mail.category,
            mail.sample,
            content,
        )
    for text in TEXTS:
        yield Original(
            text.key,
            ChannelType.SMS,
            text.name,
            text.description,
            text.category,
            text.sample,
            {"text": text.text},
        )


def ensure() -> int:
    """Make what is missing, and publish what a release has changed; answers how many."""
    rows = MessageTemplate.objects.exclude(system_key="").select_related("published_version")
    present = {row.system_key: row for row in rows}
    changed = [
        original for original in originals() if not _is_current(original, present.get(original.key))
    ]
    for original in changed:
        with transaction.atomic():
            _make(original)
    return len(changed)


def _is_current(original: Original, row: MessageTemplate | None) -> bool:
    version = row.published_version if row else None
    return version is not None and all(
        getattr(version, name) == value for name, value in original.content.items()
    )


def _make(original: Original) -> None:
    row, _ = MessageTemplate.objects.get_or_create(
        system_key=original.key,
        defaults={
            "channel_type": original.channel_type,
            "name": f"{original.name} (original)",
            "description": original.description,
            "category": original.category,
        },
    )
    MessageTemplate.objects.filter(pk=row.pk).update(sample_variables=original.sample)
    publishing.put(row, _version(original), None)


def _version(original: Original) -> TemplateVersion:
    """Compiled here: our own text needs no child process to be safe from."""
    found = rendering.examine_here(original.content)
    made = {name: found[name] for name in publishing.MADE}
    return TemplateVersion(**original.content, **made)
