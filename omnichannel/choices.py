"""The words that rows use. Shown to operators as their labels."""

from __future__ import annotations

from django.db import models


class ChannelType(models.TextChoices):
    EMAIL = "email", "E-mail"
    SMS = "sms", "SMS"
    PUSH = "push", "Push"


class Category(models.TextChoices):
    TRANSACTIONAL = "transactional", "Transactional"
    OTP = "otp", "One-time password"
    PROMOTIONAL = "promotional", "Promotional"


class Priority(models.IntegerChoices):
    """The lower number goes first."""

    URGENT = 0, "Urgent"
    HIGH = 1, "High"
    NORMAL = 2, "Normal"
    LOW = 3, "Low"
    VERY_LOW = 4, "Very low"


class MessageStatus(models.TextChoices):
    SCHEDULED = "scheduled", "New, waiting"  # for its time or its own window
    NEW = "new", "New"  # ready to be claimed
    SENDING = "sending", "Sending"  # claimed by a worker, under a lease
    SENT = "sent", "Sent"  # the provider took it
    DELIVERED = "delivered", "Delivered"  # the receiving side took it
    ERROR = "error", "Error, will be retried"  # the last attempt failed, waits for due_at
    UNCERTAIN = "uncertain", "Uncertain"  # handed over, no answer
    FAILED = "failed", "Failed"  # refused for good, or retries used up
    EXPIRED = "expired", "Expired"  # its time ended before it was sent
    CANCELLED = "cancelled", "Cancelled"  # by an operator
    SUPPRESSED = "suppressed", "Suppressed"  # the recipient must not be written to

    @classmethod
    def waiting(cls) -> tuple[MessageStatus, ...]:
        """Not handed over, may still go: can be cancelled, can expire."""
        return (cls.SCHEDULED, cls.NEW, cls.ERROR)

    @classmethod
    def pending(cls) -> tuple[MessageStatus, ...]:
        """Not final without a receipt: a job with one of these is not finished."""
        return (cls.SCHEDULED, cls.NEW, cls.ERROR, cls.SENDING)

    @classmethod
    def taken(cls) -> tuple[MessageStatus, ...]:
        """The provider has it."""
        return (cls.SENT, cls.DELIVERED)


# What a status may become. `sending -> new | scheduled` puts back what was claimed but never
# handed over; `failed | expired | cancelled | uncertain -> new` is an operator's requeue.
ARROWS: dict[str, frozenset[str]] = {
    "scheduled": frozenset({"new", "expired", "cancelled", "suppressed"}),
    "new": frozenset({"sending", "scheduled", "expired", "cancelled", "suppressed"}),
    "sending": frozenset(
        {
            "sent",
            "delivered",
            "failed",
            "error",
            "uncertain",
            "new",
            "scheduled",
            "suppressed",
            "expired",
        }
    ),
    "error": frozenset({"new", "expired", "cancelled", "suppressed"}),
    "uncertain": frozenset({"sent", "delivered", "failed", "new"}),
    "sent": frozenset({"delivered", "failed"}),
    "delivered": frozenset({"failed"}),
    "failed": frozenset({"new"}),
    "expired": frozenset({"new"}),
    "cancelled": frozenset({"new"}),
    "suppressed": frozenset({"new"}),
}


def sources_of(target: str) -> tuple[str, ...]:
    """Every status from which `target` may be reached."""
    return tuple(source for source, targets in ARROWS.items() if target in targets)


class Outcome(models.TextChoices):
    """What one attempt came to, whatever the vendor calls it."""

    ACCEPTED = "accepted", "Accepted"
    DELIVERED = "delivered", "Delivered"
    TEMPORARY = "temporary", "Temporary error"
    THROTTLED = "throttled", "Throttled"
    REJECTED = "rejected", "Rejected"
    AUTH = "auth", "Not authorised"
    UNKNOWN = "unknown", "Unknown"


class OnUncertain(models.TextChoices):
    HOLD = "hold", "Hold for an operator or a delivery report"
    RETRY = "retry", "Send again (may arrive twice)"


class JobStatus(models.TextChoices):
    PREPARING = "preparing", "Preparing"  # its messages are being written
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    FINISHED = "finished", "Finished"  # nothing pending is left
    CANCELLED = "cancelled", "Cancelled"

    @classmethod
    def active(cls) -> tuple[JobStatus, ...]:
        return (cls.PREPARING, cls.RUNNING, cls.PAUSED)


class EventType(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    DEFERRED = "deferred", "Deferred"
    DELIVERED = "delivered", "Delivered"
    OPENED = "opened", "Opened"
    CLICKED = "clicked", "Clicked"
    BOUNCED = "bounced", "Bounced"
    REJECTED = "rejected", "Rejected"
    FAILED = "failed", "Failed"
    COMPLAINED = "complained", "Complained"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    SUBSCRIBED = "subscribed", "Subscribed"
    UNKNOWN = "unknown", "Unknown"


class SuppressionReason(models.TextChoices):
    BOUNCE = "bounce", "Hard bounce"
    COMPLAINT = "complaint", "Complaint"
    UNSUBSCRIBE = "unsubscribe", "Unsubscribed"
    MANUAL = "manual", "Added by an operator"
    IMPORT = "import", "Imported"
