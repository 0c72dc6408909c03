from __future__ import annotations

from omnichannel.api.fields import StudioModelSerializer
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope
from omnichannel.models import Label


class LabelSerializer(StudioModelSerializer):
    class Meta:
        model = Label
        fields = ("id", "name")


class Labels(Resource):
    """Tags, which group templates, audiences and campaigns."""

    queryset = Label.objects.order_by("name")
    serializer_class = LabelSerializer
    write_scope = Scope.CONTENT
    filterset_fields = ("name",)
    search_fields = ("name",)
    ordering_fields = ("id", "name")
