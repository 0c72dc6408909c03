"""The table of codes a provider starts with."""

from __future__ import annotations

from omnichannel import backends
from omnichannel.models import ChannelProvider, ProviderStatus


def seed_statuses(provider: ChannelProvider) -> int:
    """Give the provider its backend's declared codes; answer how many there are.

    Codes the provider has already are left as the operator made them.
    """
    backend = backends.get(provider.backend)
    rows = [
        ProviderStatus(
            provider=provider,
            code=status.code,
            reason=status.reason,
            description=status.description,
            outcome=status.outcome,
            documentation_link=status.link,
        )
        for status in (backend.statuses if backend else ())
    ]
    ProviderStatus.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
