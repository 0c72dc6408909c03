"""The SMTP backend for one message at a time, its refusals as errors."""

from __future__ import annotations

from omnichannel.backends.base import OutgoingMessage, Result
from omnichannel.backends.smtp import Smtp
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderRefused, Rejected, TemporaryError

ERRORS = {
    Outcome.TEMPORARY: TemporaryError,
    Outcome.REJECTED: Rejected,
    Outcome.AUTH: ProviderRefused,
    Outcome.UNKNOWN: OutcomeUnknown,
}


class RaisingSmtp(Smtp):
    def send(self, message: OutgoingMessage) -> Result:
        [result] = list(self.deliver([message]))
        if result.outcome in ERRORS:
            raise ERRORS[Outcome(result.outcome)](result.text, code=result.code)
        return result
