"""Lists in pages: by number for what an operator keeps, by cursor for logs that grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView

SIZE = 50
LARGEST = 200


def size_of(request: Request) -> int:
    text = request.query_params.get("page_size", str(SIZE))
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= LARGEST):
        raise ValidationError({"page_size": [f"Give a number from 1 to {LARGEST}."]})
    return int(text)


def bounded(parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell in the schema what `size_of` accepts."""
    for parameter in parameters:
        if parameter["name"] == "page_size":
            parameter["schema"] |= {"minimum": 1, "maximum": LARGEST, "default": SIZE}
        if parameter["name"] == "page":
            parameter["schema"] |= {"minimum": 1}
    return parameters


class Pages(PageNumberPagination):
    """`page` and `page_size`; answers count, next, previous, results."""

    page_size = SIZE
    page_size_query_param = "page_size"
    max_page_size = LARGEST
    last_page_strings = ()

    def get_page_size(self, request: Request) -> int:
        return size_of(request)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return bounded(super().get_schema_operation_parameters(view))


class Log(CursorPagination):
    """`cursor` and `page_size`; answers next, previous, results, however long the log is."""

    page_size = SIZE
    page_size_query_param = "page_size"
    max_page_size = LARGEST
    ordering = "-id"

    def get_page_size(self, request: Request) -> int:
        return size_of(request)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return bounded(super().get_schema_operation_parameters(view))

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        self.model = queryset.model
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises NotFound for a cursor that was not ours: its position goes into a query."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            name = self.ordering if isinstance(self.ordering, str) else self.ordering[0]
            try:
                self.model._meta.get_field(name.lstrip("-")).to_python(cursor.position)
            except DjangoValidationError as error:
                raise NotFound(self.invalid_cursor_message) from error
        return cursor
