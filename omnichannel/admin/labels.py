from __future__ import annotations

from django.contrib import admin

from omnichannel.admin.base import StudioAdmin
from omnichannel.models import Label


@admin.register(Label)
class LabelAdmin(StudioAdmin):
    list_display = ("name",)
    search_fields = ("name",)
    empty_hint = "Tags group templates, audiences and campaigns. Add the first one."
