"""A template's text becomes a version that never changes again."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
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
    by: AbstractBaseUser | None = None,
) -> TemplateVersion:
    """Check the text and make it the published version; the same text again makes none.

    Raises TemplateError: nothing is changed then.
    """
    version = draft(
        template, subject=subject, html=html, text=text, from_name=from_name, reply_to=reply_to
    )
    current = template.published_version
    if current and all(getattr(current, name) == getattr(version, name) for name in TEXTS):
        return current
    prepare(
        version,
        template.channel_type,
        values=template.sample_variables,
        global_values=global_values(),
    )
    return store(version, by)


def draft(template: MessageTemplate, **texts: str) -> TemplateVersion:
    """An unsaved version, with line ends as every reader writes them."""
    texts = {name: value.replace("\r\n", "\n") for name, value in texts.items()}
    return TemplateVersion(template=template, **texts)


@transaction.atomic
def store(version: TemplateVersion, by: AbstractBaseUser | None) -> TemplateVersion:
    template = version.template
    # The lock makes two editors' numbers differ; on SQLite the transaction is one already.
    MessageTemplate.objects.select_for_update().get(pk=template.pk)
    last = template.versions.aggregate(last=Max("number"))["last"] or 0
    version.number = last + 1
    version.created_by_id = by.pk if by else None
    version.save(force_insert=True)
    template.published_version = version
    template.save(update_fields=["published_version", "updated_at"])
    return version
