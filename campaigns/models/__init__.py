from __future__ import annotations

from campaigns.models.audiences import Audience, AudienceImport, AudienceMember
from campaigns.models.calendars import Holiday, HolidayCalendar
from campaigns.models.campaigns import Campaign, CampaignRun

__all__ = [
    "Audience",
    "AudienceImport",
    "AudienceMember",
    "Campaign",
    "CampaignRun",
    "Holiday",
    "HolidayCalendar",
]
