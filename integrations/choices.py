"""The words of the statuses. Groups of them stand beside them."""

from __future__ import annotations

from django.db.models import TextChoices


class Protocol(TextChoices):
    SFTP = "sftp", "SFTP"
    AS2 = "as2", "AS2"


class DefaultRule(TextChoices):
    """What happens to an incoming envelope that no IN rule matches."""

    COPY = "copy", "Copy to the remote server"
    NOTIFY = "notify", "Send a notification e-mail"
    REJECT = "autoreject", "Reject with a reason"


class Folder(TextChoices):
    """Named from the partner's side: they put into the outboxes, and fetch from the inboxes."""

    INBOX = "inbox", "inbox"  # envelopes for the partner, in our own XML
    OUTBOX = "outbox", "outbox"  # envelopes of the partner, in our own XML
    CINBOX = "cinbox", "cinbox"  # converted for the partner
    COUTBOX = "coutbox", "coutbox"  # of the partner, to be converted
    ERROR = "error", "error"  # what could not be processed

    @classmethod
    def taken_in(cls) -> tuple[Folder, ...]:
        """What is put here is a document that the partner sends."""
        return (cls.OUTBOX, cls.COUTBOX)


class Direction(TextChoices):
    """As the owner of the mailbox sees it."""

    OUT = "out", "OUT"  # what the owner sends: a file becomes an envelope
    IN = "in", "IN"  # what the owner receives: an envelope becomes a file


class Engine(TextChoices):
    FIELD_MAP = "fieldmap", "Field map"
    XSLT = "xslt", "XSLT 1.0"
    JINJA = "jinja", "Jinja"
    PASS = "passthrough", "Pass through"


class OutputFormat(TextChoices):
    XML = "xml", "XML"
    JSON = "json", "JSON"
    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel"
    EDIFACT = "edifact", "EDIFACT"
    X12 = "x12", "X12"
    TEXT = "text", "Text"


class MatchingSource(TextChoices):
    NAME = "name", "File name"
    CONTENT = "content", "Content"
    ATTRIBUTE = "attribute", "Attribute"


class RuleTarget(TextChoices):
    """What a matched document becomes."""

    ENVELOPE = "envelope", "An envelope"  # OUT
    AUDIENCE = "audience_import", "An audience"  # OUT: a CSV
    REMOTE = "remote", "A file for the remote server"  # IN: cinbox or AS2
    EVENT = "event", "A business event"  # either


class EnvelopeStatus(TextChoices):
    DRAFT = "draft", "Draft"
    SENT = "sent", "Sent"
    WAITING = "waiting", "Waiting"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"

    @classmethod
    def open(cls) -> tuple[EnvelopeStatus, ...]:
        return (cls.SENT, cls.WAITING)


class DeliveryStatus(TextChoices):
    RECEIVED = "received", "Received"  # to be looked at
    WORKING = "working", "In work"  # under a lease
    WAITING = "waiting", "Waiting"  # the integration is off: an operator says "process now"
    KEPT = "kept", "In the mailbox"  # the mailbox has no integration: nothing more happens
    CONVERTED = "converted", "Converted"
    COPIED = "copied", "Copied"
    NOTIFIED = "notified", "Notified"
    REJECTED = "rejected", "Rejected"
    FAILED = "failed", "Failed"
    SEEN = "seen", "Seen"

    @classmethod
    def handed(cls) -> tuple[DeliveryStatus, ...]:
        """Given to the remote server, or on the way there."""
        return (cls.CONVERTED, cls.COPIED)


class TransmissionStatus(TextChoices):
    RECEIVED = "received", "Received"  # to be processed
    WORKING = "working", "In work"  # under a lease
    WAITING = "waiting", "Waiting"  # the integration is off: an operator says "process now"
    QUEUED = "queued", "Queued"  # to be sent
    SENT = "sent", "Sent"  # its asynchronous receipt is awaited
    DONE = "done", "Done"
    ERROR = "error", "Error"
    DUPLICATE = "duplicate", "Duplicate"


class MdnState(TextChoices):
    NONE = "none", "None"
    PENDING = "pending", "Awaited"
    PROCESSED = "processed", "Processed"
    WARNING = "warning", "With a warning"
    FAILED = "failed", "Failed"
    UNVERIFIED = "unverified", "Not verified"


class LogStatus(TextChoices):
    PROCESSED = "processed", "Processed"
    REPROCESSED = "reprocessed", "Reprocessed"
    FAILED = "failed", "Failed"


class ValidationKind(TextChoices):
    XSD = "xsd", "XML Schema"
    SCHEMATRON = "sch", "Schematron"


class AliasScheme(TextChoices):
    GLN = "gln", "GLN"
    DUNS = "duns", "D-U-N-S"
    AS2 = "as2", "AS2"
    EMAIL = "email", "E-mail"
    EDI = "edi", "EDI id"
    FREE = "free", "Free"


class Encryption(TextChoices):
    AES256 = "aes256", "AES-256"
    AES192 = "aes192", "AES-192"
    AES128 = "aes128", "AES-128"
    AES256_GCM = "aes256-gcm", "AES-256-GCM"
    AES128_GCM = "aes128-gcm", "AES-128-GCM"
    TRIPLE_DES = "3des", "3DES (old)"
    NONE = "none", "None"


class Signing(TextChoices):
    SHA256 = "sha256", "SHA-256"
    SHA384 = "sha384", "SHA-384"
    SHA512 = "sha512", "SHA-512"
    SHA1 = "sha1", "SHA-1 (old)"
    NONE = "none", "None"


class MdnMode(TextChoices):
    SYNC = "sync", "In the answer"
    ASYNC = "async", "Later"
    NONE = "none", "None"


class Operation(TextChoices):
    """What the audit trail tells."""

    CREATED = "created", "Created"
    CHANGED = "changed", "Changed"
    DELETED = "deleted", "Deleted"
    SWITCHED_ON = "on", "Switched on"
    SWITCHED_OFF = "off", "Switched off"
    PASSWORD = "password", "New password"
    CERTIFICATE = "certificate", "Certificate"
    HOST_KEY = "host_key", "Host key"
    LOCKED_OUT = "locked_out", "Locked out"
    SIGNED_IN = "signed_in", "Signed in"
    TAKEN_IN = "taken_in", "Taken in"
    FETCHED = "fetched", "Fetched"
    REMOVED = "removed", "Removed"
    FORMAT = "format", "Format found"
    CONSIDERED = "considered", "Rule considered"
    APPLIED = "applied", "Rule applied"
    VALIDATED = "validated", "Validated"
    CONVERTED = "converted", "Converted"
    FAILED = "failed", "Failed"
    SENT = "sent", "Envelope sent"
    RECEIVED = "received", "Envelope received"
    DEFAULT_RULE = "default_rule", "Default rule"
    PLACED = "placed", "Placed in a folder"
    TRANSMITTED = "transmitted", "Transmitted"
    RECEIPT = "receipt", "Receipt"
    MESSAGE = "message", "Message queued"
    REPROCESSED = "reprocessed", "Reprocessed"
    SEEN = "seen", "Seen"
    DOWNLOADED = "downloaded", "Downloaded"
    REJECTED = "rejected", "Rejected"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"
