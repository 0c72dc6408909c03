"""A database that is somewhere, as a test says, and one that is held."""

from __future__ import annotations

from omnichannel import installation
from omnichannel.models import Installation
from omnichannel.place import Place
from tests.factories import NOW

HERE = Place("db:5432/studio", {"oid": 1, "name": "studio", "server": "77"}, timeline=1)


def reason() -> str:
    return Installation.objects.get().held_reason


def hold(**values) -> Installation:
    values = {"held_since": NOW, "held_reason": "It was copied.", **values}
    Installation.objects.update_or_create(pk=1, defaults=values)
    installation.changed()
    return Installation.objects.get()
