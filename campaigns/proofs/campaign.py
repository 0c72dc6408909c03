"""The campaign that the proofs send: some of its recipients must not get it, and say why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Concat

from campaigns.benchmarks.rows import make_audience
from campaigns.models import Audience, Campaign
from omnichannel.choices import ChannelType
from omnichannel.exceptions import TemplateError
from omnichannel.models import ChannelProvider, MessageTemplate, Suppression
from omnichannel.publishing import publish

TRIES = 5  # to publish the template: its check has five seconds, which a busy machine may need
CHUNK = 500  # rows of one statement
EVERY = 50  # one in so many is suppressed, and one has no valid address

HTML = """<p>Dear {{ first_name }} {{ last_name }} of {{ city }}, your plan is {{ plan }} and you
have {{ points }} points. Write to {{ email }}.</p>"""


def people(count: int) -> Audience:
    """An audience of `count` records with an address each."""
    audience = make_audience(count)
    bad = [f"person{number}@example.com" for number in range(1, count, EVERY)]
    for start in range(0, len(bad), CHUNK):
        members = audience.members.filter(key__in=bad[start : start + CHUNK])
        members.update(email=Concat(Value("not an address: "), F("key")))
    Suppression.objects.bulk_create(
        Suppression(channel_type=ChannelType.EMAIL, address=f"person{number}@example.com")
        for number in range(0, count, EVERY)
    )
    return audience


def recipients(audience: Audience) -> Iterable[str]:
    return audience.members.values_list("email", flat=True)


def smtp_provider(port: int, *, connections: int = 1, **fields: Any) -> ChannelProvider:
    return ChannelProvider.objects.create(
        name="Sink",
        backend="smtp",
        from_address="proof@example.com",
        app_config={
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "connections": connections,
        },
        **fields,
    )


def template() -> MessageTemplate:
    row = MessageTemplate.objects.create(
        name="Proof",
        sample_variables={
            "first_name": "Ana",
            "last_name": "Moreau",
            "city": "Lisbon",
            "plan": "gold",
            "points": 1,
            "email": "ana@example.com",
        },
    )
    for tries_left in reversed(range(TRIES)):
        try:
            publish(row, subject="Hello {{ first_name }}", html=HTML)
            break
        except TemplateError:
            if not tries_left:
                raise
    return row


def campaign(audience: Audience, provider: ChannelProvider, **fields: Any) -> Campaign:
    number = Campaign.objects.count() + 1
    found = MessageTemplate.objects.filter(name="Proof").first()
    return Campaign.objects.create(
        **{
            "name": f"Proof {number}",
            "identifier": f"proof-{number}",
            "template": found or template(),
            "audience": audience,
            "provider": provider,
            **fields,
        }
    )
