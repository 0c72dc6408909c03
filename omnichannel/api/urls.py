"""/api/v1/: one line per resource."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from omnichannel.api import audit
from omnichannel.api.channels import Channels
from omnichannel.api.communication_logs import CommunicationLogs
from omnichannel.api.consents import Consents
from omnichannel.api.events import Events, EventSubscriptions, EventSwitches
from omnichannel.api.jobs import Jobs
from omnichannel.api.labels import Labels
from omnichannel.api.messages import Messages
from omnichannel.api.outgoing_webhooks import OutgoingWebhooks, WebhookDeliveries
from omnichannel.api.provider_parts import ProviderSenders, ProviderStatuses
from omnichannel.api.provider_routes import ProviderRoutes
from omnichannel.api.provider_types import ProviderTypes
from omnichannel.api.providers import Providers
from omnichannel.api.suppressions import Suppressions
from omnichannel.api.templates import Templates, TemplateVersions
from omnichannel.api.variables import Variables

__all__ = ["audit", "urlpatterns"]

router = SimpleRouter(use_regex_path=False)
router.register("messages", Messages)  # the one that is called most
router.register("channels", Channels)
router.register("consents", Consents)
router.register("labels", Labels)
router.register("provider-routes", ProviderRoutes)
router.register("provider-types", ProviderTypes, basename="provider-type")
router.register("providers", Providers)
router.register("providers/<int:provider_id>/senders", ProviderSenders)
router.register("providers/<int:provider_id>/statuses", ProviderStatuses)
router.register("suppressions", Suppressions)
router.register("templates", Templates)
router.register("templates/<int:template_id>/versions", TemplateVersions)
router.register("outgoing-webhooks", OutgoingWebhooks)
router.register("variables", Variables)
router.register("jobs", Jobs)
router.register("communication-logs", CommunicationLogs, basename="communication-log")
router.register("webhook-deliveries", WebhookDeliveries)
router.register("events", Events)
router.register("event-subscriptions", EventSubscriptions)

urlpatterns = [path("event-switches/", EventSwitches.as_view()), *router.urls]
