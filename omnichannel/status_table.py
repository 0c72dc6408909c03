"""A provider's status table as the send loop uses it."""

from __future__ import annotations

from omnichannel import backends
from omnichannel.backends.base import Backend, ProviderConfig, Result
from omnichannel.models import ChannelProvider, ProviderStatus
from omnichannel.recording import clean, code_of

# A caller that makes codes up must not fill the table: what is new then has no row.
MOST = 2_000


class StatusTable:
    """Codes of one provider: their rows, and what an operator made of them.

    A code that is not in the table is added by itself, marked unclassified.
    """

    def __init__(self, provider: ChannelProvider, backend: Backend) -> None:
        self.provider = provider
        self.backend = backend
        self.declared = {status.code: status.outcome for status in backend.statuses}
        rows = provider.statuses.values_list("code", "id", "outcome", "is_classified")
        self.ids = {code: pk for code, pk, _, _ in rows}
        self.chosen = {
            code: outcome
            for code, _, outcome, is_classified in rows
            if is_classified and outcome and outcome != self.declared.get(code)
        }

    @classmethod
    def of(cls, provider: ChannelProvider) -> StatusTable:
        """Of a provider that is not about to send: its secrets are not needed."""
        backend = backends.get(provider.backend) or Backend
        return cls(provider, backend(ProviderConfig(name="")))

    def outcome_of(self, result: Result) -> str:
        """The backend's word, unless an operator changed what this code means."""
        code = result.code if result.code in self.ids else code_of(result.code)
        if code and code not in self.ids and len(self.ids) < MOST:
            self._add(code, result)
        return self.chosen.get(code, result.outcome)

    def _add(self, code: str, result: Result) -> None:
        row, _ = ProviderStatus.objects.get_or_create(
            provider=self.provider,
            code=code,
            defaults={
                "reason": "Unclassified",
                "description": clean(result.text, 500),
                "outcome": result.outcome or self.backend.guess(code),
                "is_classified": False,
            },
        )
        self.ids[code] = row.pk
