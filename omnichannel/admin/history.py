from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin

from omnichannel.admin.base import row_id


class HistoryAdmin(SimpleHistoryAdmin):
    """The package's pages; it takes whatever stands in the address for a key."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().history_view(request, str(row_id(object_id)), extra_context)

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        found = (str(row_id(object_id)), str(row_id(version_id)))
        return super().history_form_view(request, *found, extra_context)
