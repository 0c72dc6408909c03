"""A provider's status table as the send loop uses it."""

from __future__ import annotations

from omnichannel.backends.base import Backend, Result
from omnichannel.models import ChannelProvider, ProviderStatus


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

    def outcome_of(self, result: Result) -> str:
        """The backend's word, unless an operator changed what this code means."""
        if result.code and result.code not in self.ids:
            self._add(result)
        return self.chosen.get(result.code, result.outcome)

    def _add(self, result: Result) -> None:
        row, _ = ProviderStatus.objects.get_or_create(
            provider=self.provider,
            code=result.code[:60],
            defaults={
                "reason": "Unclassified",
                "description": result.text[:500],
                "outcome": result.outcome or self.backend.guess(result.code),
                "is_classified": False,
            },
        )
        self.ids[result.code] = row.pk
