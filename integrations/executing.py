"""A rule tried against an example, with no effect on anything; and what was tried, as a digest."""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations import converting, native_files
from integrations.choices import Direction, Engine, RuleTarget
from integrations.conversion import native
from integrations.conversion.names import name_for
from integrations.exceptions import IntegrationError, RuleInvalid
from integrations.models import ConversionRule, DocumentTemplateVersion, ValidationFile

SAMPLES = {"text": "Sample text", "number": "42", "date": "2026-03-02"}
NOBODY = str(uuid.UUID(int=0))
ENDINGS = {"text": "txt", "edifact": "edi"}


@dataclass(frozen=True)
class Said:
    """A line of the result pane. `line` and `column` are 0 when nobody knows."""

    text: str
    is_error: bool = False
    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class Executed:
    """`digest` is empty when it did not go well: then nothing may be saved on its account."""

    result: bytes
    filename: str
    messages: tuple[Said, ...]
    digest: str = ""
    media_type: str = ""

    @property
    def is_good(self) -> bool:
        return bool(self.digest)


def execute(
    rule: ConversionRule,
    files: Sequence[ValidationFile],
    example: bytes,
    filename: str,
    *,
    at: datetime.datetime,
) -> Executed:
    """Run a rule, saved or not, on an example. What is wrong is in the messages."""
    try:
        return _execute(rule, files, example, filename, at)
    except IntegrationError as error:
        said = Said(str(error), is_error=True, line=error.line, column=error.column)
        return Executed(b"", "", (said,))


def _execute(
    rule: ConversionRule,
    files: Sequence[ValidationFile],
    example: bytes,
    filename: str,
    at: datetime.datetime,
) -> Executed:
    parameters = {
        "SENDER_MAILBOX": str(rule.mailbox.key) if rule.mailbox else NOBODY,
        "RECIPIENT_MAILBOX": NOBODY,
        **converting.of_template(rule),
    }
    asked = converting.plain(rule, files, parameters, {})
    if rule.direction == Direction.IN:
        filename = converting.ENVELOPE_FILE
    done = converting.convert(asked, example, filename)
    messages = [Said(text) for text in done.warnings]
    name = ""
    if rule.direction == Direction.IN:
        name = _name(rule, example, at)
    elif rule.engine != Engine.PASS and rule.target != RuleTarget.AUDIENCE:
        messages.append(_about(rule, done.output))
    digest = digest_of(rule, files)
    return Executed(done.output, name, tuple(messages), digest, done.media_type)


def _about(rule: ConversionRule, output: bytes) -> Said:
    """Reads the envelopes that came of it. Raises IntegrationError."""
    made = native_files.read(output, None)
    if len(made) > 1 and not rule.multiple_envelopes:
        raise RuleInvalid(
            f"It makes {len(made)} envelopes: tick that it can produce multiple ones.", "multiple"
        )
    return Said(f"{len(made)} envelopes")


def _name(rule: ConversionRule, example: bytes, at: datetime.datetime) -> str:
    """As it would be for the example. Raises IntegrationError."""
    found = native_files.read(example, None)[0]
    values = {
        "mailboxUuid": str(rule.mailbox.key) if rule.mailbox else NOBODY,
        "envelopeUuid": found.about.get("uuid", NOBODY),
        "templateUuid": found.about.get("template", ""),
    }
    return name_for(pattern_of(rule), values, found.fields, at)


def pattern_of(rule: ConversionRule) -> str:
    """Its naming pattern, or what stands for a blank one."""
    ending = ENDINGS.get(rule.output, rule.output)
    return rule.naming_pattern or f"{{envelopeUuid}}.{ending}"


def digest_of(rule: ConversionRule, files: Sequence[ValidationFile]) -> str:
    """Of all that a run depends on; whether it is on and where it stands does not count."""
    version = rule.template_version_id
    bound = [
        *(rule.direction, rule.engine, rule.body, rule.output, rule.target),
        *(rule.matching_pattern, rule.matching_source, rule.naming_pattern),
        *(rule.multiple_envelopes, version),
        sorted([file.kind, file.filename, file.content] for file in files),
    ]
    return hashlib.sha256(json.dumps(bound).encode()).hexdigest()


def check_verified(rule: ConversionRule, files: Sequence[ValidationFile]) -> None:
    """Raises RuleInvalid unless exactly this was run against an example, and went well."""
    if not rule.verified_digest or rule.verified_digest != digest_of(rule, files):
        raise RuleInvalid("Run the rule against an example first: it was changed.", "not_run")


def example_of(version: DocumentTemplateVersion | None) -> bytes:
    """A native envelope with a sample in each field of the template, for rules of incoming ones."""
    fields: dict[str, str] = {}
    tables: dict[str, dict[str, str]] = {}
    for each in version.fields if version else ():
        sample = SAMPLES.get(each.get("type", "text"), SAMPLES["text"])
        place: dict[str, str] = fields
        if table := each.get("table"):
            place = tables.setdefault(table, {})
        place[each["name"]] = sample
    rows: Mapping[str, tuple[Mapping[str, str], ...]] = {
        name: (row, row) for name, row in tables.items()
    }
    about = {"uuid": NOBODY, "sender": NOBODY}
    if version:
        about |= {"template": str(version.template.key), "version": str(version.number)}
    document = native.Document("sample.txt", "text/plain", b"Sample text\n")
    made = native.NativeEnvelope("Sample envelope", "", (), (document,), fields, rows, about)
    return native.write_native([made])
