"""The native envelope format: what every OUT rule makes, and every IN rule is given.

    <envelope uuid="" sender="" template="" version="" chain="" sent="">
      <subject>Order 4711</subject>
      <message>...</message>
      <recipients><mailbox alias-scheme="GLN" value="4000001000005"/></recipients>
      <documents>
        <document name="order.pdf" media-type="application/pdf" encoding="base64">JVBE...</document>
        <document name="note.txt" media-type="text/plain" encoding="text">...</document>
      </documents>
      <fields>
        <field name="order_number">4711</field>
        <table name="lines"><row><field name="sku">A-1</field></row></table>
      </fields>
    </envelope>

Several stand in <envelopes>. All attributes of <envelope> are optional, and so are all parts but
the subject. A large document's base64 is in several <part> elements. In what a rule makes,
encoding="source" stands for the file that was converted.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from integrations.conversion.segments import NOT_IN_XML
from integrations.conversion.xml_reading import serialised

Element = Any  # lxml has no types
MAX_BYTES = 96 * 1024 * 1024  # a file of 64 MB in base64, and more beside it
PART = 3 * 1024 * 1024  # bytes of a document in one text of XML
ABOUT = ("uuid", "sender", "template", "version", "chain", "sent")
SCHEMES = ("UUID", "GLN", "DUNS", "AS2", "EMAIL", "EDI-ID", "FREE")


@dataclass(frozen=True, slots=True)
class Recipient:
    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class NativeEnvelope:
    """`tables` are rows of cells by name; `about` are the attributes that are there."""

    subject: str
    message: str = ""
    recipients: tuple[Recipient, ...] = ()
    documents: tuple[Document, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)


def write_native(envelopes: Iterable[NativeEnvelope]) -> bytes:
    """One <envelope>, or <envelopes> when there are several or none."""
    found = [_element(envelope) for envelope in envelopes]
    if len(found) == 1:
        return serialised(found[0])
    root = etree.Element("envelopes")
    root.extend(found)
    return serialised(root)


def _element(envelope: NativeEnvelope) -> Element:
    root = etree.Element("envelope", {key: envelope.about[key] for key in _known(envelope.about)})
    _add(root, "subject", envelope.subject)
    if envelope.message:
        _add(root, "message", envelope.message)
    if envelope.recipients:
        recipients = etree.SubElement(root, "recipients")
        for each in envelope.recipients:
            etree.SubElement(
                recipients, "mailbox", {"alias-scheme": each.scheme, "value": _clean(each.value)}
            )
    if envelope.documents:
        documents = etree.SubElement(root, "documents")
        for document in envelope.documents:
            _add_document(documents, document)
    if envelope.fields or envelope.tables:
        _add_fields(etree.SubElement(root, "fields"), envelope)
    return root


def _known(about: Mapping[str, str]) -> Iterator[str]:
    return (key for key in ABOUT if about.get(key))


def _add_document(parent: Element, document: Document) -> None:
    element = etree.SubElement(
        parent,
        "document",
        {"name": document.name, "media-type": document.media_type, "encoding": "base64"},
    )
    content = document.content
    if len(content) <= PART:
        element.text = base64.b64encode(content).decode()
        return
    for start in range(0, len(content), PART):  # a multiple of three bytes
        part = base64.b64encode(content[start : start + PART]).decode()
        etree.SubElement(element, "part").text = part


def _add_fields(parent: Element, envelope: NativeEnvelope) -> None:
    for name, value in envelope.fields.items():
        _add(parent, "field", value, name=_clean(name))
    for name, rows in envelope.tables.items():
        table = etree.SubElement(parent, "table", name=_clean(name))
        for row in rows:
            element = etree.SubElement(table, "row")
            for column, value in row.items():
                _add(element, "field", value, name=_clean(column))


def _add(parent: Element, tag: str, text: str, **attributes: str) -> None:
    etree.SubElement(parent, tag, attributes).text = _clean(text)


def _clean(text: str) -> str:
    return NOT_IN_XML.sub(" ", text)
