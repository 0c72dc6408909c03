"""Tables of partners become audiences: the way from SFTP to campaigns.

    {"audience": "Customers", "mode": "upsert", "campaign": 12}

`audience` is its name, and one that is not there is made. `mode` is how the file is joined with
what is there. `campaign` is the id of a draft to be started as soon as the file is imported.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile

from campaigns import audience_import, uploading
from campaigns.choices import CampaignStatus, ImportMode
from campaigns.import_preview import preview
from campaigns.import_run import drop_file
from campaigns.models import Audience, AudienceImport, Campaign
from omnichannel.choices import Encoding
from omnichannel.document_sinks import Document
from omnichannel.exceptions import ImportRefused

NAME = "audience_import"
# A start that is hindered by the import is tried again, see `starting`.
SOON = datetime.timedelta(seconds=5)


def prepare(document: Document) -> Waiting:
    """Store it as an upload, and read its columns. Raises ImportRefused, with nothing stored."""
    options = document.options
    name = str(options.get("audience", "")).strip()
    if not name or len(name) > 120:
        raise ImportRefused("Give the rule the name of an audience.")
    mode = str(options.get("mode") or ImportMode.UPSERT)
    if mode not in ImportMode.values:
        raise ImportRefused(f"The mode is one of {', '.join(ImportMode.values)}.")
    upload = ContentFile(document.data, name=document.filename)
    row = uploading.examine(upload)
    with uploading.dropped_unless_kept(row):
        row.encoding = row.encoding or Encoding.CP1252
        found = preview(row)
        row.mode, row.headers, row.mapping = mode, found.headers, found.mapping.as_json()
        found.mapping.check()
        campaign = _campaign(options.get("campaign"), name)
    return Waiting(row, name, campaign)


def _campaign(pk: Any, audience: str) -> Campaign | None:
    """Raises ImportRefused for one that is not there, or is for other people."""
    if not pk:
        return None
    found = Campaign.objects.filter(pk=pk).select_related("audience").first()
    if found is None:
        raise ImportRefused(f"There is no campaign {pk}: choose another in the rule.")
    if found.audience is None or found.audience.name != audience:
        raise ImportRefused(f"The campaign {found} is not for the audience {audience}.")
    return found


@dataclass
class Waiting:
    """A file that is to be imported. See document_sinks.Prepared."""

    row: AudienceImport
    audience: str
    campaign: Campaign | None

    def keep(self, *, at: datetime.datetime) -> str:
        known = Audience.objects.filter(name=self.audience).first()
        uploading.keep(self.row, known, name=self.audience)
        audience_import.submit(self.row)
        text = f"Import {self.row.pk} into the audience {self.audience}"
        return f"{text}; {_start(self.campaign, at)}" if self.campaign else text

    def drop(self) -> None:
        drop_file(self.row)


def _start(campaign: Campaign, at: datetime.datetime) -> str:
    """Only a draft: what runs, or an operator scheduled, is left alone."""
    drafts = Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.DRAFT)
    if drafts.update(status=CampaignStatus.SCHEDULED, starts_at=at + SOON, trouble=""):
        return f"then the campaign {campaign} starts"
    return f"the campaign {campaign} is no draft and was not started"
