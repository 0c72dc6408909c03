from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.validators import UniqueValidator

from omnichannel.api.fields import StrictChar, StudioModelSerializer
from omnichannel.api.problems import Conflict
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope
from omnichannel.models import GlobalVariable
from omnichannel.variables import KEY, READ_ONLY, check_key


class VariableSerializer(StudioModelSerializer):
    key = StrictChar(max_length=60, validators=[KEY, UniqueValidator(GlobalVariable.objects.all())])

    class Meta:
        model = GlobalVariable
        fields = ("id", "key", "value", "description", "is_read_only")
        read_only_fields = ("is_read_only",)

    def validate_key(self, key: str) -> str:
        if key != getattr(self.instance, "key", None):
            check_key(key)
        return key

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Of the read-only set, the value can be changed and nothing else."""
        row = self.instance
        if row is not None and row.is_read_only:
            changed = [
                name for name in attrs if name != "value" and attrs[name] != getattr(row, name)
            ]
            if changed:
                text = "This variable belongs to the read-only set: only its value can be changed."
                raise ValidationError({name: [text] for name in changed})
        return attrs


class Variables(Resource):
    """Values that every template may use as `global.<key>`.

    Of the read-only set, the value can be changed and nothing else; none can be added or deleted.
    """

    queryset = GlobalVariable.objects.order_by("id")
    serializer_class = VariableSerializer
    write_scope = Scope.CONTENT
    filterset_fields = ("key", "is_read_only")
    search_fields = ("key", "value", "description")
    ordering_fields = ("id", "key")

    def perform_destroy(self, instance: GlobalVariable) -> None:
        if instance.key in READ_ONLY or instance.is_read_only:
            raise Conflict("This variable belongs to the read-only set: it cannot be deleted.")
        super().perform_destroy(instance)
