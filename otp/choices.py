"""The words that one-time passwords use."""

from __future__ import annotations

from django.db import models


class OtpChannel(models.TextChoices):
    """In the order in which they are sent, and answered."""

    SMS = "sms", "SMS"
    EMAIL = "email", "E-mail"


class CodeKind(models.TextChoices):
    NUMERIC = "numeric", "Digits"
    ALPHANUMERIC = "alphanumeric", "Letters and digits"  # those that no one mistakes


class ExpiryUnit(models.TextChoices):
    SECONDS = "s", "seconds"
    MINUTES = "min", "minutes"


class Verdict(models.TextChoices):
    """What a check of a code came to."""

    APPROVED = "approved", "Approved"
    INCORRECT = "incorrect", "Incorrect"
    EXPIRED = "expired", "Expired"
    EXHAUSTED = "exhausted", "No tries left"  # of this request, or of its destination today
    USED = "used", "Used already"
    UNKNOWN = "unknown", "Unknown"  # also another system's, cancelled, replaced or for another use


class ChallengeStatus(models.TextChoices):
    PENDING = "pending", "Pending"  # its code may be checked, until it expires
    APPROVED = "approved", "Approved"
    EXPIRED = "expired", "Expired"
    EXHAUSTED = "exhausted", "No tries left"
    REPLACED = "replaced", "Replaced"  # a newer code, or one by another channel, took its place
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Not sent"

    @classmethod
    def resendable(cls) -> tuple[ChallengeStatus, ...]:
        """A new code may be sent for it."""
        return (cls.PENDING, cls.EXPIRED, cls.EXHAUSTED, cls.FAILED)

    @property
    def number(self) -> int:
        """0 unknown, 1 incomplete, 2 successful, 3 failed, 4 expired."""
        return _NUMBERS[self]


UNKNOWN_NUMBER = 0  # of a request that is not known
_NUMBERS = {
    ChallengeStatus.PENDING: 1,
    ChallengeStatus.APPROVED: 2,
    ChallengeStatus.EXHAUSTED: 3,
    ChallengeStatus.REPLACED: 3,
    ChallengeStatus.CANCELLED: 3,
    ChallengeStatus.FAILED: 3,
    ChallengeStatus.EXPIRED: 4,
}


class EntryKind(models.TextChoices):
    """What an entry of the audit trail tells of."""

    SENT = "sent", "Sent"
    NOT_SENT = "not_sent", "Not sent"  # the provider or its queue did not take it
    REFUSED = "refused", "Refused"  # by a limit or the fraud guard: nothing was tried
    CHECKED = "checked", "Checked"
    LOCKED = "locked", "Locked"  # the destination has no failures left today
    FELL_BACK = "fell_back", "Sent by the other channel"
    CANCELLED = "cancelled", "Cancelled"
    BLOCKED = "blocked", "Prefix blocked"
    LIFTED = "lifted", "Prefix allowed again"


class BlockReason(models.TextChoices):
    OPERATOR = "operator", "By an operator"
    CONVERSION = "conversion", "Too few codes were entered"


class Refusal(models.TextChoices):
    """Why nothing was sent: the stable word, and what the caller may show."""

    COOL_DOWN = "cool_down", "A code was sent a moment ago. Wait before you ask for another."
    TOO_MANY_SENDS = "too_many_sends", "Too many codes were asked for. Try again later."
    COUNTRY = "country", "No code can be sent to this address now."
    PREMIUM = "premium", "No code can be sent to this address now."
    BLOCKED_PREFIX = "blocked_prefix", "No code can be sent to this address now."
    SUPPRESSED = "suppressed", "No code can be sent to this address now."
    PROVIDER = "provider", "The code could not be sent. Try again in a moment."
    INACTIVE = "inactive", "Codes for this purpose are switched off."
    UNKNOWN = "unknown", "There is no such request, or it is over: ask for a new code."
    NO_OTHER_CHANNEL = "no_other_channel", "This request has no address on that channel."
