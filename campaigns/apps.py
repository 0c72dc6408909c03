from __future__ import annotations

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns.preview_rows import audience_rows
        from omnichannel import preview_rows

        preview_rows.sources.append(audience_rows)
