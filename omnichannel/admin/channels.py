from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpRequest

from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.deletion import KeptByMessages
from omnichannel.admin.history import HistoryAdmin
from omnichannel.models import Channel
from omnichannel.provider_rules import CARRIER, check_carries


class ChannelForm(forms.ModelForm):
    class Meta:
        model = Channel
        fields = (
            "name",
            "code",
            "default_action_type",
            "bus_channel",
            "bus_provider",
            "extended_properties_model",
            "is_active",
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        provider, carried = cleaned.get("bus_provider"), cleaned.get("bus_channel")
        if provider and carried:
            try:
                check_carries(provider, carried, CARRIER)
            except forms.ValidationError as error:
                self.add_error("bus_provider", error)
        return cleaned


@admin.register(Channel)
class ChannelAdmin(KeptByMessages, HistoryAdmin, StudioAdmin):
    message_field = "channel"
    form = ChannelForm
    list_display = (
        "name",
        "code",
        "default_action_type",
        "bus_channel",
        "bus_provider",
        "is_active",
    )
    list_filter = ("bus_channel", "is_active")
    list_select_related = ("bus_provider",)
    search_fields = ("name", "code")
    prepopulated_fields = {"code": ("name",)}
    empty_hint = "A channel is what an operator sends on: give it a transport and a provider."
    fieldsets = (
        (None, {"fields": ("name", "code", "default_action_type", "is_active")}),
        ("Transport", {"fields": ("bus_channel", "bus_provider")}),
        ("Extended properties", {"fields": ("extended_properties_model",)}),
    )

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        if db_field.name == "extended_properties_model":
            kwargs["queryset"] = ContentType.objects.order_by("app_label", "model")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
