from __future__ import annotations

from omnichannel.exceptions import OmnichannelError


class IntegrationError(OmnichannelError):
    """Something a partner sent or an operator wrote cannot be used.

    `code` is a stable word for logs and filters, the text says what is wrong and how to mend it.
    It never holds a part of the document.
    """

    code = "error"

    def __init__(self, text: str, code: str = "", *, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.code = code or self.code
        self.line, self.column = line, column


class DocumentRefused(IntegrationError):
    """The document itself: it cannot be read, is too large, or does not fit its rules."""

    code = "document"


class ConversionFailed(IntegrationError):
    """A rule could not convert the document."""

    code = "conversion"


class RuleInvalid(IntegrationError):
    """What an operator wrote in a rule: its pattern, map, template or validation file."""

    code = "rule"


class As2Refused(IntegrationError):
    """A message or a receipt of a partner's AS2 station that must not be accepted."""

    code = "as2"
