"""Mailboxes that are read by IMAP or POP3, under one end for everything and a bound for it."""

from __future__ import annotations

from omnichannel.mailbox.base import Access, Mail, Mailbox, MailboxTrouble
from omnichannel.mailbox.imap import ImapMailbox
from omnichannel.mailbox.pop3 import Pop3Mailbox


def mailbox_of(access: Access) -> Mailbox:
    return ImapMailbox(access) if access.protocol == "imap" else Pop3Mailbox(access)


__all__ = ["Access", "Mail", "Mailbox", "MailboxTrouble", "mailbox_of"]
