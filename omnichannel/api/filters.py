"""Filters, search and ordering that refuse what they do not understand.

A filter that is misspelt and ignored would answer with everything.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.db import models
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.rest_framework.filterset import FILTER_FOR_DBFIELD_DEFAULTS
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
PAGING = {"page", "page_size", "cursor"}


class StrictBooleanField(forms.Field):
    """`true` or `false`; django-filter's own takes any other word for none."""

    def to_python(self, value: Any) -> bool | None:
        if value in self.empty_values:
            return None
        if value not in ("true", "false"):
            raise forms.ValidationError("Give true or false.")
        return bool(value == "true")


class BooleanFilter(django_filters.BooleanFilter):
    field_class = StrictBooleanField


class StrictMomentField(forms.Field):
    """A moment with its zone: without one it would be anybody's guess."""

    def to_python(self, value: Any) -> datetime.datetime | None:
        if value in self.empty_values:
            return None
        try:
            moment = parse_datetime(str(value)) if MOMENT.fullmatch(str(value)) else None
            # PostgreSQL knows no zone that is sixteen hours off.
            moment = moment and moment.astimezone(datetime.UTC)
        except (ValueError, OverflowError):
            moment = None
        if moment is None:
            raise forms.ValidationError("Give a moment such as 2026-03-02T12:00:00Z.")
        return moment


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = StrictMomentField


class StudioFilterSet(django_filters.rest_framework.FilterSet):
    FILTER_DEFAULTS = {
        **FILTER_FOR_DBFIELD_DEFAULTS,
        models.BooleanField: {"filter_class": BooleanFilter},
        models.DateTimeField: {"filter_class": MomentFilter},
    }


class Filters(DjangoFilterBackend):
    filterset_base = StudioFilterSet

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        self._refuse_unknown(request, queryset, view)
        return super().filter_queryset(request, queryset, view)

    def _refuse_unknown(self, request: Request, queryset: QuerySet[Any], view: APIView) -> None:
        if getattr(view, "detail", False):
            return
        filterset = self.get_filterset_class(view, queryset)
        known = set(filterset.base_filters) if filterset else set()
        if empty := sorted(name for name in known if request.query_params.get(name) == ""):
            raise ValidationError({name: ["Give a value, or leave it out."] for name in empty})
        known |= PAGING | {Search.search_param, Ordering.ordering_param}
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise ValidationError({name: ["There is no such parameter."] for name in unknown})


class Search(SearchFilter):
    """`search`, in the view's `search_fields`."""


class Ordering(OrderingFilter):
    """`ordering`, by the view's `ordering_fields`."""

    def remove_invalid_fields(
        self, queryset: Any, fields: Iterable[str], view: APIView, request: Request
    ) -> list[str]:
        asked = list(fields)
        valid = list(super().remove_invalid_fields(queryset, asked, view, request))
        if unknown := [field for field in asked if field not in valid]:
            raise ValidationError({self.ordering_param: [f"Not a field to order by: {unknown[0]}"]})
        return valid

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        names = [re.escape(str(name)) for name in getattr(view, "ordering_fields", None) or ()]
        one = f"-?({'|'.join(names)})"
        for parameter in parameters:
            parameter["description"] = "Fields with commas between, - before one for descending."
            parameter["schema"]["pattern"] = f"^({one}(,{one})*)?$"
        return parameters
