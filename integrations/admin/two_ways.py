from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from omnichannel.admin.base import DropdownFilter


class TwoWaysFilter(DropdownFilter):
    """One or the other. `ways`: {the word in the address: (what operators read, the condition)}."""

    ways: ClassVar[dict[str, tuple[str, Q]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, label) for word, (label, _) in self.ways.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = self.ways.get(self.value() or "")
        return queryset.filter(found[1]) if found else queryset
