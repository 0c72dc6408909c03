"""A template's text becomes a version that never changes again."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import Max

from omnichannel.models import MessageTemplate, TemplateVersion
from omnichannel.rendering import prepare
from omnichannel.variables import global_values

TEXTS = ("subject", "html", "text", "from_name", "reply_to")


def publish(
    template: MessageTemplate,
    *,
    subject: str = "",
    html: str = "",
    text: str = "",
    from_name: str = "",
    reply_to: str = "",
    by: AbstractBaseUser | AnonymousUser | None = None,
) -> TemplateVersion:
    """Check the text and make it the published version; the same text again makes none.

    Raises TemplateError: nothing is changed then.
    """
    version = next_version(
        template, subject=subject, html=html, text=text, from_name=from_name, reply_to=reply_to
    )
    return store(template, version, by)


def next_version(template: MessageTemplate, **texts: str) -> TemplateVersion:
    """The published version when the text is the same, else a checked, unsaved one.

    `texts` are named as in TEXTS. Raises TemplateError.
    """
    # Browsers send CR LF; a text must not change by being looked at.
    texts = {name: value.replace("\r\n", "\n") for name, value in texts.items()}
    version = TemplateVersion(**texts)
    prepare(
        version,
        template.channel_type,
        values=template.sample_variables,
        global_values=global_values(),
    )
    current = template.published_version
    if current and all(getattr(current, name) == getattr(version, name) for name in TEXTS):
        return current
    return version


@transaction.atomic
def store(
    template: MessageTemplate,
    version: TemplateVersion,
    by: AbstractBaseUser | AnonymousUser | None,
) -> TemplateVersion:
    """Number a version from `next_version` and make it the published one."""
    if version.pk is not None:
        return version
    # The lock makes two editors' numbers differ; on SQLite the transaction is one already.
    MessageTemplate.objects.select_for_update().get(pk=template.pk)
    last = template.versions.aggregate(last=Max("number"))["last"] or 0
    version.template = template
    version.number = last + 1
    version.created_by_id = by.pk if by else None
    version.save(force_insert=True)
    template.published_version = version
    template.save(update_fields=["published_version", "updated_at"])
    return version
