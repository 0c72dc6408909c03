"""The words that rows use. Shown to operators as their labels."""

from __future__ import annotations

from django.db import models


class ChannelType(models.TextChoices):
    EMAIL = "email", "E-mail"
    SMS = "sms", "SMS"
    PUSH = "push", "Push"


class SourceKind(models.TextChoices):
    """What the HTML part of a template is written in."""

    HTML = "html", "HTML"
    MJML = "mjml", "MJML"


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


class WebhookEvent(models.TextChoices):
    """What other systems may be told of, by the names they know."""

    SENT = "message.sent", "Sent"
    DELIVERED = "message.delivered", "Delivered"
    DEFERRED = "message.deferred", "Deferred"  # the attempt failed, it is tried again
    FAILED = "message.failed", "Failed"
    BOUNCED = "message.bounced", "Bounced"
    UNCERTAIN = "message.uncertain", "Uncertain"
    EXPIRED = "message.expired", "Expired"
    CANCELLED = "message.cancelled", "Cancelled"
    SUPPRESSED = "message.suppressed", "Suppressed"
    OPENED = "message.opened", "Opened"
    CLICKED = "message.clicked", "Clicked"
    COMPLAINED = "message.complained", "Complained"
    UNSUBSCRIBED = "message.unsubscribed", "Unsubscribed"
    CAMPAIGN_FINISHED = "campaign.finished", "Campaign finished"


class WebhookStatus(models.TextChoices):
    """Of one call to another system."""

    WAITING = "waiting", "Waiting"
    FAILED = "failed", "Failed, tried again"
    DELIVERED = "delivered", "Delivered"
    GIVEN_UP = "given_up", "Given up"

    @classmethod
    def open(cls) -> tuple[WebhookStatus, ...]:
        """There is still a call to come."""
        return (cls.WAITING, cls.FAILED)


class SuppressionReason(models.TextChoices):
    BOUNCE = "bounce", "Hard bounce"
    COMPLAINT = "complaint", "Complaint"
    UNSUBSCRIBE = "unsubscribe", "Unsubscribed"
    MANUAL = "manual", "Added by an operator"
    IMPORT = "import", "Imported"

    @classmethod
    def strict(cls) -> tuple[SuppressionReason, ...]:
        """What a mailbox or its owner said: who writes all the same harms the sender."""
        return (cls.BOUNCE, cls.COMPLAINT)


class SuppressionState(models.TextChoices):
    """Not a column: it follows from the dates of a suppression."""

    IN_FORCE = "in force", "In force"
    EXPIRED = "expired", "Expired"
    LIFTED = "lifted", "Lifted"


class SkipReason(models.TextChoices):
    """Why an event got no message on a channel."""

    INACTIVE = "inactive", "The event is not active."
    NOT_SUBSCRIBED = "not_subscribed", "The event is not subscribed on this channel."
    SWITCHED_OFF = "switched_off", "All events are switched off on this channel."
    NO_TEMPLATE = "no_template", "No template is published for it."
    NO_ADDRESS = "no_address", "The recipient has no address on this channel."
    NO_PROVIDER = "no_provider", "No provider sends on this channel."
    SUPPRESSED = "suppressed", "The address is on the suppression list."


class CapPeriod(models.TextChoices):
    """How far back a frequency cap looks."""

    HOUR = "hour", "An hour"
    DAY = "day", "A day"
    WEEK = "week", "A week"

    @property
    def words(self) -> str:
        return str(self.label).lower()


class MailboxProtocol(models.TextChoices):
    IMAP = "imap", "IMAP"
    POP3 = "pop3", "POP3"


class MailboxSecurity(models.TextChoices):
    TLS = "tls", "SSL/TLS"  # from the first byte
    STARTTLS = "starttls", "STARTTLS"
    NONE = "none", "None (not encrypted)"


class AfterReading(models.TextChoices):
    """What is done with a mail that was understood and is one of ours."""

    SEEN = "seen", "Mark it as read"
    MOVE = "move", "Move it to a folder"
    DELETE = "delete", "Delete it"


class ProcessRole(models.TextChoices):
    WORKER = "worker", "Worker"  # a Celery worker
    SCHEDULER = "scheduler", "Scheduler"  # Celery's beat
    EMBEDDED = "embedded", "Embedded worker"  # both, the child of `up`


class Encoding(models.TextChoices):
    UTF_8 = "utf-8", "UTF-8"
    CP1252 = "cp1252", "Western European (Windows-1252)"
    CP1250 = "cp1250", "Central European (Windows-1250)"
    CP1251 = "cp1251", "Cyrillic (Windows-1251)"
    LATIN_1 = "iso-8859-1", "Western European (ISO-8859-1)"
    LATIN_2 = "iso-8859-2", "Central European (ISO-8859-2)"
    LATIN_9 = "iso-8859-15", "Western European with euro sign (ISO-8859-15)"


class Delimiter(models.TextChoices):
    COMMA = ",", "Comma ,"
    SEMICOLON = ";", "Semicolon ;"
    TAB = "\t", "Tab"
    PIPE = "|", "Vertical bar |"


class Scope(models.TextChoices):
    """What an API key may do. Looking needs `read` or the scope of what is looked at."""

    READ = "read", "Read everything"
    SEND = "send", "Send messages"
    CONTENT = "content", "Templates, variables, events, subscriptions"
    AUDIENCE = "audience", "Audiences"
    CAMPAIGN = "campaign", "Campaigns"
    PROVIDER = "provider", "Providers, routes, channels, webhooks"
    SUPPRESSION = "suppression", "Suppressions"
    OTP = "otp", "Send and check one-time passwords"
    OTP_SETTINGS = "otp_settings", "How one-time passwords are made, limited and blocked"


class ApiKeyState(models.TextChoices):
    """Not a column: it follows from the dates of a key."""

    ACTIVE = "active", "Active"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"
