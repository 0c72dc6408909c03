from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import ForeignKey, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from campaigns import drafting, resending, runner
from campaigns.admin import campaign_dialogs as dialogs
from campaigns.admin.campaign_form import ByChannelSelect, CampaignForm
from campaigns.admin.live import LivePages
from campaigns.admin.report_pages import ReportPages
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, CampaignRun
from omnichannel.admin.base import (
    ActionVariant,
    BaseDialogForm,
    StudioAdmin,
    action,
    display,
    row_id,
)
from omnichannel.exceptions import OmnichannelError

COLOURS = {
    CampaignStatus.SCHEDULED: "warning",
    CampaignStatus.RUNNING: "info",
    CampaignStatus.PAUSED: "warning",
    CampaignStatus.FINISHED: "success",
    CampaignStatus.CANCELLED: "danger",
}
LAUNCH = ("launch",)
SHOWN = ("live", "report")  # once it has run
STEPS: dict[str, tuple[str, ...]] = {
    CampaignStatus.DRAFT: ("run", "schedule"),
    CampaignStatus.SCHEDULED: ("run", "cancel"),
    CampaignStatus.RUNNING: ("pause", "resend", "cancel"),
    CampaignStatus.PAUSED: ("resume", "resend", "cancel"),
    CampaignStatus.FINISHED: ("run", "resend", "schedule"),
    CampaignStatus.CANCELLED: ("run", "schedule"),
}


@admin.register(Campaign)
class CampaignAdmin(LivePages, ReportPages, StudioAdmin):
    form = CampaignForm
    list_display = ("name", "state", "channel_type", "audience", "progress", "starts_at", "created")
    list_filter = ("status", "channel_type", "tags")
    list_select_related = ("audience",)
    search_fields = ("name", "identifier", "description")
    prepopulated_fields = {"identifier": ("name",)}
    autocomplete_fields = ("tags", "audience")
    change_form_outer_before_template = "admin/campaigns/campaign_state.html"
    empty_hint = "A campaign sends one template to one audience. Add the first one."
    fieldsets = (
        (None, {"fields": (("name", "identifier"), "description", "tags")}),
        ("What", {"fields": ("channel_type", "template", ("provider", "from_address"))}),
        ("To whom", {"fields": ("audience", "recipient_column", "needs_consent")}),
        ("When", {"fields": ("starts_at", "ends_at", ("priority", "rate_limit"))}),
        (
            "Days",
            {
                "fields": (
                    "calendar",
                    ("on_weekends", "on_holidays"),
                    ("max_delay_days", "is_cap_exempt"),
                )
            },
        ),
    )
    actions_detail = (*SHOWN, "run", "schedule", "pause", "resume", "resend", "cancel", "clone")
    actions_row = SHOWN

    class Media:
        js = ("studio/campaign.js",)
        css = {"all": ("studio/campaign.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        runs = CampaignRun.objects.filter(campaign=OuterRef("pk")).order_by("-id").with_figures()
        last = {name: Subquery(runs.values(name)[:1]) for name in ("whom", "waiting")}
        return super().get_queryset(request).annotate(**last)

    @display(description="status", ordering="status", label=COLOURS)
    def state(self, obj: Campaign) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description="created", ordering="created_at")
    def created(self, obj: Campaign) -> str:
        return f"{obj.created_at:%Y-%m-%d}"

    @display(description="progress")
    def progress(self, obj: Any) -> str:
        if obj.whom is None:
            return "not run yet"
        done = 0 if obj.waiting is None else max(0, obj.whom - obj.waiting)
        text = "starting" if obj.waiting is None else f"{done:,} of {obj.whom:,}"
        return format_html(
            '<a class="campaign-mini" href="{}"><progress max="100" value="{}"></progress>{}</a>',
            self.live_url(obj.pk),
            100 * done // max(1, obj.whom),
            text,
        )

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in ("template", "provider"):
            kwargs["widget"] = ByChannelSelect()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
            super().save_model(request, obj, form, change)
            return
        # The status may move while the form is open: only what the form holds is written.
        obj.save(update_fields=[*(n for n in form.changed_data if n != "tags"), "updated_at"])

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or obj.is_editable)

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and (obj is None or obj.is_editable)

    def has_launch_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("campaigns.launch_campaign")

    def has_clone_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return self.has_add_permission(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No deletion in bulk: it could not tell a running campaign from a draft."""
        found: dict[str, Any] = super().get_actions(request)
        found.pop("delete_selected", None)
        return found

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        if request.method == "POST" and campaign is not None and not campaign.is_editable:
            messages.error(request, drafting.locked(campaign))
            return HttpResponseRedirect(request.path)
        return super().change_view(request, object_id, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/live/", view(self.live_page), name="campaign_live"),
            path("<int:pk>/live/panel/", view(self.live_panel), name="campaign_live_panel"),
            path("<int:pk>/live/chart/", view(self.live_chart), name="campaign_live_chart"),
        ]
        return own + self.report_urls() + super().get_urls()

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only the steps that the campaign's state allows."""
        campaign = get_object_or_404(Campaign, pk=row_id(object_id))
        run = campaign.latest_run()
        allowed = {*STEPS[campaign.status], "clone", *(SHOWN if run else ())}
        if run is None or not dialogs.has_unreached(run):
            allowed.discard("resend")
        found = super().get_actions_detail(request, object_id)
        return [step for step in found if step.action_name.rsplit("_", 1)[1] in allowed]

    @action(description="Live", icon="monitoring", url_path="open-live")
    def live(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return HttpResponseRedirect(self.live_url(row_id(object_id)))

    @action(
        description="Run",
        icon="play_arrow",
        permissions=LAUNCH,
        variant=ActionVariant.PRIMARY,
        dialog=dialogs.RUN,
    )
    def run(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        return self._step(
            request,
            object_id,
            lambda campaign: runner.start(campaign, by=request.user, at=timezone.now()),
            "{} is running.",
        )

    @action(description="Schedule", icon="schedule", permissions=LAUNCH, dialog=dialogs.SCHEDULE)
    def schedule(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        url = reverse("admin:campaigns_campaign_change", args=(object_id,))
        return self._step(
            request,
            object_id,
            lambda campaign: runner.schedule(campaign, at=timezone.now()),
            "{} is scheduled.",
            url=url,
        )

    @action(description="Pause", icon="pause", permissions=LAUNCH, dialog=dialogs.PAUSE)
    def pause(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        return self._step(
            request,
            object_id,
            lambda campaign: runner.pause(campaign, at=timezone.now()),
            "{} is paused.",
        )

    @action(
        description="Resume",
        icon="play_arrow",
        permissions=LAUNCH,
        variant=ActionVariant.PRIMARY,
        dialog=dialogs.RESUME,
    )
    def resume(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        return self._step(
            request,
            object_id,
            lambda campaign: runner.resume(campaign, at=timezone.now()),
            "{} is running again.",
        )

    @action(
        description="Send again to the failed",
        icon="replay",
        permissions=LAUNCH,
        dialog=dialogs.RESEND,
    )
    def resend(
        self, request: HttpRequest, form: dialogs.ResendDialog, object_id: int
    ) -> HttpResponse:
        return self._step(
            request,
            object_id,
            lambda campaign: resending.ask(
                campaign, uncertain=form.with_uncertain, at=timezone.now()
            ),
            "{} sends again: {:,} messages.",
        )

    @action(
        description="Cancel",
        icon="cancel",
        permissions=LAUNCH,
        variant=ActionVariant.DANGER,
        dialog=dialogs.CANCEL,
    )
    def cancel(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        return self._step(
            request,
            object_id,
            lambda campaign: runner.cancel(campaign, at=timezone.now()),
            "{} is cancelled.",
        )

    @action(
        description="Clone",
        icon="content_copy",
        permissions=("clone",),
        dialog=dialogs.CLONE,
    )
    def clone(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=row_id(object_id))
        copy = runner.clone(campaign, by=request.user)
        url = reverse("admin:campaigns_campaign_change", args=(copy.pk,))
        return self.done(request, f"{copy} is a new draft.", url)

    def _step(
        self,
        request: HttpRequest,
        object_id: int,
        move: Callable[[Campaign], object],
        text: str,
        *,
        url: str = "",
    ) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=row_id(object_id))
        target = url or self.live_url(object_id)
        try:
            result = move(campaign)
        except OmnichannelError as error:
            return self.refuse(request, error, target)
        told = text.format(campaign, result)
        self.log_change(request, campaign, told)
        return self.done(request, told, target)
