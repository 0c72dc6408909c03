"""What a partner's file is to become: found out before, and outside of, any transaction."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from integrations import blobs, converting, matching, native_files
from integrations.audit import Entry
from integrations.choices import Direction, Engine, Folder, Operation, RuleTarget
from integrations.conversion import facts, formats
from integrations.conversion.names import safe_name
from integrations.conversion.native import NativeEnvelope
from integrations.directory import AccountBook
from integrations.drafts import Draft, Paper
from integrations.exceptions import DocumentRefused
from integrations.matching import Subject
from integrations.models import Blob, ConversionRule, Mailbox, Transmission
from integrations.native_files import Source
from omnichannel import document_sinks
from omnichannel.document_sinks import Document, Prepared
from omnichannel.exceptions import ImportRefused

NATIVE_ROOTS = ("envelope", "envelopes")


@dataclass
class Case:
    """A file with what is known of it so far; it tells its story also when it fails."""

    row: Transmission
    book: AccountBook
    at: datetime.datetime
    story: list[Entry] = field(default_factory=list)
    rule: ConversionRule | None = None
    drafts: list[Draft] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)  # the variables of each
    sink: Prepared | None = None
    output: Blob | None = None
    milliseconds: int = 0

    @property
    def mailbox(self) -> Mailbox:
        return self.row.integration.mailbox

    @cached_property
    def data(self) -> bytes:
        return blobs.read(self.row.blob)

    @cached_property
    def facts(self) -> facts.Facts:
        try:
            return facts.read_facts(self.data, self.row.filename)
        except DocumentRefused:
            return facts.Facts(formats.sniff(self.data, self.row.filename))

    @cached_property
    def paper(self) -> Paper:
        """The file itself as a document of an envelope."""
        usual = formats.MEDIA_TYPES[formats.Format(self.facts.format)]
        return Paper(safe_name(self.row.filename), usual, self.row.blob)

    def say(self, operation: Operation, text: str, **detail: Any) -> None:
        rule = self.rule.pk if self.rule else None
        self.story.append(
            Entry(
                operation,
                text,
                mailbox=self.mailbox.pk,
                transmission=self.row.pk,
                rule=rule,
                detail=detail,
            )
        )


def examine(case: Case) -> None:
    """Raises IntegrationError."""
    case.say(
        Operation.FORMAT,
        " ".join(part for part in (case.facts.format, case.facts.document_type) if part),
        sender=case.facts.sender,
        receiver=case.facts.receiver,
        number=case.facts.number,
    )
    if case.row.folder == Folder.OUTBOX:
        _read_native(case, case.data)
        return
    rules = case.book.rules(case.mailbox, Direction.OUT)
    if not rules:
        case.say(Operation.CONVERTED, "The mailbox has no OUT rules: the file goes as it is.")
        case.drafts = [_as_it_is(case)]
        return
    _choose(case, rules)
    _apply(case)


def _choose(case: Case, rules: list[ConversionRule]) -> None:
    found = case.facts
    choice = matching.choose(
        rules,
        Subject(
            filename=case.row.filename,
            content=case.data,
            attributes=case.row.attributes,
            document_type=found.document_type,
            senders=frozenset({found.sender.lower()}),
            receivers=frozenset({found.receiver.lower()}),
        ),
    )
    case.story += [
        each.entry(case.mailbox.pk, case.row.pk) for each in choice.considered if each.why_not
    ]
    case.rule = choice.rule
    if case.rule is None:
        raise DocumentRefused(
            "No rule for sent documents (OUT) matches it. Add one, or mend the pattern of one.",
            "no_rule",
        )
    case.say(Operation.APPLIED, case.rule.name, digest=case.rule.verified_digest)


def _apply(case: Case) -> None:
    rule = case.rule
    if rule is None:
        return
    if rule.target == RuleTarget.AUDIENCE:
        case.sink = _prepared(case, rule)
        return
    native = _converted(case, rule)
    if rule.target == RuleTarget.EVENT:
        made = native_files.read(native, _source(case)) if native else []
        case.events = [_variables(case, each) for each in made] or [{"filename": case.row.filename}]
    elif native is None:
        case.drafts = [_as_it_is(case)]
    else:
        _read_native(case, native)


def _converted(case: Case, rule: ConversionRule) -> bytes | None:
    """Native XML; None when the rule passes through a file that is something else."""
    asked = converting.for_mailboxes(rule, case.book, case.mailbox, case.book.house)
    passes = rule.engine == Engine.PASS
    if passes and not asked.validation:
        case.say(Operation.CONVERTED, "Passed through as it is.")
        return case.data if _is_native(case) else None
    done = converting.convert(asked, case.data, case.row.filename)
    case.milliseconds = done.milliseconds
    if asked.validation:
        case.say(Operation.VALIDATED, f"It fits {len(asked.validation)} validation files.")
    if passes:
        return case.data if _is_native(case) else None
    case.output = blobs.store(done.output)
    case.say(
        Operation.CONVERTED,
        f"{len(done.output)} bytes in {done.milliseconds} ms",
        warnings=len(done.warnings),
        sha256=case.output.sha256,
    )
    return done.output


def _is_native(case: Case) -> bool:
    return case.facts.document_type in NATIVE_ROOTS


def _read_native(case: Case, data: bytes) -> None:
    source = _source(case)
    envelopes = native_files.read(data, source)
    if case.rule and len(envelopes) > 1 and not case.rule.multiple_envelopes:
        raise DocumentRefused(
            f"The rule made {len(envelopes)} envelopes. Tick that it can produce multiple ones.",
            "multiple",
        )
    case.drafts = native_files.drafts_of(
        envelopes,
        sender=case.mailbox,
        book=case.book,
        source=source,
        version=case.rule.template_version if case.rule else None,
    )


def _source(case: Case) -> Source | None:
    return Source(case.paper, case.data) if case.rule else None


def _as_it_is(case: Case) -> Draft:
    house = native_files.house_of(case.book, case.mailbox)
    version = case.rule.template_version if case.rule else None
    return Draft(
        case.mailbox, [house], case.row.filename, papers=[case.paper], template_version=version
    )


def _prepared(case: Case, rule: ConversionRule) -> Prepared:
    document = Document(case.row.filename, case.data, dict(rule.target_options))
    try:
        return document_sinks.sink(RuleTarget.AUDIENCE).prepare(document)
    except ImportRefused as error:
        raise DocumentRefused(str(error), "audience") from error


def _variables(case: Case, made: NativeEnvelope) -> dict[str, Any]:
    tables = {name: [dict(row) for row in rows] for name, rows in made.tables.items()}
    named = {"subject": made.subject, "filename": case.row.filename}
    return {**made.fields, **tables, **named}
