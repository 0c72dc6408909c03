"""How many of an audience read a template in which of its languages."""

from __future__ import annotations

from collections import Counter

from django.db.models import CharField, TextField, Value
from django.db.models.expressions import Expression
from django.db.models.functions import Coalesce, NullIf, Substr

from campaigns.recipients import variable
from omnichannel.models import TemplateVersion
from omnichannel.rendering.languages import FIELDS, choose, name_at

LONGEST = 80  # characters, as `languages.wanted` looks at


def written(version: TemplateVersion | None) -> Expression:
    """What a record says its language is; empty when nobody asks for it."""
    if version is None or not version.languages:
        return Value("", output_field=CharField())
    filled = [NullIf(variable(name), Value(""), output_field=TextField()) for name in FIELDS]
    found = Coalesce(*filled, Value(""), output_field=TextField())
    return Substr(found, 1, LONGEST)


class Spoken:
    """Counts readers by the text they get; what they wrote is not kept."""

    def __init__(self, version: TemplateVersion | None) -> None:
        self.offered = version.offered if version else ()
        self.readers: Counter[int] = Counter()

    def add(self, text: object, number: int) -> None:
        self.readers[choose(text if isinstance(text, str) else "", self.offered)] += number

    def by_name(self) -> dict[str, int]:
        """{"default": how many get it, "pt-BR": ...}; empty without further languages."""
        if not self.offered:
            return {}
        positions = range(len(self.offered) + 1)
        return {name_at(self.offered, place): self.readers[place] for place in positions}
