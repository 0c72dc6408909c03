"""The fixed addresses of templates, as what is held on a person."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Q

from omnichannel import publishing
from omnichannel.addresses import split_addresses
from omnichannel.models import MessageTemplate, TemplateVersion
from omnichannel.people import Address, Holding
from omnichannel.version_content import ADDRESSES


def _naming(address: Address) -> list[TemplateVersion]:
    """The versions that send copies to it."""
    mine = Q()
    for name in ADDRESSES:
        mine |= Q(**{f"{name}__icontains": address.text})
    rows = TemplateVersion.objects.filter(mine).select_related("template").order_by("pk")
    return [row for row in rows if _without(row, address) != _fixed(row)]


def _fixed(version: TemplateVersion) -> dict[str, str]:
    return {name: getattr(version, name) for name in ADDRESSES}


def _without(version: TemplateVersion, address: Address) -> dict[str, str]:
    return {
        name: "; ".join(each for each in split_addresses(text) if each.lower() != address.text)
        for name, text in _fixed(version).items()
    }


def _erase(address: Address, at: datetime.datetime) -> int:
    """Out of every version. Versions are kept at hand as they are: a published one gets a
    successor, so that nothing new is sent by it.
    """
    done = 0
    for version in _naming(address):
        kept = _without(version, address)
        rows = TemplateVersion.objects.filter(pk=version.pk, **_fixed(version))
        with transaction.atomic():
            if rows.update(**kept):
                done += 1
                _succeed(version, kept)
    return done


def _succeed(version: TemplateVersion, kept: dict[str, str]) -> None:
    template = MessageTemplate.objects.select_for_update().get(pk=version.template_id)
    if template.published_version_id == version.pk:
        successor = publishing.copied(version)
        for name, text in kept.items():
            setattr(successor, name, text)
        publishing.put(template, successor, None)


def _export(address: Address) -> Iterator[dict[str, Any]]:
    for version in _naming(address):
        named = [
            name
            for name, text in _fixed(version).items()
            if address.text in map(str.lower, split_addresses(text))
        ]
        yield {"template": version.template.name, "version": version.number, "as": named}


copied_by_templates = Holding(
    name="template_versions",
    label="template version",
    count=lambda address: len(_naming(address)),
    export=_export,
    erase=_erase,
)
