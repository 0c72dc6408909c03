"""Which template and provider a code goes by."""

from __future__ import annotations

from omnichannel.models import ChannelProvider, MessageTemplate
from otp.asking import ChannelAsked
from otp.choices import OtpChannel
from otp.models.template_rules import trouble_of

USUAL = "otp-code"  # came with the product


def template_of(channel: str, asked: int | str) -> int | str:
    """An id where there is one. What came with the product is known by its short name, too."""
    if isinstance(asked, int):
        return asked
    original = MessageTemplate.objects.filter(system_key=f"{asked}-{channel}")
    return original.values_list("pk", flat=True).first() or asked


def faults_of(channel: str, own: ChannelAsked) -> list[tuple[str, str]]:
    """What is wrong with the template and provider that a caller named."""
    if channel not in OtpChannel.values:
        return []
    name, faults = f"overrides.{channel}", []
    if own.template is not None and (text := template_trouble(channel, own.template)):
        faults.append((f"{name}.template", text))
    if own.provider is not None:
        active = ChannelProvider.objects.filter(is_active=True, channel_type=channel)
        if not active.filter(pk=own.provider).exists():
            text = "There is no such active provider of this channel."
            faults.append((f"{name}.provider", text))
    return faults


def template_trouble(channel: str, asked: int | str) -> str:
    """Why no code goes by the template of that id or name; empty when one does."""
    by = template_of(channel, asked)
    rows = MessageTemplate.objects.filter(channel_type=channel)
    rows = rows.filter(pk=by) if isinstance(by, int) else rows.filter(name=by)
    found = rows.select_related("published_version").first()
    return trouble_of(found) if found else "There is no such template of this channel."
