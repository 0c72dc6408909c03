"""Lifting suppressions: one by a dialog, many by a page that counts first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from omnichannel import suppressions
from omnichannel.admin.base import ActionVariant, action, row_id
from omnichannel.admin.suppression_forms import SURE, LiftForm
from omnichannel.admin.table_pages import TablePages
from omnichannel.choices import SuppressionReason
from omnichannel.models import Suppression

LIFT_DIALOG = {
    "title": "Lift this suppression?",
    "description": "The address may be written to again, unless another suppression bars it. "
    "The row stays, marked as lifted.",
    "form_class": LiftForm,
    "form_submit_text": "Lift",
}
LOGGED = 1_000  # log rows of one statement


class Lifting(TablePages):
    """Needs the permission to change suppressions."""

    def has_lift_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("omnichannel.change_suppression"):
            return False
        if request.method == "POST" or not object_id:
            return True
        return Suppression.objects.in_force().filter(pk=row_id(object_id)).exists()

    @action(
        description="Lift",
        icon="lock_open",
        permissions=["lift"],
        variant=ActionVariant.WARNING,
        dialog=LIFT_DIALOG,
    )
    def lift(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = get_object_or_404(Suppression, pk=row_id(object_id))
        page = reverse("admin:omnichannel_suppression_change", args=(row.pk,))
        if not suppressions.lift_rows(Suppression.objects.filter(pk=row.pk), at=timezone.now()):
            messages.warning(request, "Nothing was changed: it is not in force any more.")
            return self.go(page)
        self.log_change(request, row, f"Lifted ({row.get_reason_display().lower()}).")
        return self.done(request, f"The suppression of {row.address} was lifted.", page)

    @admin.action(description="Lift", permissions=["lift"])
    def lift_selected(
        self, request: HttpRequest, queryset: QuerySet[Suppression]
    ) -> HttpResponse | None:
        chosen = Suppression.objects.filter(pk__in=queryset.order_by().values("pk")).in_force()
        by_reason = dict(chosen.order_by().values_list("reason").annotate(n=Count("pk")))
        strict = sum(by_reason.get(reason, 0) for reason in SuppressionReason.strict())
        is_sure = request.POST.get("sure") == "on" or not strict
        if request.POST.get("confirmed") != "yes" or not is_sure:
            return self._ask(request, by_reason, strict)
        self._log_lifting(request, chosen)
        count = suppressions.lift_rows(chosen, at=timezone.now())
        messages.success(request, f"{count:,} suppression{'' if count == 1 else 's'} lifted.")
        return None

    def _ask(
        self, request: HttpRequest, by_reason: dict[str, int], strict: int
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Lift suppressions",
            "lines": [(SuppressionReason(reason).label, n) for reason, n in by_reason.items()],
            "count": sum(by_reason.values()),
            "strict": strict,
            "sure": SURE,
            "is_unsure": request.POST.get("confirmed") == "yes",
            "back": request.get_full_path(),
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/omnichannel/lift_suppressions.html", context)

    def _log_lifting(self, request: HttpRequest, chosen: QuerySet[Suppression]) -> None:
        kind = ContentType.objects.get_for_model(Suppression)
        rows = chosen.values_list("pk", "address", "reason")
        LogEntry.objects.bulk_create(
            [
                LogEntry(
                    user_id=str(request.user.pk),
                    content_type=kind,
                    object_id=str(pk),
                    object_repr=address[:200],
                    action_flag=CHANGE,
                    change_message=f"Lifted ({SuppressionReason(reason).label.lower()}).",
                )
                for pk, address, reason in rows
            ],
            batch_size=LOGGED,
        )
