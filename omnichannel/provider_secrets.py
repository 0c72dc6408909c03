"""What becomes of a provider's secrets when it is changed: kept, replaced, forgotten, asked for.

A secret is named after its column, or after the backend's option that it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from omnichannel import backends
from omnichannel.backends.base import Backend
from omnichannel.crypto import SecretUnreadable
from omnichannel.models import ChannelProvider

# The columns of the secrets that every backend may use.
SECRET_COLUMNS = ("app_password", "app_key")
# Where credentials are sent to: when one of these changes, secrets are entered again.
ENDPOINTS = ("host", "port", "api_url", "region", "url")
AGAIN = "Enter it again: where it is sent to has changed."


@dataclass(frozen=True, slots=True)
class Settled:
    """`kept`: {secret: value} from now on. `again`: those that must be entered again first."""

    kept: Mapping[str, str]
    again: tuple[str, ...] = ()


def names_of(backend: type[Backend]) -> tuple[str, ...]:
    return (*(name for name in SECRET_COLUMNS if name in backend.uses), *backend.secret_fields)


def stored(provider: ChannelProvider) -> dict[str, str]:
    """{secret: value} of what the provider keeps; nothing of what no key opens."""
    backend = backends.get(provider.backend)
    try:
        found = {name: getattr(provider, name) for name in SECRET_COLUMNS}
        if backend:
            options = provider.options
            found |= {name: options.get(name, "") for name in backend.secret_fields}
    except SecretUnreadable:
        return {}
    return {name: value for name, value in found.items() if value}


def is_moved(
    before: ChannelProvider,
    backend: type[Backend],
    service_url: str,
    config: Mapping[str, Any],
) -> bool:
    """Would its secrets be sent to somewhere else than until now?"""
    known = before.app_config or {}
    return (
        backend.slug != before.backend
        or service_url != before.service_url
        or any(known.get(key) != config.get(key) for key in ENDPOINTS)
    )


def settle(
    backend: type[Backend],
    kept: Mapping[str, str],
    *,
    given: Mapping[str, str],
    cleared: Collection[str],
    moved: bool,
) -> Settled:
    """Blank keeps, a value replaces, and what the backend does not use is forgotten."""
    wanted = names_of(backend)
    after = {name: value for name, value in kept.items() if name not in cleared}
    after |= {name: value for name, value in given.items() if value}
    again = [name for name in wanted if moved and name in after and not given.get(name)]
    return Settled({name: after[name] for name in wanted if name in after}, tuple(again))


def columns(backend: type[Backend], kept: Mapping[str, str]) -> dict[str, Any]:
    """The columns that hold these secrets."""
    found: dict[str, Any] = {name: kept.get(name, "") for name in SECRET_COLUMNS}
    options = {name: kept[name] for name in backend.secret_fields if name in kept}
    return {**found, "app_secrets": options}


def missing(
    backend: type[Backend], kept: Mapping[str, str], values: Mapping[str, Any]
) -> list[str]:
    """The columns that the backend needs and that would be empty."""
    return [
        name
        for name in backend.required
        if not (kept if name in SECRET_COLUMNS else values).get(name)
    ]
