"""A partner that trades with the demo's company: what a first start shows of integrations."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path

from django.conf import settings
from django.db.models import ProtectedError, Q

from integrations import arrivals, blobs, demo_notice, executing
from integrations.arrivals import Arrived
from integrations.choices import (
    AliasScheme,
    DefaultRule,
    Direction,
    Engine,
    Folder,
    MatchingSource,
    OutputFormat,
    Protocol,
    RuleTarget,
)
from integrations.models import (
    Account,
    ConversionLog,
    ConversionRule,
    DocumentTemplate,
    DocumentTemplateVersion,
    Envelope,
    EnvelopeDelivery,
    Integration,
    Mailbox,
    MailboxAlias,
    SftpConnection,
    Transmission,
)

EXAMPLES = Path(settings.BASE_DIR) / "docs" / "examples" / "integrations"
KEY = uuid.UUID("5d5ac2f4-6a2b-5a9e-9f0c-0c1f6d3f0b11")  # of the account; so it is found again
FIELDS = (
    *(("order_number", "text", ""), ("order_date", "date", ""), ("delivery_date", "date", "")),
    *(("buyer", "text", ""), ("buyer_name", "text", ""), ("supplier", "text", "")),
    *(("currency", "text", ""), ("line", "number", "lines"), ("gtin", "text", "lines")),
    *(("sku", "text", "lines"), ("description", "text", "lines")),
    *(("quantity", "number", "lines"), ("price", "number", "lines")),
)
REQUIRED = ("order_number",)


def is_loaded() -> bool:
    return Account.objects.filter(key=KEY).exists()


def load(at: datetime.datetime) -> None:
    """Make it, once. One order arrives; the next tick makes an envelope of it.

    The partner cannot sign in before somebody presses Reset on its page: that shows a password.
    """
    if is_loaded() or Account.objects.filter(name="Example Trading").exists():
        return
    account = Account.objects.create(key=KEY, name="Example Trading")
    house = Mailbox.objects.create(account=account, name="Example Trading")
    partner = Mailbox.objects.create(account=account, name="Northwind Example")
    account.default_mailbox = house
    account.save(update_fields=["default_mailbox"])
    _aliases({house: "4000002000004", partner: "4000001000005"})
    version = _template(account)
    _connect(house, DefaultRule.COPY)
    demo_notice.load()
    integration = _connect(partner, DefaultRule.COPY)
    _orders(partner, version)
    _responses(partner, version)
    arrived = Arrived(
        integration,
        Protocol.SFTP,
        "orders.edi",
        blobs.store((EXAMPLES / "orders.edi").read_bytes()),
        folder=Folder.COUTBOX,
        peer=str(integration.sftp.login),
    )
    arrivals.take_in(arrived, at=at)


def _aliases(numbers: dict[Mailbox, str]) -> None:
    """Where an operator's own mailbox has one, that is left alone."""
    for mailbox, number in numbers.items():
        MailboxAlias.objects.get_or_create(
            scheme=AliasScheme.GLN, value=number, defaults={"mailbox": mailbox}
        )


def _template(account: Account) -> DocumentTemplateVersion:
    template = DocumentTemplate.objects.create(account=account, name="Order")
    fields = [
        {"name": name, "type": kind, "required": name in REQUIRED, "table": table}
        for name, kind, table in FIELDS
    ]
    return DocumentTemplateVersion.objects.create(template=template, number=1, fields=fields)


def _connect(mailbox: Mailbox, rule: DefaultRule) -> Integration:
    integration = Integration.objects.create(
        mailbox=mailbox,
        active=True,
        protocol=Protocol.SFTP,
        notify_email="orders@example.com",
        default_rule=rule,
    )
    SftpConnection.objects.create(integration=integration)
    return integration


def _orders(partner: Mailbox, version: DocumentTemplateVersion) -> None:
    rule = ConversionRule(
        account=partner.account,
        mailbox=partner,
        direction=Direction.OUT,
        name="Orders from EDIFACT",
        active=True,
        position=1,
        template_version=version,
        matching_source=MatchingSource.NAME,
        matching_pattern=r"\.edi$",
        document_type="ORDERS",
        engine=Engine.FIELD_MAP,
        body=(EXAMPLES / "orders-fieldmap.json").read_text(),
        target=RuleTarget.ENVELOPE,
        example=blobs.store((EXAMPLES / "orders.edi").read_bytes()),
        example_name="orders.edi",
    )
    _save(rule)


def _responses(partner: Mailbox, version: DocumentTemplateVersion) -> None:
    rule = ConversionRule(
        account=partner.account,
        mailbox=partner,
        direction=Direction.IN,
        name="Order responses to EDIFACT",
        active=True,
        position=2,
        template_version=version,
        engine=Engine.FIELD_MAP,
        body=(EXAMPLES / "ordrsp-fieldmap.json").read_text(),
        output=OutputFormat.EDIFACT,
        naming_pattern="ordrsp-{date yyyyMMdd}-{randomNumber}.edi",
        target=RuleTarget.REMOTE,
    )
    _save(rule)


def _save(rule: ConversionRule) -> None:
    """Both were run: a test of the demo runs them."""
    rule.verified_digest = executing.digest_of(rule, [])
    rule.save()


def remove() -> list[str]:
    """Take it away with what came of it; answer what had to stay. The audit trail stays."""
    account = Account.objects.filter(key=KEY).first()
    if account is None:
        return []
    boxes = Mailbox.objects.filter(account=account)
    elsewhere = EnvelopeDelivery.objects.filter(envelope__sender__in=boxes)
    if elsewhere.exclude(mailbox__in=boxes).exists():
        return [f"account {account}"]
    ConversionLog.objects.filter(mailbox__in=boxes).delete()
    Envelope.objects.filter(Q(sender__in=boxes) | Q(deliveries__mailbox__in=boxes)).delete()
    Transmission.objects.filter(integration__mailbox__in=boxes).delete()
    ConversionRule.objects.filter(account=account).delete()
    try:
        DocumentTemplate.objects.filter(account=account).delete()
        Integration.objects.filter(mailbox__in=boxes).delete()
        boxes.delete()
        account.delete()
    except ProtectedError:
        return [f"account {account}"]
    return []
