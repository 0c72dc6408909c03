"""Fields that take a value only in its own JSON type, as the schema says."""

from __future__ import annotations

import datetime
import re
from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from omnichannel.api.filters import MOMENT

TIME = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")


class StrictChar(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBoolean(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictInteger(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictChoice(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        """Its text would do elsewhere: "2" for 2."""
        if data != "" and type(data) not in {type(value) for value in self.choices}:
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class StrictSlug(serializers.SlugField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictDuration(serializers.DurationField):
    def to_internal_value(self, data: Any) -> datetime.timedelta:
        if not isinstance(data, str):
            self.fail("invalid", format="HH:MM:SS")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "pattern": TIME.pattern, "example": "08:00:00"})
class StrictTime(serializers.TimeField):
    """HH:MM:SS, UTC: a zone would be lost."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"format": "%H:%M:%S", **kwargs})

    def to_internal_value(self, value: Any) -> datetime.time:
        if not (isinstance(value, str) and TIME.fullmatch(value)):
            self.fail("invalid", format="HH:MM:SS")
        return super().to_internal_value(value)


class StrictKey(serializers.PrimaryKeyRelatedField):
    """The number of another row."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)


class Object(serializers.DictField):
    """A JSON object whatever its values."""


class StrictMoment(serializers.DateTimeField):
    """With its zone: without one it would be anybody's guess."""

    def to_internal_value(self, value: Any) -> datetime.datetime:
        if not (isinstance(value, str) and MOMENT.fullmatch(value)):
            raise serializers.ValidationError("Give a moment such as 2026-03-02T12:00:00Z.")
        return super().to_internal_value(value)


class StudioModelSerializer(serializers.ModelSerializer[Any]):
    serializer_related_field = StrictKey
    serializer_choice_field = StrictChoice
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: StrictChar,
        models.TextField: StrictChar,
        models.SlugField: StrictSlug,
        models.DurationField: StrictDuration,
        models.TimeField: StrictTime,
        models.DateTimeField: StrictMoment,
        models.BooleanField: StrictBoolean,
        models.BigIntegerField: StrictInteger,
        models.IntegerField: StrictInteger,
        models.PositiveIntegerField: StrictInteger,
        models.PositiveSmallIntegerField: StrictInteger,
        models.SmallIntegerField: StrictInteger,
    }

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        """Only what was given is written: somebody else may be writing the other columns."""
        columns = dict(validated_data)
        many = {field.name for field in instance._meta.many_to_many} & columns.keys()
        rows = {name: columns.pop(name) for name in many}
        for name, value in columns.items():
            setattr(instance, name, value)
        fields = instance._meta.concrete_fields
        stamps = [field.name for field in fields if getattr(field, "auto_now", False)]
        instance.save(update_fields=[*columns, *stamps])
        for name, found in rows.items():
            getattr(instance, name).set(found)
        return instance
