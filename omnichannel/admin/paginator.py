from __future__ import annotations

from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

CAP = 10_000


class CappedPaginator(Paginator):
    """Counts no further than CAP rows, so that a list of millions opens at once.

    What lies beyond is reached by a filter or a search.
    """

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[:CAP].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= CAP
