from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.history import HistoryAdmin
from omnichannel.models import ProviderRoute
from omnichannel.provider_rules import check_carries, check_prefix


class ProviderRouteForm(forms.ModelForm):
    class Meta:
        model = ProviderRoute
        fields = (
            "channel_type",
            "category",
            "country_prefix",
            "provider",
            "priority",
            "weight",
            "is_active",
        )

    def clean_country_prefix(self) -> str:
        return check_prefix(self.cleaned_data["country_prefix"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        provider, channel_type = cleaned.get("provider"), cleaned.get("channel_type")
        if provider and channel_type:
            try:
                check_carries(provider, channel_type, "this channel")
            except forms.ValidationError as error:
                self.add_error("provider", error)
        return cleaned


@admin.register(ProviderRoute)
class ProviderRouteAdmin(HistoryAdmin, StudioAdmin):
    form = ProviderRouteForm
    list_display = (
        "category",
        "channel_type",
        "country_prefix",
        "provider",
        "priority",
        "weight",
        "is_active",
    )
    list_display_links = ("category", "channel_type")
    list_filter = ("channel_type", "category", "is_active", "provider")
    list_select_related = ("provider",)
    search_fields = ("provider__name", "country_prefix")
    empty_hint = (
        "A default provider sends the messages for which nobody chose one. "
        "Add one for each channel and category you use."
    )

    def delete_model(self, request: HttpRequest, obj: ProviderRoute) -> None:
        super().delete_model(request, obj)
        warn_of_gaps(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProviderRoute]) -> None:
        routes = list(queryset)
        super().delete_queryset(request, queryset)
        warn_of_gaps(request, routes)

    def save_model(
        self, request: HttpRequest, obj: ProviderRoute, form: forms.ModelForm, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            warn_of_gaps(request, [obj])


def warn_of_gaps(request: HttpRequest, routes: list[ProviderRoute]) -> None:
    """Say for which channels and categories no default provider is left."""
    left = set(ProviderRoute.objects.filter(is_active=True).values_list("channel_type", "category"))
    gaps = {
        f"{route.get_channel_type_display()}, {route.get_category_display()}"
        for route in routes
        if (route.channel_type, route.category) not in left
    }
    for gap in sorted(gaps):
        messages.warning(
            request,
            f"{gap}: no default provider is left. Messages without a provider of their own "
            "are refused until you add one.",
        )
