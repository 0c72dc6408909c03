from __future__ import annotations

from typing import Any

from rest_framework import serializers

from campaigns.models import Holiday, HolidayCalendar
from omnichannel.api.fields import StudioModelSerializer
from omnichannel.api.resource import ReadOnlyResource
from omnichannel.choices import Scope


class HolidaySerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = Holiday
        fields = ("date", "name", "is_yearly")


class CalendarSerializer(StudioModelSerializer):
    weekend = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6),
        help_text="Weekend days, from 0 (Monday) to 6 (Sunday).",
    )
    holidays = HolidaySerializer(many=True)

    class Meta:
        model = HolidayCalendar
        fields = ("id", "name", "country", "time_zone", "weekend", "holidays")


class Calendars(ReadOnlyResource):
    """Days on which campaigns may wait."""

    queryset = HolidayCalendar.objects.prefetch_related("holidays").order_by("id")
    serializer_class = CalendarSerializer
    write_scope = Scope.CAMPAIGN
    filterset_fields = ("name", "country")
    search_fields = ("name", "country")
    ordering_fields = ("id", "name")
