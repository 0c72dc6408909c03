"""Templates for tests: published versions without asking the limited child each time."""

from __future__ import annotations

import itertools
from typing import Any

from omnichannel.models import MessageTemplate, TemplateVersion

_numbers = itertools.count(1)


def make_template(**values: Any) -> MessageTemplate:
    number = next(_numbers)
    return MessageTemplate.objects.create(**{"name": f"Template {number}", **values})


def make_version(template: MessageTemplate | None = None, **values: Any) -> TemplateVersion:
    """A version, published: its text is used as it is."""
    template = template or make_template()
    number = template.versions.count() + 1
    values = {"subject": "Hello", "html": "<p>Hello</p>", "number": number, **values}
    version = TemplateVersion.objects.create(template=template, **values)
    MessageTemplate.objects.filter(pk=template.pk).update(published_version=version)
    template.refresh_from_db()
    return version
