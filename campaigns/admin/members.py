"""The records of an audience: to look at, to search, to delete one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from campaigns.members import remove_members, starting_with
from campaigns.models import Audience, AudienceMember
from omnichannel.admin.base import StudioAdmin, display, row_id
from omnichannel.admin.paginator import CappedPaginator

AUDIENCE = "audience__id__exact"


@admin.register(AudienceMember)
class AudienceMemberAdmin(StudioAdmin):
    list_display = ("key", "email", "phone", "values")
    list_display_links = ("key",)
    list_select_related = ("audience",)
    search_fields = ("key",)
    search_help_text = "The beginning of an e-mail address, a phone number or the key."
    ordering = ("id",)
    sortable_by = ()
    paginator = CappedPaginator
    list_disable_select_all = True
    list_before_template = "admin/campaigns/audience_of_members.html"
    fieldsets = ((None, {"fields": ("audience", "key", "email", "phone", "variables")}),)

    @display(description="Values")
    def values(self, row: AudienceMember) -> str:
        pairs = [f"{name}: {value}" for name, value in list(row.variables.items())[:5]]
        return ", ".join(pairs)[:160] or "-"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        wanted = request.GET.get(AUDIENCE, "")
        audience = Audience.objects.filter(pk=row_id(wanted or 0)).first()
        if audience is None:
            messages.info(request, "Choose the audience whose records you want to see.")
            return redirect("admin:campaigns_audience_changelist")
        context = {"title": f"Records of {audience}", "audience": audience}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AudienceMember], search_term: str
    ) -> tuple[QuerySet[AudienceMember], bool]:
        return (starting_with(queryset, search_term) if search_term else queryset), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: AudienceMember) -> None:
        self.delete_queryset(request, AudienceMember.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AudienceMember]) -> None:
        remove_members(queryset)
