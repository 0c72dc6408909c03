"""Lists of messages: by filter, newest first, through `reports`, which never counts the table.

A page may be short though more follows: its time was up. `next` goes on from there.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from omnichannel import reports
from omnichannel.api.fields import StrictMoment
from omnichannel.api.paging import LARGEST, SIZE, size_of
from omnichannel.choices import Category, ChannelType, MessageStatus
from omnichannel.reports import Cursor, Wanted

LARGEST_ID = 2**63 - 1
STATUS_WORDS = (*MessageStatus.values, *reports.GROUPS)
CURSOR_HELP = "Where the page begins: take it from `next` or `previous`."


class Id(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, required=False, **options)


class Query(serializers.Serializer[Any]):
    """The filters of the communication report."""

    status = serializers.ChoiceField(
        STATUS_WORDS, required=False, help_text="One status, or a group of them."
    )
    channel_type = serializers.ChoiceField(ChannelType.choices, required=False)
    category = serializers.ChoiceField(Category.choices, required=False)
    channel = Id(help_text="Id of a Communication Channel.")
    provider = Id()
    template = Id()
    job = Id()
    campaign = Id(help_text="All jobs of one campaign.")
    to_address = serializers.CharField(
        max_length=320, required=False, help_text="One whole address, in any case."
    )
    error_code = serializers.CharField(max_length=60, required=False)
    since = StrictMoment(required=False, help_text="Queued at or after.")
    until = StrictMoment(required=False, help_text="Queued before.")

    def wanted(self) -> Wanted:
        """What the valid query asks for."""
        found = self.validated_data
        status, campaign = found.get("status", ""), found.get("campaign")
        return Wanted(
            channel_type=found.get("channel_type", ""),
            address=found.get("to_address", ""),
            statuses=reports.GROUPS.get(status, (status,) if status else ()),
            since=found.get("since"),
            until=found.get("until"),
            template=found.get("template"),
            job=found.get("job"),
            source="campaign" if campaign else "",
            reference=str(campaign or ""),
            provider=found.get("provider"),
            channel=found.get("channel"),
            category=found.get("category", ""),
            error_code=found.get("error_code", ""),
        )


class Walked(BasePagination):
    def find(self, request: Request) -> reports.Page:
        """The page that the request asks for. Raises ValidationError, TooSlow."""
        self.request = request
        given = request.query_params
        unknown = sorted(set(given) - Query().fields.keys() - {"cursor", "page_size"})
        if unknown:
            raise ValidationError({name: ["There is no such parameter."] for name in unknown})
        query = Query(data={name: given[name] for name in given})
        query.is_valid(raise_exception=True)
        self.page = reports.page(query.wanted(), _cursor(request), size=size_of(request))
        return self.page

    def get_paginated_response(self, data: Any) -> Response:
        older = self.page.older if self.page.older is not None else self.page.searched_to
        newer = self.page.newer
        return Response(
            {
                "next": self._link(older),
                "previous": None if newer is None else self._link(-newer),
                "results": data,
            }
        )

    def _link(self, cursor: int | None) -> str | None:
        if cursor is None:
            return None
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        whole = {"type": "integer"}
        size = {**whole, "minimum": 1, "maximum": LARGEST, "default": SIZE}
        return [
            {"name": "cursor", "in": "query", "description": CURSOR_HELP, "schema": whole},
            {"name": "page_size", "in": "query", "schema": size},
        ]


def _cursor(request: Request) -> Cursor | None:
    """A page's cursor is an id: below it, or (with a minus) above it."""
    text = request.query_params.get("cursor")
    if text is None:
        return None
    number = text.removeprefix("-")
    if not (
        number.isascii() and number.isdigit() and len(number) < 20 and int(number) <= LARGEST_ID
    ):
        raise ValidationError({"cursor": [CURSOR_HELP]})
    return Cursor(int(number), is_newer=text.startswith("-"))
