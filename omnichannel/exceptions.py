"""Errors whose class decides what happens. The text says what the operator can do."""

from __future__ import annotations

from collections.abc import Sequence


class OmnichannelError(Exception):
    """The root: everything that is expected to go wrong."""


class IllegalTransition(OmnichannelError):
    """The row is not in a state from which this move is allowed. Nothing was changed."""


class Busy(OmnichannelError):
    """Somebody else is at it: come back later."""


class OtherRequest(OmnichannelError):
    """An Idempotency-Key that was used before, for something else. Nothing was done."""


class InvalidMessage(OmnichannelError):
    """The message can never be sent as it is: the operator must change it."""

    code = ""  # kept as the message's error code


class DltMismatch(InvalidMessage):
    """The text is not what is registered for its template in India: no operator would take it."""

    code = "dlt_mismatch"


class InvalidSubmission(OmnichannelError):
    """Nothing of what another system sent is queued. `faults` are (field, what is wrong)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in faults[:10]))
        self.faults = tuple(faults)


class CannotSendNow(OmnichannelError):
    """What was to be sent at once cannot go now; nothing was handed over, nothing waits.

    `retry_after` is in seconds, None when nobody knows.
    """

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


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


class TooSlow(OmnichannelError):
    """A search that was stopped: the operator must narrow it."""


class ForgedWebhook(InvalidWebhook):
    """The call does not prove that it comes from the vendor, or it is too old."""


class ImportRefused(OmnichannelError):
    """The file cannot be imported as it is: the text says what to mend."""


class TemplateError(OmnichannelError):
    """The template cannot be used. `line` and `column` (from 1) say where, when known.

    `part` is "subject", "html", "text" or another field's name when the fault is in one of them.
    """

    part = ""
    code = ""

    def __init__(self, text: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


class InvalidEvent(OmnichannelError):
    """An event, or what came with it, cannot be used.

    `errors` are (path, text) pairs; a path is dotted, such as "variables.order_id".
    """

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(f"{path}: {text}" if path else text for path, text in errors))
        self.errors = list(errors)


class UnknownEvent(InvalidEvent):
    """No event has this key."""
