"""Envelopes in our own XML: read into drafts, and written from rows."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass

from integrations import blobs
from integrations.choices import AliasScheme
from integrations.conversion import native, native_reading
from integrations.directory import AccountBook
from integrations.drafts import Draft, Paper
from integrations.exceptions import DocumentRefused
from integrations.models import DocumentTemplateVersion, Envelope, EnvelopeDocument, Mailbox

SCHEMES = {"edi-id": AliasScheme.EDI.value}


@dataclass(frozen=True)
class Source:
    """The file that envelopes were made of by a rule: the document of one that has no other."""

    paper: Paper
    data: bytes

    def document(self) -> native.Document:
        return native.Document(self.paper.name, self.paper.media_type, self.data)


def read(data: bytes, source: Source | None) -> list[native.NativeEnvelope]:
    """Raises DocumentRefused with the line."""
    return native_reading.parse_native(data, source.document() if source else None)


def drafts_of(
    envelopes: list[native.NativeEnvelope],
    *,
    sender: Mailbox,
    book: AccountBook,
    source: Source | None,
    version: DocumentTemplateVersion | None,
) -> list[Draft]:
    """Their documents are stored. Raises DocumentRefused, before anything is stored."""
    addressed = [(each, recipients_of(each, sender, book)) for each in envelopes]
    return [
        Draft(
            sender,
            recipients,
            each.subject,
            message=each.message,
            papers=_papers(each, source),
            fields=dict(each.fields),
            tables={name: [dict(row) for row in rows] for name, rows in each.tables.items()},
            template_version=_fitting(each, version or _version(each, book)),
            chain=_chain(each, book),
        )
        for each, recipients in addressed
    ]


def _papers(envelope: native.NativeEnvelope, source: Source | None) -> list[Paper]:
    if not envelope.documents and source:
        return [source.paper]
    return [
        Paper(
            each.name,
            each.media_type,
            source.paper.blob
            if source and each.content == source.data
            else blobs.store(each.content),
        )
        for each in envelope.documents
    ]


def recipients_of(
    envelope: native.NativeEnvelope, sender: Mailbox, book: AccountBook
) -> list[Mailbox]:
    """The mailboxes that it names, or the house mailbox. Raises DocumentRefused."""
    found: dict[int, Mailbox] = {}
    for number, named in enumerate(envelope.recipients, start=1):
        scheme = named.scheme.lower()
        mailbox = book.find(SCHEMES.get(scheme, scheme), named.value)
        if mailbox is None:
            raise DocumentRefused(
                f"Recipient {number} is no active mailbox of this account. Add its "
                f"{named.scheme or 'name'} to the aliases of the mailbox.",
                "recipient",
            )
        found[mailbox.pk] = mailbox
    return list(found.values()) or [house_of(book, sender)]


def house_of(book: AccountBook, sender: Mailbox) -> Mailbox:
    """Who gets what nobody is named for. Raises DocumentRefused."""
    house = book.house
    if house is None or not house.is_active or house.pk == sender.pk:
        raise DocumentRefused(
            f"No recipient is named and {book.account} has no other house mailbox. Choose one on "
            "the page of the account.",
            "recipient",
        )
    return house


def _version(envelope: native.NativeEnvelope, book: AccountBook) -> DocumentTemplateVersion | None:
    """The template version that an envelope names itself."""
    key, number = envelope.about.get("template", ""), envelope.about.get("version", "")
    if not key:
        return None
    rows = DocumentTemplateVersion.objects.filter(template__account=book.account)
    for row in rows.select_related("template").order_by("-number"):
        if str(row.template.key) == key.lower() and number in ("", str(row.number)):
            return row
    raise DocumentRefused("The envelope names a template that is not known here.", "template")


def _fitting(
    envelope: native.NativeEnvelope, version: DocumentTemplateVersion | None
) -> DocumentTemplateVersion | None:
    """Raises DocumentRefused when it lacks a field that its template needs."""
    for each in version.fields if version else ():
        if not each.get("required"):
            continue
        table, name = each.get("table", ""), each["name"]
        rows = envelope.tables.get(table, ()) if table else (envelope.fields,)
        if not rows or not all(str(row.get(name, "")).strip() for row in rows):
            where = f" in the table {table}" if table else ""
            raise DocumentRefused(
                f"The template {version} needs the field {name}{where}. Map it in the rule.",
                "field",
            )
    return version


def _chain(envelope: native.NativeEnvelope, book: AccountBook) -> uuid.UUID | None:
    """The chain that it names, if that is one of this account."""
    try:
        chain = uuid.UUID(envelope.about.get("chain", ""))
    except ValueError:
        return None
    known = Envelope.objects.filter(chain=chain, sender__account=book.account)
    return chain if known.exists() else None


def native_of(envelope: Envelope) -> bytes:
    """All of it with its documents. Raises DocumentRefused when retention has taken one."""
    documents = EnvelopeDocument.objects.filter(envelope=envelope).select_related("blob")
    version = envelope.template_version
    about = {
        "uuid": str(envelope.key),
        "sender": str(envelope.sender.key),
        "chain": str(envelope.chain),
        "sent": envelope.created_at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
    }
    if version:
        about |= {"template": str(version.template.key), "version": str(version.number)}
    recipients = Mailbox.objects.filter(received__envelope=envelope).order_by("received__pk")
    made = native.NativeEnvelope(
        subject=envelope.subject,
        message=envelope.message,
        recipients=tuple(native.Recipient("UUID", str(each.key)) for each in recipients),
        documents=tuple(
            native.Document(each.name, each.media_type, blobs.read(each.blob))
            for each in documents.order_by("number")
        ),
        fields={name: str(value) for name, value in envelope.fields.items()},
        tables={
            name: tuple({key: str(value) for key, value in row.items()} for row in rows)
            for name, rows in envelope.tables.items()
        },
        about=about,
    )
    return native.write_native([made])
