"""Backends kept between two runs of the send loop, with their connections.

Opening one costs several round trips, a TLS handshake and a sign-in: more than a message does.
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from omnichannel.backends.base import Backend
from omnichannel.models import ChannelProvider
from omnichannel.outgoing import backend_of, config_of

KEPT_SECONDS = 30.0  # without use; servers close what idles for minutes


class _Kept(NamedTuple):
    backend: Backend
    until: float  # time.monotonic()


_shelf: list[_Kept] = []
_lock = threading.Lock()


def take(provider: ChannelProvider) -> Backend:
    """A backend with the provider's present config, with open connections where one was kept.

    Raises InvalidMessage when the provider's type does not exist.
    """
    tidy()
    config = config_of(provider)
    with _lock:
        for kept in _shelf:
            if kept.backend.slug == provider.backend and kept.backend.config == config:
                _shelf.remove(kept)
                return kept.backend
    return backend_of(provider)


def give_back(backend: Backend) -> None:
    """All it was given is answered: keep it for the next run, if it is worth keeping."""
    if not backend.is_worth_keeping:
        backend.close()
        return
    with _lock:
        _shelf.append(_Kept(backend, time.monotonic() + KEPT_SECONDS))


def tidy() -> None:
    """Close what nobody has asked for; called by every tick that sends."""
    now = time.monotonic()
    with _lock:
        old = [kept for kept in _shelf if kept.until < now]
        for kept in old:
            _shelf.remove(kept)
    for kept in old:
        kept.backend.close()


def close_all() -> None:
    with _lock:
        old = _shelf.copy()
        _shelf.clear()
    for kept in old:
        kept.backend.close()
