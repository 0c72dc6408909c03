"""How the broker is talked to: no silence of it may last."""

from __future__ import annotations

from typing import Any

ANSWER_SECONDS = 5.0


def transport_options(url: str) -> dict[str, Any]:
    """Celery's `broker_transport_options` for the broker at `url`.

    Without limits a broker whose machine is gone holds up beat for as long as TCP hopes, which is
    a quarter of an hour. RabbitMQ confirms what it took: unconfirmed, a crash loses what was sent.
    """
    if "amqp" in url.partition("://")[0]:
        return {
            "confirm_publish": True,
            "read_timeout": ANSWER_SECONDS,
            "write_timeout": ANSWER_SECONDS,
        }
    if url.startswith("redis"):
        return {
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
            "socket_keepalive": True,
        }
    return {}
