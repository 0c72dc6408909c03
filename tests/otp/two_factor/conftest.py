from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db.models import F

from omnichannel import originals
from omnichannel.backends import sandbox_store
from omnichannel.choices import Category
from omnichannel.models import ProviderRoute
from otp.models import OtpChallenge
from tests.factories import make_provider
from tests.omnichannel.api.conftest import pool

__all__ = ["pool"]

ORIGINALS = [one for one in originals.originals() if one.key.startswith("otp-")]


@pytest.fixture
def inbox(transactional_db, pool, monkeypatch):
    """What the sandbox was given: the code in the newest message to somebody, and how many."""
    monkeypatch.setattr(originals, "originals", lambda: ORIGINALS)  # the others take a while
    originals.ensure()
    sandbox_store.clear()
    for channel in ("sms", "email"):
        provider = make_provider(channel_type=channel, name=f"OTP {channel}")
        ProviderRoute.objects.create(channel_type=channel, category=Category.OTP, provider=provider)

    def messages(to):
        channels = ("email" if "@" in to else "sms",)
        return [
            kept
            for channel in channels
            for kept in sandbox_store.listing(
                channel_type=channel, provider="", query="", before=None, limit=50
            )
            if kept.to == to
        ]

    class Inbox:
        def count(self, to) -> int:
            return len(messages(to))

        def code(self, to) -> str:
            return re.search(r"\b\d{6}\b", messages(to)[0].text)[0]

        def let_cool_down(self) -> None:
            """As if the codes sent so far had been sent a while ago."""
            OtpChallenge.objects.update(resend_at=F("resend_at") - timedelta(minutes=1))

    return Inbox()
