from __future__ import annotations

import re

import pytest
from django.utils import timezone

from omnichannel import instant, originals
from omnichannel.choices import Category
from omnichannel.models import ProviderRoute
from otp import engine
from otp.asking import Asked
from tests.factories import make_provider
from tests.omnichannel.conftest import live, scripted

__all__ = ["live", "scripted"]

CALLER = "key test"
ORIGINALS = [one for one in originals.originals() if one.key.startswith("otp-")]
MOBILE = "+447700900123"
EMAIL = "ana@example.com"


class InThisThread:
    """Hands over at once: within the test's own transaction, which makes it quick."""

    def submit(self, task, *arguments):
        task(*arguments)


@pytest.fixture
def ways(db, scripted, monkeypatch, settings):
    """A provider of one-time passwords for each channel; what they took is in `scripted.seen`."""
    monkeypatch.setattr(instant, "_pool", InThisThread())
    monkeypatch.setattr(instant, "close_old_connections", lambda: None)
    settings.DEFAULT_PHONE_REGION = "GB"
    monkeypatch.setattr(originals, "originals", lambda: ORIGINALS)  # the others take a while
    originals.ensure()
    made = {}
    for channel in ("sms", "email"):
        provider = make_provider(backend="scripted", channel_type=channel, name=f"OTP {channel}")
        ProviderRoute.objects.create(channel_type=channel, category=Category.OTP, provider=provider)
        made[channel] = provider
    return made


class Phone:
    """A caller of the engine, and what arrives at its customers."""

    def __init__(self, seen):
        self.seen = seen
        self.start = self.now = timezone.now()

    def later(self, delta):
        self.now += delta

    def ask(self, **values):
        if not {"mobile", "email"} & values.keys():
            values["mobile"] = MOBILE
        return engine.send(Asked(**{"caller": CALLER, **values}), at=self.now)

    def code(self, index=-1):
        return re.search(r"\b[0-9A-Z]{4,8}\b", self.seen[index].text)[0]

    def wrong(self, index=-1):
        return str((int(self.code(index)) + 1) % 10**6).zfill(6)

    def check(self, sent, code, **values):
        values = {"at": self.now, "caller": CALLER, **values}
        return engine.verify(getattr(sent, "request_id", sent), code, **values)

    def resend(self, sent, **values):
        return engine.resend(sent.request_id, at=self.now, caller=CALLER, **values)


@pytest.fixture
def phone(ways, scripted):
    return Phone(scripted.seen)
