from __future__ import annotations

from omnichannel.models.api_keys import ApiKey, IdempotentReply
from omnichannel.models.bounces import BounceMailbox
from omnichannel.models.business_events import (
    Event,
    EventChannelSwitch,
    EventSubscription,
    EventTrigger,
)
from omnichannel.models.caps import FrequencyCap
from omnichannel.models.channels import Channel
from omnichannel.models.consent import Consent
from omnichannel.models.events import MessageEvent
from omnichannel.models.heartbeats import Heartbeat
from omnichannel.models.installation import Installation
from omnichannel.models.jobs import Job, JobSample, Lane, RateClock
from omnichannel.models.labels import Label
from omnichannel.models.messages import Message, MessageAttachment
from omnichannel.models.outgoing_webhooks import (
    OutgoingWebhook,
    WebhookCursor,
    WebhookDelivery,
    WebhookNotice,
)
from omnichannel.models.people import Person
from omnichannel.models.providers import (
    ChannelProvider,
    ProviderRoute,
    ProviderStatus,
    SenderAddress,
)
from omnichannel.models.suppression import Suppression
from omnichannel.models.template_content import TemplateText
from omnichannel.models.templates import (
    EmailTemplate,
    MessageTemplate,
    SmsTemplate,
    TemplateVersion,
)
from omnichannel.models.uncertain import UncertainMessage
from omnichannel.models.variables import GlobalVariable
from omnichannel.models.webhooks import ReceivedEvent, WebhookEndpoint

__all__ = [
    "ApiKey",
    "BounceMailbox",
    "Channel",
    "ChannelProvider",
    "Consent",
    "EmailTemplate",
    "Event",
    "EventChannelSwitch",
    "EventSubscription",
    "EventTrigger",
    "FrequencyCap",
    "GlobalVariable",
    "Heartbeat",
    "IdempotentReply",
    "Installation",
    "Job",
    "JobSample",
    "Label",
    "Lane",
    "Message",
    "MessageAttachment",
    "MessageEvent",
    "MessageTemplate",
    "OutgoingWebhook",
    "Person",
    "ProviderRoute",
    "ProviderStatus",
    "RateClock",
    "ReceivedEvent",
    "SenderAddress",
    "SmsTemplate",
    "Suppression",
    "TemplateText",
    "TemplateVersion",
    "UncertainMessage",
    "WebhookCursor",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookNotice",
]
