"""Some of the shipped events, sending the demo's templates through the sandbox."""

from __future__ import annotations

from omnichannel import subscriptions
from omnichannel.choices import ChannelType
from omnichannel.models import Event, EventSubscription, Message, MessageTemplate
from omnichannel.shipped_events import ensure_shipped_events
from omnichannel.subscriptions import Change, Place

EMAIL, SMS = ChannelType.EMAIL, ChannelType.SMS
# event, channel, template
SUBSCRIBED = (
    ("welcome", EMAIL, "Welcome"),
    ("order-placed", SMS, "Order placed"),
    ("order-shipped", EMAIL, "Order shipped"),
    ("sign-in-code", SMS, "Sign-in code"),
    ("out-for-delivery", SMS, "Parcel today"),
)


def load() -> None:
    ensure_shipped_events()
    events = dict(Event.objects.values_list("key", "pk"))
    rows = MessageTemplate.objects.filter(is_demo=True)
    templates = {(row.channel_type, row.name): row.pk for row in rows}
    known = set(EventSubscription.objects.values_list("event_id", "channel_type"))
    changes: dict[Place, Change] = {
        (events[key], kind): {"is_subscribed": True, "template_id": templates[kind, name]}
        for key, kind, name in SUBSCRIBED
        if key in events and (kind, name) in templates and (events[key], kind) not in known
    }
    subscriptions.change(changes)


def remove() -> list[str]:
    EventSubscription.objects.filter(template__is_demo=True).delete()
    EventSubscription.objects.filter(provider__is_demo=True).update(provider=None)
    # What test events sent; what is left of a provider goes with it.
    templates = MessageTemplate.objects.filter(is_demo=True)
    Message.objects.filter(
        job=None, provider__is_demo=True, template_version__template__in=templates
    ).delete()
    return []
