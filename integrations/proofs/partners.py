"""A partner and the house, and what is left of their documents when all is done."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from integrations import arrivals, blobs, executing, rules
from integrations.arrivals import Arrived
from integrations.choices import Direction, Engine, Folder, MatchingSource, Protocol
from integrations.models import (
    Account,
    ConversionRule,
    EnvelopeDelivery,
    FolderFile,
    Integration,
    Mailbox,
    SftpConnection,
    Transmission,
)
from omnichannel.proofs.base import ProofFailed

MAP = '{"subject": {"path": "row[1]/col[@name=\'number\']"}, "attach": true}'
TABLE = "number,item\n{0},Jacket\n"
NATIVE = (
    "<envelopes><envelope><subject>{0}a</subject></envelope>"
    "<envelope><subject>{0}b</subject></envelope></envelopes>"
)


@dataclass(frozen=True)
class Partners:
    partner: Integration
    house: Integration


def make(at: datetime.datetime) -> Partners:
    account = Account.objects.create(name="Proof")
    made = []
    for name in ("Partner", "House"):
        mailbox = Mailbox.objects.create(account=account, name=name)
        integration = Integration.objects.create(mailbox=mailbox, active=True)
        SftpConnection.objects.create(integration=integration)
        made.append(integration)
    account.default_mailbox = made[1].mailbox
    account.save(update_fields=["default_mailbox"])
    _rule(made[0].mailbox, at)
    return Partners(*made)


def _rule(mailbox: Mailbox, at: datetime.datetime) -> None:
    rule = ConversionRule(
        account=mailbox.account,
        mailbox=mailbox,
        direction=Direction.OUT,
        name="Tables",
        engine=Engine.FIELD_MAP,
        body=MAP,
        matching_source=MatchingSource.NAME,
        matching_pattern="[.]csv$",
    )
    done = executing.execute(rule, [], TABLE.format(1).encode(), "a.csv", at=at)
    if not done.is_good:
        raise ProofFailed("; ".join(said.text for said in done.messages))
    rules.save(rule, [], ran=done.digest, by=None, at=at)
    rules.switch(rule, True, by=None, at=at)


def put(partners: Partners, number: int, at: datetime.datetime) -> list[str]:
    """A file of our own XML, at times one to convert; what envelopes they have to become."""
    _take_in(partners, Folder.OUTBOX, f"{number}.xml", NATIVE.format(number), at)
    if number % 3:
        return [f"{number}a", f"{number}b"]
    _take_in(partners, Folder.COUTBOX, f"{number}.csv", TABLE.format(f"{number}c"), at)
    return [f"{number}a", f"{number}b", f"{number}c"]


def _take_in(
    partners: Partners, folder: Folder, name: str, text: str, at: datetime.datetime
) -> None:
    blob = blobs.store(text.encode())
    arrived = Arrived(partners.partner, Protocol.SFTP, name, blob, folder=folder)
    arrivals.take_in(arrived, at=at)


def counted(partners: Partners) -> Counter[str]:
    """How often each envelope, by its subject, was put before the house."""
    found: Counter[str] = Counter()
    rows = EnvelopeDelivery.objects.filter(mailbox=partners.house.mailbox)
    for row in rows.select_related("envelope"):
        sent = Transmission.objects.filter(delivery=row).count()
        shown = FolderFile.objects.filter(integration=partners.house, transmission__delivery=row)
        found[row.envelope.subject] += max(sent, shown.count())
    return found


def left(partners: Partners) -> Iterator[str]:
    """What is still to be seen of files that were done."""
    for row in FolderFile.objects.filter(integration=partners.partner):
        yield f"{row.folder}/{row.name}"
