from __future__ import annotations

from omnichannel.models.channels import Channel
from omnichannel.models.events import MessageEvent
from omnichannel.models.jobs import Job, JobSample, Lane, RateClock
from omnichannel.models.labels import Label
from omnichannel.models.messages import Message, MessageAttachment
from omnichannel.models.providers import (
    ChannelProvider,
    ProviderRoute,
    ProviderStatus,
    SenderAddress,
)
from omnichannel.models.suppression import Suppression
from omnichannel.models.templates import (
    EmailTemplate,
    MessageTemplate,
    SmsTemplate,
    TemplateVersion,
)
from omnichannel.models.variables import GlobalVariable

__all__ = [
    "Channel",
    "ChannelProvider",
    "EmailTemplate",
    "GlobalVariable",
    "Job",
    "JobSample",
    "Label",
    "Lane",
    "Message",
    "MessageAttachment",
    "MessageEvent",
    "MessageTemplate",
    "ProviderRoute",
    "ProviderStatus",
    "RateClock",
    "SenderAddress",
    "SmsTemplate",
    "Suppression",
    "TemplateVersion",
]
