from __future__ import annotations

from integrations.models.as2 import As2Connection
from integrations.models.audit import AuditHead, EnvelopeEvent
from integrations.models.blobs import Blob
from integrations.models.document_templates import DocumentTemplate, DocumentTemplateVersion
from integrations.models.envelopes import Envelope, EnvelopeDelivery, EnvelopeDocument
from integrations.models.integrations import Integration
from integrations.models.mailboxes import Account, Mailbox, MailboxAlias
from integrations.models.rules import ConversionRule, ValidationFile
from integrations.models.sftp import FolderFile, SftpConnection
from integrations.models.transmissions import ConversionLog, Transmission

__all__ = [
    "Account",
    "As2Connection",
    "AuditHead",
    "Blob",
    "ConversionLog",
    "ConversionRule",
    "DocumentTemplate",
    "DocumentTemplateVersion",
    "Envelope",
    "EnvelopeDelivery",
    "EnvelopeDocument",
    "EnvelopeEvent",
    "FolderFile",
    "Integration",
    "Mailbox",
    "MailboxAlias",
    "SftpConnection",
    "Transmission",
    "ValidationFile",
]
