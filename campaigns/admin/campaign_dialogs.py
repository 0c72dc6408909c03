"""What an operator is shown before a campaign moves: how many, through what, when."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone

from campaigns import preflight, progress
from campaigns.models import Campaign
from campaigns.preflight import Preflight
from omnichannel.admin.base import BaseDialogForm, row_id

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


RUN = {
    "title": "Run this campaign?",
    "description": "Sending begins at once.",
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
CANCEL = {
    "title": "Cancel this campaign?",
    "description": "What is still waiting is never sent. What is sent already stays sent.",
    "form_class": CampaignDialog,
    "form_submit_text": "Cancel the campaign",
}
CLONE = {
    "title": "Clone this campaign?",
    "description": "A new draft with the same template, audience and provider, without dates.",
    "form_class": CampaignDialog,
    "form_submit_text": "Clone",
}
