"""The e-mail that the demo's people get when an envelope reaches a mailbox."""

from __future__ import annotations

from omnichannel import subscriptions
from omnichannel.choices import ChannelType
from omnichannel.models import Event, EventSubscription, MessageTemplate
from omnichannel.publishing import publish

EVENT, NAME = "envelope-received", "Envelope received"
SAMPLE = {
    "event": {
        "envelope": {"uuid": "0b9e6a52", "subject": "Order PO-2026-0815", "status": "sent"},
        "sender": "Northwind Example",
        "recipient": "Example Trading",
        "fields": {"order_number": "PO-2026-0815"},
    }
}
SUBJECT = "{{ event.envelope.subject }} from {{ event.sender }}"
HTML = """<p>{{ event.sender }} sent <b>{{ event.envelope.subject }}</b>
to {{ event.recipient }}.</p>
<p>It is under Integrations &gt; Envelopes.</p>"""


def load() -> None:
    """Subscribe e-mail to the event, unless somebody subscribed it or wrote such a template."""
    event = Event.objects.filter(key=EVENT).first()
    taken = EventSubscription.objects.filter(event=event, channel_type=ChannelType.EMAIL)
    if event is None or taken.exists():
        return
    template, created = MessageTemplate.objects.get_or_create(
        channel_type=ChannelType.EMAIL,
        name=NAME,
        defaults={
            "description": "Part of the demo data.",
            "sample_variables": SAMPLE,
            "is_demo": True,
        },
    )
    if not created:
        return
    publish(template, by=None, subject=SUBJECT, html=HTML)
    place = (event.pk, ChannelType.EMAIL)
    subscriptions.change({place: {"is_subscribed": True, "template_id": template.pk}})
