"""A template of one's own, made from another."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from omnichannel import publishing, version_content
from omnichannel.models import MessageTemplate
from omnichannel.publishing import Actor

LONGEST_NAME = 120


def clone(template: MessageTemplate, *, by: Actor, name: str = "") -> MessageTemplate:
    """The same settings, and the published content as version 1. Without `name`, a free one.

    Raises TemplateError, whose part is "name", when that is taken.
    """
    name = name.strip() or free_name(template)
    if is_taken(template.channel_type, name):
        raise version_content.fault("name", f"There is a template called “{name}” already.")
    try:
        with transaction.atomic():
            return _clone(template, name, by)
    except IntegrityError as error:
        raise version_content.fault("name", f"“{name}” was taken just now: try again.") from error


def _clone(template: MessageTemplate, name: str, by: Actor) -> MessageTemplate:
    copy = MessageTemplate.objects.get(pk=template.pk)
    published = copy.published_version
    copy.pk = None
    copy._state.adding = True
    copy.name, copy.system_key, copy.is_demo = name, "", False
    copy.published_version = None
    copy.save(force_insert=True)
    copy.tags.set(template.tags.all())
    if published:
        publishing.put(copy, publishing.copied(published), by)
    return copy


def is_taken(channel_type: str, name: str) -> bool:
    return MessageTemplate.objects.filter(channel_type=channel_type, name=name).exists()


def free_name(template: MessageTemplate) -> str:
    """ "Welcome (copy)", "Welcome (copy 2)" ...; of an original, its plain name when it is free."""
    plain = template.name.removesuffix(" (original)")
    if template.is_system and not is_taken(template.channel_type, plain):
        return plain
    number = 1
    while True:
        mark = " (copy)" if number == 1 else f" (copy {number})"
        name = plain[: LONGEST_NAME - len(mark)] + mark
        if not is_taken(template.channel_type, name):
            return name
        number += 1
