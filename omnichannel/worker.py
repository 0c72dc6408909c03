"""A worker: who sends through one provider."""

from __future__ import annotations

from types import TracebackType

from omnichannel import kept, trouble
from omnichannel.claimed import Loader
from omnichannel.journal import Journal
from omnichannel.models import ChannelProvider
from omnichannel.status_table import StatusTable


class Worker:
    """Its name, its journal, its connections, its code table.

    A context manager: when it is left by an error, its journal stays behind and tells `recover`
    what became of the messages that it had. Raises InvalidMessage when the provider's type does
    not exist.
    """

    def __init__(self, provider: ChannelProvider, *, keeps: bool = True) -> None:
        self.provider = provider
        self.keeps = keeps  # its connections, for the next run of the send loop
        self.backend = kept.take(provider)
        self.table = StatusTable(provider, self.backend)
        self.loader = Loader(provider)
        self.journal = Journal()
        self.name = self.journal.worker
        self.was_well = False
        self.breaker = trouble.Breaker()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            if self.keeps:
                kept.give_back(self.backend)
            else:
                self.backend.close()
            self.journal.close()
            return
        try:
            self.backend.close()
        finally:
            self.journal.leave()
