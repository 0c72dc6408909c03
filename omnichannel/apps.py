from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class OmnichannelConfig(AppConfig):
    name = "omnichannel"
    verbose_name = "Communication"

    def ready(self) -> None:
        import_module("omnichannel.checks")

        from omnichannel import (
            kept_connections,
            kept_replies,
            outgoing_webhooks,
            people,
            receipts,
            template_addresses,
        )

        kept_connections.watch()
        people.holdings += [
            receipts.received_events,
            outgoing_webhooks.deliveries_about,
            kept_replies.replies_naming,
            template_addresses.copied_by_templates,
        ]
