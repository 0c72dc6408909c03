from __future__ import annotations

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns import document_sink
        from campaigns.people import audience_records
        from campaigns.preview_rows import audience_rows
        from campaigns.template_names import recipient_columns
        from omnichannel import document_sinks, people, preview_rows, template_names

        document_sinks.sinks[document_sink.NAME] = document_sinks.Sink(document_sink.prepare)
        preview_rows.sources.append(audience_rows)
        people.holdings.append(audience_records)
        template_names.sources.append(recipient_columns)
