"""Values that are taken only as the schema says."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from omnichannel.api.fields import StrictKey
from omnichannel.models import Label

MOST_TAGS = 100


class Tags(serializers.ManyRelatedField):
    """Tags by their numbers."""

    def __init__(self, **kwargs: Any) -> None:
        child = StrictKey(queryset=Label.objects.all())
        super().__init__(child_relation=child, required=False, **kwargs)

    def to_internal_value(self, data: Any) -> list[Label]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if len(data) > MOST_TAGS:
            raise serializers.ValidationError(f"Give at most {MOST_TAGS} tags.")
        return list(super().to_internal_value(data))
