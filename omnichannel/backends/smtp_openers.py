"""Connections opened beside the sending: each takes several round trips."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from omnichannel.backends.smtp_session import SmtpSession
from omnichannel.exceptions import ProviderTrouble

AT_ONCE = 16


class Openers:
    """`open_session` raises ProviderTrouble when it cannot."""

    def __init__(self, open_session: Callable[[], SmtpSession], size: int) -> None:
        self.open_session = open_session
        self._threads = ThreadPoolExecutor(min(AT_ONCE, size), thread_name_prefix="smtp")
        self._opening: list[Future[SmtpSession]] = []

    def __len__(self) -> int:
        return len(self._opening)

    def start(self) -> None:
        self._opening.append(self._threads.submit(self.open_session))

    def wait(self, seconds: float) -> None:
        wait(self._opening, timeout=seconds)

    def ended(self) -> list[SmtpSession | ProviderTrouble]:
        """What came of those that are done since the last call."""
        done = [future for future in self._opening if future.done()]
        self._opening = [future for future in self._opening if future not in done]
        return [_outcome(future) for future in done]

    def forget_failures(self) -> None:
        """Of connections that the last run did not wait for."""
        failed = [future for future in self._opening if future.done() and future.exception()]
        self._opening = [future for future in self._opening if future not in failed]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for future in self._opening:
            future.add_done_callback(_discard)


def _outcome(future: Future[SmtpSession]) -> SmtpSession | ProviderTrouble:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, ProviderTrouble):
        return error
    raise error


def _discard(future: Future[SmtpSession]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().hang_up()
