"""The providers and channels operators know by name, all on the sandbox."""

from __future__ import annotations

from django.db.models import ProtectedError

from omnichannel.choices import Category, ChannelType
from omnichannel.models import Channel, ChannelProvider, Message, ProviderRoute
from omnichannel.statuses import seed_statuses

EMAIL, SMS = ChannelType.EMAIL, ChannelType.SMS

# name, channel type, purpose it is the default for, from address or sender
PROVIDERS = (
    ("FTOSEmailGateway", EMAIL, Category.PROMOTIONAL, "news@example.com"),
    ("GatewayEmail", EMAIL, Category.TRANSACTIONAL, "service@example.com"),
    ("GatewayEmailOTP", EMAIL, Category.OTP, "security@example.com"),
    ("GatewaySMS", SMS, Category.TRANSACTIONAL, "EXAMPLE"),
    ("GatewaySMSOTP", SMS, Category.OTP, "EXAMPLE"),
    ("FTOSApiSMS", SMS, Category.PROMOTIONAL, "EXAMPLE"),
)
CHANNELS = (
    ("email", "Email", EMAIL, "GatewayEmail"),
    ("newsletter", "Newsletter", EMAIL, "FTOSEmailGateway"),
    ("sms", "SMS", SMS, "FTOSApiSMS"),
)
# By the address: "+open" in it makes the sandbox report an opening, and so on.
RULES = """*+bounce*: permanent
*+open*: delivered opened
*+click*: delivered opened clicked
*+delivered*: delivered"""


def load() -> None:
    made = {name: _provider(name, kind, sender) for name, kind, _, sender in PROVIDERS}
    for name, kind, category, _ in PROVIDERS:
        ProviderRoute.objects.get_or_create(
            channel_type=kind, category=category, country_prefix="", provider=made[name]
        )
    for code, name, kind, provider in CHANNELS:
        Channel.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "default_action_type": kind,
                "bus_channel": kind,
                "bus_provider": made[provider],
            },
        )


def _provider(name: str, kind: str, sender: str) -> ChannelProvider:
    provider, created = ChannelProvider.objects.get_or_create(
        name=name,
        defaults={
            "channel_type": kind,
            "provider_name": "Sandbox",
            "backend": "sandbox",
            "app_config": {"rules": RULES},
            "from_address": sender,
            "from_name": "Example Company" if kind == EMAIL else "",
            "open_setting": kind == EMAIL,
            "click_setting": kind == EMAIL,
            "is_demo": True,
        },
    )
    if created:
        seed_statuses(provider)
    return provider


def is_loaded() -> bool:
    return ChannelProvider.objects.filter(is_demo=True).exists()


def remove() -> list[str]:
    kept = []
    for provider in ChannelProvider.objects.filter(is_demo=True):
        Channel.objects.filter(
            bus_provider=provider, code__in=[row[0] for row in CHANNELS], messages=None
        ).delete()
        Message.objects.filter(provider=provider, job=None).delete()
        try:
            provider.delete()
        except ProtectedError:
            kept.append(f"provider {provider}")
    return kept
