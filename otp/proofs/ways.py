"""What the proofs send through: the engine as it is, the sandbox as its provider."""

from __future__ import annotations

import re

from omnichannel.backends import sandbox_store
from omnichannel.choices import Category
from omnichannel.models import ChannelProvider, ProviderRoute
from omnichannel.proofs.base import ProofFailed
from otp.choices import OtpChannel
from otp.models import OtpConfiguration

CODE = re.compile(r"\b\d{4,8}\b")
COUNTRIES = ["US", "CA"]


def prepare() -> OtpConfiguration:
    """The usual configuration, for two countries, and a provider for each channel."""
    for channel in OtpChannel.values:
        sender = "otp@example.com" if channel == OtpChannel.EMAIL else "EXAMPLE"
        provider = ChannelProvider.objects.create(
            name=f"Proof {channel}", channel_type=channel, backend="sandbox", from_address=sender
        )
        ProviderRoute.objects.create(channel_type=channel, category=Category.OTP, provider=provider)
    usual = OtpConfiguration.defaults()
    usual.countries = COUNTRIES
    usual.save()
    return usual


def code_sent_to(address: str) -> str:
    """As its owner reads it. Raises ProofFailed."""
    for kept in sandbox_store.listing(query=address, limit=1):
        if found := CODE.search(kept.text or kept.html):
            return found[0]
    raise ProofFailed(f"No code arrived at {address}.")


def new_ip(number: int) -> str:
    """Of a network of its own, as long as there are fewer than 65,536."""
    return f"2001:db8:{number % 65_536:x}::1"
