from __future__ import annotations

import itertools

from integrations import blobs
from integrations.choices import Direction, Engine, Protocol, TransmissionStatus
from integrations.models import (
    Account,
    As2Connection,
    ConversionRule,
    Integration,
    Mailbox,
    SftpConnection,
    Transmission,
)

_numbers = itertools.count(1)


def make_account(**fields):
    return Account.objects.create(**{"name": f"Account {next(_numbers)}", **fields})


def make_mailbox(account=None, **fields):
    account = account or make_account()
    return Mailbox.objects.create(account=account, **{"name": f"Box {next(_numbers)}", **fields})


def make_house(account):
    """The account's own mailbox."""
    house = make_mailbox(account, name="House")
    account.default_mailbox = house
    account.save(update_fields=["default_mailbox"])
    return house


def make_integration(mailbox=None, **fields):
    mailbox = mailbox or make_mailbox()
    return Integration.objects.create(mailbox=mailbox, **{"active": True, **fields})


def make_sftp(integration=None, **fields):
    return SftpConnection.objects.create(integration=integration or make_integration(), **fields)


def make_as2(integration=None, **fields):
    integration = integration or make_integration(protocol=Protocol.AS2)
    return As2Connection.objects.create(
        integration=integration, **{"self_id": f"STUDIO{next(_numbers)}", **fields}
    )


def make_rule(box, **fields):
    defaults = {
        "account": box.account,
        "mailbox": box,
        "direction": Direction.OUT,
        "name": f"Rule {next(_numbers)}",
        "active": True,
        "verified_digest": "0" * 64,
        "engine": Engine.PASS,
        "position": next(_numbers),
    }
    return ConversionRule.objects.create(**{**defaults, **fields})


def make_transmission(integration, data=b"hello", **fields):
    defaults = {
        "is_incoming": True,
        "protocol": integration.protocol,
        "filename": "document.txt",
        "status": TransmissionStatus.RECEIVED,
    }
    blob = fields.pop("blob", None) or blobs.store(data)
    return Transmission.objects.create(integration=integration, blob=blob, **{**defaults, **fields})
