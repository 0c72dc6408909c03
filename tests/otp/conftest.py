from __future__ import annotations

import pytest

from omnichannel import originals
from omnichannel.choices import Category
from omnichannel.models import ProviderRoute
from tests.factories import make_provider
from tests.omnichannel.conftest import live, scripted

__all__ = ["live", "scripted"]


@pytest.fixture
def ways(transactional_db, scripted, settings):
    """A provider of one-time passwords for each channel; what they took is in `scripted.seen`."""
    settings.DEFAULT_PHONE_REGION = "GB"
    originals.ensure()
    made = {}
    for channel in ("sms", "email"):
        provider = make_provider(backend="scripted", channel_type=channel, name=f"OTP {channel}")
        ProviderRoute.objects.create(channel_type=channel, category=Category.OTP, provider=provider)
        made[channel] = provider
    return made
