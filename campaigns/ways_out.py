"""How recipients can unsubscribe from a campaign, and what keeps them from it."""

from __future__ import annotations

from django.conf import settings

from campaigns.models import Campaign
from omnichannel.choices import ChannelType
from omnichannel.models import ChannelProvider

WAYS_OUT = {"system.unsubscribe_url", "system.preferences_url"}


def warnings(campaign: Campaign, provider: ChannelProvider | None) -> list[str]:
    """What an operator should know before the campaign starts."""
    version = campaign.template.published_version
    if version is None:
        return []
    found = []
    is_email = campaign.channel_type == ChannelType.EMAIL
    has_link = bool(WAYS_OUT & set(version.variables))
    if is_email and not has_link:
        found.append(
            "The template has no unsubscribe link: add one to {{ system.unsubscribe_url }}."
        )
    is_sent = provider is not None and provider.backend != "sandbox"
    # Every e-mail has one in its head.
    if is_sent and (is_email or has_link) and not settings.PUBLIC_URL:
        found.append(
            "PUBLIC_URL is not set: unsubscribe links lead to this machine only, where no "
            "recipient gets."
        )
    return found
