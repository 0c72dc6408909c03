"""Reads native envelope XML (see `native`), strictly: what is not known is refused."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.conversion.names import safe_name
from integrations.conversion.native import (
    ABOUT,
    MAX_BYTES,
    SCHEMES,
    Document,
    NativeEnvelope,
    Recipient,
)
from integrations.conversion.xml_reading import elements, local_name, parse
from integrations.exceptions import DocumentRefused

Element = Any  # lxml has no types
MAX_ENVELOPES = 1_000
MAX_RECIPIENTS = 100
MAX_DOCUMENTS = 100
MAX_FIELDS = 1_000
MAX_TABLES = 50
MAX_ROWS = 100_000
MAX_SUBJECT = 300
MAX_MESSAGE = 20_000
MAX_NAME = 200
MAX_VALUE = 20_000
ENCODINGS = ("base64", "text", "source")


def parse_native(
    data: bytes, source: Document | None = None, error_class: type[Any] = DocumentRefused
) -> list[NativeEnvelope]:
    """Strict. Errors (of `error_class`) name the element and its line.

    `source` is what stands for encoding="source"; without it that encoding is refused.
    """
    root = parse(data, error_class, what="The envelope XML", most=MAX_BYTES)
    return envelopes_of(root, source, error_class)


def envelopes_of(
    root: Element, source: Document | None = None, error_class: type[Any] = DocumentRefused
) -> list[NativeEnvelope]:
    return _Reader(source, error_class).envelopes(root)


class _Reader:
    def __init__(self, source: Document | None, error_class: type[Any]) -> None:
        self.source = source
        self.error_class = error_class

    def envelopes(self, root: Element) -> list[NativeEnvelope]:
        if local_name(root) == "envelope":
            return [self.envelope(root)]
        if local_name(root) != "envelopes":
            raise self.wrong(root, "The root has to be <envelope> or <envelopes>")
        found = [self.envelope(each) for each in self.some(root, "envelope", MAX_ENVELOPES)]
        if not found:
            raise self.wrong(root, "There is no <envelope> in it")
        return found

    def envelope(self, element: Element) -> NativeEnvelope:
        self.known_attributes(element, ABOUT)
        parts: dict[str, Element] = {}
        for child in elements(element):
            name = local_name(child)
            if name not in ("subject", "message", "recipients", "documents", "fields"):
                raise self.wrong(child, "It is not a part of an envelope")
            if name in parts:
                raise self.wrong(child, "It is there twice")
            parts[name] = child
        if "subject" not in parts:
            raise self.wrong(element, "It has no <subject>")
        subject = " ".join(self.text(parts["subject"], MAX_SUBJECT).split())
        if not subject:
            raise self.wrong(parts["subject"], "It is empty")
        message = self.text(parts["message"], MAX_MESSAGE) if "message" in parts else ""
        fields, tables = self.fields(parts.get("fields"))
        return NativeEnvelope(
            subject,
            message,
            self.all_of(parts.get("recipients"), "mailbox", MAX_RECIPIENTS, self.recipient),
            self.all_of(parts.get("documents"), "document", MAX_DOCUMENTS, self.document),
            fields,
            tables,
            {key: str(value)[:MAX_NAME] for key, value in element.attrib.items()},
        )

    def all_of(
        self, parent: Element | None, name: str, most: int, read: Callable[[Element], Any]
    ) -> tuple[Any, ...]:
        return () if parent is None else tuple(map(read, self.some(parent, name, most)))

    def recipient(self, element: Element) -> Recipient:
        self.known_attributes(element, ("alias-scheme", "value"))
        scheme, value = element.get("alias-scheme", "UUID"), element.get("value", "").strip()
        if scheme not in SCHEMES:
            raise self.wrong(element, f"alias-scheme is one of {', '.join(SCHEMES)}")
        if not value or len(value) > MAX_NAME:
            raise self.wrong(element, f"value has 1 to {MAX_NAME} characters")
        return Recipient(scheme, value)

    def document(self, element: Element) -> Document:
        self.known_attributes(element, ("name", "media-type", "encoding"))
        encoding = element.get("encoding", "text")
        if encoding not in ENCODINGS:
            raise self.wrong(element, f"encoding is one of {', '.join(ENCODINGS)}")
        if encoding == "source":
            return self.attached(element)
        name = element.get("name", "").strip()
        if not name:
            raise self.wrong(element, "It has no name")
        text = self.long_text(element)
        media_type = element.get("media-type", "") or "application/octet-stream"
        content = self.decoded(element, text) if encoding == "base64" else text.encode()
        return Document(safe_name(name), self.media_type(element, media_type), content)

    def attached(self, element: Element) -> Document:
        if self.source is None:
            raise self.wrong(element, 'encoding="source" is for conversion rules only')
        name = element.get("name", "").strip() or self.source.name
        media_type = element.get("media-type", "") or self.source.media_type
        return Document(safe_name(name), self.media_type(element, media_type), self.source.content)

    def media_type(self, element: Element, text: str) -> str:
        kind, slash, rest = text.partition("/")
        allowed = kind + rest
        if not (kind and slash and rest) or len(text) > 100 or not _is_token(allowed):
            raise self.wrong(element, "media-type is of the form text/plain")
        return text.lower()

    def long_text(self, element: Element) -> str:
        parts = self.some(element, "part", MAX_ROWS)
        if not parts:
            return element.text or ""
        return "".join(self.text(part, 10_000_000) for part in parts)

    def decoded(self, element: Element, text: str) -> bytes:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.wrong(element, "It is not base64") from error

    def fields(
        self, parent: Element | None
    ) -> tuple[dict[str, str], dict[str, tuple[Mapping[str, str], ...]]]:
        if parent is None:
            return {}, {}
        tables: dict[str, tuple[Mapping[str, str], ...]] = {}
        plain: list[Element] = []
        for child in elements(parent):
            if local_name(child) != "table":
                plain.append(child)
                continue
            name = self.name(child)
            if name in tables or len(tables) >= MAX_TABLES:
                raise self.wrong(child, f"A table is there twice, or there are over {MAX_TABLES}")
            rows = self.some(child, "row", MAX_ROWS)
            tables[name] = tuple(self.cells(elements(row)) for row in rows)
        return self.cells(plain), tables

    def cells(self, children: Sequence[Element]) -> dict[str, str]:
        found: dict[str, str] = {}
        for child in children:
            if local_name(child) != "field":
                raise self.wrong(child, "Only <field> and <table> can be here")
            name = self.name(child)
            if name in found or len(found) >= MAX_FIELDS:
                raise self.wrong(child, f"A field is there twice, or there are over {MAX_FIELDS:,}")
            found[name] = self.text(child, MAX_VALUE)
        return found

    def name(self, element: Element) -> str:
        self.known_attributes(element, ("name",))
        name: str = element.get("name", "").strip()
        if not name or len(name) > MAX_NAME:
            raise self.wrong(element, f"Its name has 1 to {MAX_NAME} characters")
        return name

    def some(self, parent: Element, name: str, most: int) -> list[Element]:
        found = elements(parent)
        for child in found:
            if local_name(child) != name:
                raise self.wrong(child, f"Only <{name}> can be in <{local_name(parent)}>")
        if len(found) > most:
            raise self.wrong(parent, f"More than {most:,} <{name}> are in it")
        return found

    def text(self, element: Element, most: int) -> str:
        if elements(element):
            raise self.wrong(element, "It has text only, no elements")
        text = element.xpath("string()") if len(element) else element.text or ""
        if len(text) > most:
            raise self.wrong(element, f"It has more than {most:,} characters")
        return str(text)

    def known_attributes(self, element: Element, names: Sequence[str]) -> None:
        if set(element.attrib) - set(names):
            raise self.wrong(element, f"It can have only the attributes {', '.join(names)}")

    def wrong(self, element: Element, text: str) -> Exception:
        line = element.sourceline or 0
        place = f"<{local_name(element)[:40]}>" + (f" on line {line}" if line else "")
        found: Exception = self.error_class(f"{place}: {text}.", "native", line=line)
        return found


def _is_token(text: str) -> bool:
    return text.isascii() and all(each.isalnum() or each in "!#$&-^_.+" for each in text)
