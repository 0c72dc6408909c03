"""What the figures about time share: how they are summed up, and what is queued for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from omnichannel.benchmarks.browser import Browser
from omnichannel.benchmarks.watched_sink import WatchedSink
from omnichannel.models import ChannelProvider, Message

GOLDEN = (math.sqrt(5) - 1) / 2
ADD = "/admin/omnichannel/message/add/"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def pauses(low: float, high: float) -> Iterator[float]:
    """Seconds in an even spread without a beat, so that no two messages meet the same tick."""
    number = 0
    while True:
        number += 1
        yield low + (high - low) * (number * GOLDEN % 1)


def smtp_provider(
    port: int, *, name: str = "", connections: int = 1, rate_limit: int | None = None
) -> ChannelProvider:
    options = {"host": "127.0.0.1", "port": port, "security": "none", "connections": connections}
    return ChannelProvider.objects.create(
        name=name or f"Bench {port}",
        backend="smtp",
        from_address="bench@example.com",
        app_config=options,
        bulk_no=500,
        rate_limit=rate_limit,
    )


def queue_by_form(browser: Browser, provider_id: int | None, to: str, category: str) -> None:
    """Queue one message as an operator does: by the form of the message queue."""
    form = {
        "to_address": to,
        "subject": "Hello",
        "body_text": "Hello there",
        "category": category,
        "provider": provider_id,
        "priority": 2,
        "channel_provider_params": "{}",
        "extended_properties": "{}",
        "attachments-TOTAL_FORMS": 0,
        "attachments-INITIAL_FORMS": 0,
    }
    if browser.post(ADD, form).status != 302:
        raise RuntimeError(f"The message to {to} was not queued.")


def latency(sink: WatchedSink, to: str) -> float:
    """Seconds from just before the row was written, so before its commit, to its arrival."""
    arrived = sink.arrival(to)
    row = Message.objects.only("created_at").get(to_address=to)
    return arrived - row.created_at.timestamp()
