"""A template's text becomes a version that never changes again."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.db.models import Max

from omnichannel import dlt, rendering, short_links, version_content, webotp
from omnichannel.choices import Category, ChannelType, SourceKind
from omnichannel.exceptions import OmnichannelError, TemplateError
from omnichannel.models import MessageTemplate, TemplateText, TemplateVersion
from omnichannel.rendering.languages import chain, tag_of
from omnichannel.variables import global_values

Actor = AbstractBaseUser | AnonymousUser | None
OF_SMS = ("dlt_template_id", "dlt_header", "dlt_text")
TEXTS = ("subject", "source_kind", "html", "text", "from_name", "reply_to", *OF_SMS)
SWITCHES = ("url_shorten",)
SPOKEN = ("subject", "html", "text")  # what is written again in each language
MAX_LANGUAGES = 30
# Of a version's columns: who it is, and what is made of the others.
IDENTITY = ("id", "template", "number", "created_by", "created_at")
MADE = ("compiled_html", "compiled_text", "variables")


class SystemTemplate(OmnichannelError):
    """An original that came with the product: it can only be cloned."""

    def __init__(self, template: MessageTemplate) -> None:
        super().__init__(f"{template} is an original and stays as it is: clone it.")


def publish(
    template: MessageTemplate,
    *,
    by: Actor = None,
    translations: Sequence[Mapping[str, str]] = (),
    **content: Any,
) -> TemplateVersion:
    """Check the content and make it the published version; the same again makes none.

    `content` are columns of TemplateVersion, `translations` {"language", "subject", "html",
    "text"} of each further text. Raises TemplateError or SystemTemplate: nothing is changed then.
    """
    return store(template, next_version(template, translations=translations, **content), by)


def next_version(
    template: MessageTemplate,
    *,
    translations: Sequence[Mapping[str, str]] = (),
    **content: Any,
) -> TemplateVersion:
    """The published version when the content is the same, else a checked, unsaved one.

    Raises TemplateError.
    """
    version = TemplateVersion(**{name: _plain(value) for name, value in content.items()})
    version.source_kind = version.source_kind or SourceKind.HTML
    version_content.clean(version, template.channel_type)
    dlt.check_registration(version)
    version.unsaved_texts = _texts(version, translations)
    version.languages = [text.language for text in version.unsaved_texts]
    known = global_values()
    texts: list[TemplateVersion | TemplateText] = [version, *version.unsaved_texts]
    for text in texts:
        _prepare(template, version, text, known)
    current = template.published_version
    return current if current and is_same(current, version) else version


def _plain(value: Any) -> Any:
    """Browsers send CR LF; a text must not change by being looked at."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _texts(
    version: TemplateVersion, translations: Sequence[Mapping[str, str]]
) -> tuple[TemplateText, ...]:
    if len(translations) > MAX_LANGUAGES:
        raise version_content.fault("translations", f"At most {MAX_LANGUAGES} languages.")
    found: dict[str, TemplateText] = {}
    for position, given in enumerate(translations, 1):
        try:
            language = tag_of(given.get("language", ""))
        except TemplateError as error:
            raise version_content.fault("translations", str(error)) from error
        if language in found:
            raise version_content.fault("translations", f"{language} is there twice.")
        words = {name: _plain(given.get(name, "")) for name in SPOKEN}
        if not (words["html"].strip() or words["text"].strip()):
            raise version_content.fault(
                "translations", f"{language}: write its text, or remove the language."
            )
        found[language] = TemplateText(
            version=version, position=position, language=language, **words
        )
    return tuple(found.values())


def _prepare(
    template: MessageTemplate,
    version: TemplateVersion,
    text: TemplateVersion | TemplateText,
    known: Mapping[str, str],
) -> None:
    values = template.sample_variables
    try:
        rendered = rendering.prepare(
            text, template.channel_type, values=values, global_values=known
        )
        if template.channel_type == ChannelType.SMS:
            dlt.check_sample(version, short_links.sample(version, rendered["text"]))
            if template.default_category == Category.OTP:
                webotp.check(rendered["text"])
    except TemplateError as error:
        if isinstance(text, TemplateVersion):
            raise
        raise version_content.fault("translations", f"{text.language}: {error}") from error


def is_same(one: TemplateVersion, other: TemplateVersion) -> bool:
    """Would messages of both be the same?"""
    return content_of(one) == content_of(other) and (
        [content_of(text) for text in one.further_texts.values()]
        == [content_of(text) for text in other.further_texts.values()]
    )


def content_of(row: models.Model, *, made: bool = False) -> dict[str, Any]:
    """What a version or one of its texts holds; `made`: with what was made of it."""
    left_out = (*IDENTITY, "version", *(() if made else MADE))
    return {
        field.name: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in left_out
    }


@transaction.atomic
def store(template: MessageTemplate, version: TemplateVersion, by: Actor) -> TemplateVersion:
    """Number a version from `next_version` and make it the published one.

    Raises SystemTemplate.
    """
    if version.pk is not None:
        return version
    if template.is_system and template.published_version_id:
        raise SystemTemplate(template)
    return put(template, version, by)


def put(template: MessageTemplate, version: TemplateVersion, by: Actor) -> TemplateVersion:
    """The same for an original, too. To be called in a transaction."""
    texts = version.unsaved_texts
    # The lock makes two editors' numbers differ; on SQLite the transaction is one already.
    MessageTemplate.objects.select_for_update().get(pk=template.pk)
    last = template.versions.aggregate(last=Max("number"))["last"] or 0
    version.template = template
    version.number = last + 1
    version.created_by_id = by.pk if by else None
    version.save(force_insert=True)
    for text in texts:
        text.version = version
    TemplateText.objects.bulk_create(texts)
    template.published_version = version
    template.save(update_fields=["published_version", "updated_at"])
    return version


def copied(version: TemplateVersion) -> TemplateVersion:
    """The same content, unsaved. It was checked when it was written."""
    copies = [
        TemplateText(**content_of(text, made=True)) for text in version.further_texts.values()
    ]
    made = TemplateVersion(**copy.deepcopy(content_of(version, made=True)))
    made.unsaved_texts = tuple(copies)
    return made


def roll_back(template: MessageTemplate, version: TemplateVersion, *, by: Actor) -> TemplateVersion:
    """Publish an older version's content again, as the next version.

    Raises TemplateError when the language does not allow it any more, or SystemTemplate.
    """
    if version.template_id != template.pk:
        raise TemplateError(f"{version} is not a version of {template}.")
    current = template.published_version
    if current and is_same(current, version):
        return current
    again = copied(version)
    for position in range(len(again.languages) + 1):
        rendering.compiled_of(again, position)
    return store(template, again, by)


def delete(template: MessageTemplate) -> None:
    """Raises SystemTemplate, or ProtectedError where its versions were sent."""
    if template.is_system:
        raise SystemTemplate(template)
    template.delete()


def warnings(
    template: MessageTemplate, version: TemplateVersion, before: TemplateVersion | None
) -> list[str]:
    """What is allowed and may yet be a mistake: languages and variables that are missing.

    `before` is the version that was published until now.
    """
    found = []
    if before and before.pk != version.pk:
        found += [
            f"{language} was taken out: its readers get {_instead(language, version.languages)}."
            for language in before.languages
            if language not in version.languages
        ]
    for text in version.further_texts.values():
        root = chain(text.language)[-1]
        if root != text.language and root not in version.languages:
            found.append(
                f"There is {text.language} but no {root}: other readers of {root} get "
                "the default text."
            )
        missing = sorted(set(version.variables) - set(text.variables))
        if missing:
            found.append(f"{text.language} does not use {', '.join(missing)}, as the default does.")
        added = sorted(set(text.variables) - set(version.variables))
        if added:
            found.append(f"{text.language} uses {', '.join(added)}, the default does not.")
    return list(dict.fromkeys(found))


def _instead(language: str, offered: Sequence[str]) -> str:
    lower = {name.lower(): name for name in offered}
    return next((lower[tag] for tag in chain(language) if tag in lower), "the default text")
