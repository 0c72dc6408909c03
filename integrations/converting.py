"""The rows of a rule, put before the conversion that knows no rows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from integrations import conversion
from integrations.choices import Direction
from integrations.directory import AccountBook
from integrations.models import ConversionRule, Mailbox, ValidationFile

NATIVE = "native"
ENVELOPE_FILE = "envelope.xml"


@dataclass(frozen=True)
class Result:
    output: bytes
    media_type: str
    warnings: tuple[str, ...]
    milliseconds: int


def convert(rule: conversion.Rule, data: bytes, filename: str) -> Result:
    """In a child process. Raises IntegrationError."""
    began = time.monotonic()
    done = conversion.convert(data, filename, rule)
    spent = round((time.monotonic() - began) * 1000)
    return Result(done.output, done.media_type, done.warnings, spent)


def plain(
    rule: ConversionRule,
    files: Iterable[ValidationFile],
    parameters: Mapping[str, str],
    names: Mapping[str, str],
) -> conversion.Rule:
    """`names`: what the look-up “mailboxes” of a rule knows."""
    return conversion.Rule(
        direction=rule.direction,
        engine=rule.engine,
        body=rule.body,
        output=NATIVE if rule.direction == Direction.OUT else rule.output,
        validation=tuple(
            conversion.ValidationFile(file.kind, file.filename, file.content) for file in files
        ),
        parameters=parameters,
        dictionaries={"mailboxes": names},
        multiple=rule.multiple_envelopes,
    )


def for_mailboxes(
    rule: ConversionRule, book: AccountBook, sender: Mailbox, recipient: Mailbox | None
) -> conversion.Rule:
    """A saved rule, about a document on the way from one mailbox to another."""
    parameters = {
        "SENDER_MAILBOX": str(sender.key),
        "RECIPIENT_MAILBOX": str(recipient.key) if recipient else "",
        **of_template(rule),
    }
    return plain(rule, rule.validation_files.all(), parameters, book.other_names())


def of_template(rule: ConversionRule) -> dict[str, str]:
    version = rule.template_version
    return {
        "TEMPLATE_UUID": str(version.template.key) if version else "",
        "TEMPLATE_VERSION": str(version.number) if version else "",
    }
