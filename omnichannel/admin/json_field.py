"""JSON as operators type it: whatever it is, it is answered with a fault at the field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

MOST = 200_000  # characters that are looked at


class JsonField(forms.JSONField):
    def bound_data(self, data: Any, initial: Any) -> Any:
        return data  # as it was typed

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > MOST:
            raise ValidationError(f"It is longer than {MOST:,} characters.")
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise ValidationError("It is nested too deeply.") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except RecursionError:
            return True
