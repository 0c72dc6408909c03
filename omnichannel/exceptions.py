"""Errors whose class decides what happens. The text says what the operator can do."""

from __future__ import annotations


class OmnichannelError(Exception):
    """The root: everything that is expected to go wrong."""


class IllegalTransition(OmnichannelError):
    """The row is not in a state from which this move is allowed. Nothing was changed."""


class InvalidMessage(OmnichannelError):
    """The message can never be sent as it is: the operator must change it."""


class NoProvider(OmnichannelError):
    """No active provider serves this channel and category."""


class SendError(OmnichannelError):
    """One attempt failed. `outcome` (choices.Outcome) decides what happens to the message."""

    outcome = "temporary"

    def __init__(self, text: str, *, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.retry_after = retry_after


class TemporaryError(SendError):
    """Try again after Pool Time Retry."""


class Throttled(SendError):
    """The provider asks us to slow down: the whole provider waits `retry_after` seconds."""

    outcome = "throttled"


class Rejected(SendError):
    """The provider will never take this message."""

    outcome = "rejected"


class ProviderTrouble(SendError):
    """The fault is the provider's, not one message's: the whole batch stops.

    Nothing was handed over. Raised out of `Backend.deliver`, never turned into a result.
    """


class ProviderRefused(ProviderTrouble):
    """Wrong credentials or a blocked account: the provider is stopped, the messages wait."""

    outcome = "auth"


class ProviderUnavailable(ProviderTrouble):
    """No connection: nothing was handed over. The provider rests, the messages wait."""


class OutcomeUnknown(SendError):
    """Handed over, but no answer came: the message may or may not have arrived."""

    outcome = "unknown"


class InvalidWebhook(OmnichannelError):
    """The call is forged, stale or not understood: nothing is stored."""


class TemplateError(OmnichannelError):
    """The template cannot be used. `line` and `column` (from 1) say where, when known.

    `part` is "subject", "html" or "text" when the fault is in one of them.
    """

    part = ""

    def __init__(self, text: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.line = line
        self.column = column
