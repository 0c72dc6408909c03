"""What an operator is shown before a campaign moves: how many, through what, when."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import cached_property

from campaigns import preflight, progress, resending
from campaigns.models import Campaign, CampaignRun
from campaigns.preflight import Preflight
from omnichannel.admin.base import (
    BaseDialogForm,
    DestructiveDialog,
    UnfoldBooleanSwitchWidget,
    row_id,
)

NO_START = "Enter a start date in the future first, or run the campaign now."


class CampaignDialog(BaseDialogForm):
    """A question about one campaign."""

    form_before_template = "admin/campaigns/campaign_dialog.html"

    @property
    def campaign(self) -> Campaign:
        return get_object_or_404(Campaign, pk=row_id(self.object_id))

    def get_before_template_context(
        self, request: Any, object_id: int | str | None = None
    ) -> dict[str, Any]:
        campaign = self.campaign
        return {"campaign": campaign, **self.facts(campaign)}

    def facts(self, campaign: Campaign) -> dict[str, Any]:
        """What is under way, for the questions about a run."""
        run = campaign.latest_run()
        if run is None or campaign.is_editable:
            return {}
        return {"run": run, "figures": progress.recent_figures(run)}


class CancelDialog(DestructiveDialog, CampaignDialog):
    pass


class StartDialog(CampaignDialog):
    """Stays open, with the reasons, while the campaign has problems."""

    def moment(self, campaign: Campaign) -> datetime.datetime:
        return timezone.now()

    def preflight(self, campaign: Campaign) -> Preflight:
        return preflight.check(campaign, self.moment(campaign))

    def clean(self) -> dict[str, Any] | None:
        campaign = self.campaign
        problems = preflight.quick_check(campaign, self.moment(campaign)).problems
        if problems:
            raise ValidationError(problems)
        return super().clean()

    def facts(self, campaign: Campaign) -> dict[str, Any]:
        found = self.preflight(campaign)
        rate = campaign.rate_limit or (found.provider and found.provider.rate_limit)
        takes = datetime.timedelta(seconds=found.recipients // rate) if rate else None
        return {"found": found, "takes": takes, "rate": rate, "now": timezone.now()}


class RunDialog(StartDialog):
    def preflight(self, campaign: Campaign) -> Preflight:
        found = super().preflight(campaign)
        if campaign.starts_at and campaign.starts_at > timezone.now():
            found.warnings.append(
                f"The start date {campaign.starts_at:%Y-%m-%d %H:%M} UTC is passed over: sending "
                "begins now. Schedule the campaign to wait for it."
            )
        return found


class ScheduleDialog(StartDialog):
    def moment(self, campaign: Campaign) -> datetime.datetime:
        return max(campaign.starts_at or timezone.now(), timezone.now())

    def preflight(self, campaign: Campaign) -> Preflight:
        found = super().preflight(campaign)
        if not self.has_start(campaign):
            found.problems.insert(0, NO_START)
        return found

    def has_start(self, campaign: Campaign) -> bool:
        return campaign.starts_at is not None and campaign.starts_at > timezone.now()

    def clean(self) -> dict[str, Any] | None:
        if not self.has_start(self.campaign):
            raise ValidationError(NO_START)
        return super().clean()


class ResendDialog(CampaignDialog):
    """Who of the last run may be written to again, and whether the uncertain are among them."""

    uncertain = forms.BooleanField(
        label="Uncertain ones, too",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Nobody knows whether they arrived: these may get the message twice.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.counted.get("uncertain"):
            del self.fields["uncertain"]

    @cached_property
    def counted(self) -> dict[str, int]:
        """{status: how many may be sent again, "unfit": how many may not}."""
        run, at = self.campaign.latest_run(), timezone.now()
        if run is None:
            return {}
        fit = {str(status): _count(run, status, at) for status in resending.chosen(True)}
        failed = progress.recent_figures(run).failed
        return {**fit, "unfit": max(0, failed - fit["failed"])}

    @property
    def with_uncertain(self) -> bool:
        return bool(self.cleaned_data.get("uncertain"))

    def facts(self, campaign: Campaign) -> dict[str, Any]:
        return {"run": campaign.latest_run(), "again": self.counted}


def _count(run: CampaignRun, status: str, at: datetime.datetime) -> int:
    return resending.sendable(run.job, status, at).order_by().count()


def has_unreached(run: CampaignRun) -> bool:
    """Is there somebody to send to again? Asked for every page of the campaign."""
    at = timezone.now()
    rows = (resending.sendable(run.job, status, at) for status in resending.chosen(True))
    return any(found.exists() for found in rows)


RUN = {
    "title": "Run this campaign?",
    "description": "Sending begins as soon as it may.",
    "form_class": RunDialog,
    "form_submit_text": "Run now",
}
SCHEDULE = {
    "title": "Schedule this campaign?",
    "description": "It starts by itself at its start date, with the audience as it is then.",
    "form_class": ScheduleDialog,
    "form_submit_text": "Schedule",
}
PAUSE = {
    "title": "Pause this campaign?",
    "description": "Sending stops within two seconds. Resume sends exactly the rest.",
    "form_class": CampaignDialog,
    "form_submit_text": "Pause sending",
}
RESUME = {
    "title": "Resume this campaign?",
    "description": "What is still waiting is sent.",
    "form_class": CampaignDialog,
    "form_submit_text": "Resume sending",
}
RESEND = {
    "title": "Send again to those who failed?",
    "description": "The campaign runs until they are through. Nobody else gets the message again.",
    "form_class": ResendDialog,
    "form_submit_text": "Send again",
}
CANCEL = {
    "title": "Cancel this campaign?",
    "description": "What is still waiting is never sent. What is sent already stays sent.",
    "form_class": CancelDialog,
    "form_submit_text": "Cancel the campaign",
}
CLONE = {
    "title": "Clone this campaign?",
    "description": "A new draft with the same template, audience and provider, without dates.",
    "form_class": CampaignDialog,
    "form_submit_text": "Clone",
}
