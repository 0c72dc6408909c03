"""What a delivery is to become: found out before, and outside of, any transaction."""

from __future__ import annotations

from integrations import (
    announcing,
    blobs,
    conversion,
    converting,
    default_rules,
    handing,
    matching,
)
from integrations.announcing import About
from integrations.audit import Entry
from integrations.choices import Direction, Folder, Operation, RuleTarget
from integrations.conversion.names import name_for
from integrations.exceptions import ConversionFailed
from integrations.executing import pattern_of
from integrations.inward import Inward
from integrations.matching import Subject
from integrations.models import ConversionRule, Integration
from omnichannel.exceptions import OmnichannelError


def examine(case: Inward, integration: Integration) -> None:
    """Raises IntegrationError."""
    rules = case.book.rules(case.row.mailbox, Direction.IN)
    choice = matching.choose(rules, _subject(case))
    case.story += [
        each.entry(case.row.mailbox_id, envelope=case.row.envelope_id)
        for each in choice.considered
        if each.why_not
    ]
    case.rule = choice.rule
    if case.rule is None:
        default_rules.prepare(case, integration)
        return
    case.say(Operation.APPLIED, case.rule.name, digest=case.rule.verified_digest)
    if case.rule.target == RuleTarget.EVENT:
        case.acts.append(lambda: _trigger(case, integration))
        return
    _convert(case, case.rule)
    case.acts.append(lambda: _hand_over(case, integration))


def _hand_over(case: Inward, integration: Integration) -> list[Entry]:
    if case.output is None:
        return []
    return handing.hand_over(
        integration,
        case.row,
        Folder.CINBOX,
        case.filename,
        case.output,
        case.content_type,
        at=case.at,
        attributes=case.attributes,
    )


def _subject(case: Inward) -> Subject:
    envelope = case.envelope
    version = envelope.template_version
    return Subject(
        filename=envelope.subject,
        document_type=version.template.name if version else "",
        senders=case.book.names_of(envelope.sender),
        receivers=case.book.names_of(case.row.mailbox),
        template_version=version.pk if version else None,
        is_envelope=True,
    )


def _convert(case: Inward, rule: ConversionRule) -> None:
    envelope = case.envelope
    asked = converting.for_mailboxes(rule, case.book, envelope.sender, case.row.mailbox)
    done = converting.convert(asked, case.native, converting.ENVELOPE_FILE)
    case.milliseconds = done.milliseconds
    if asked.validation:
        case.say(Operation.VALIDATED, f"It fits {len(asked.validation)} validation files.")
    case.output, case.content_type = blobs.store(done.output), done.media_type
    case.filename = name_of(rule, case)
    if rule.attributes:
        case.attributes = conversion.attributes(case.native, rule.attributes)
    case.say(
        Operation.CONVERTED,
        f"{case.filename}, {len(done.output)} bytes in {done.milliseconds} ms",
        warnings=len(done.warnings),
        sha256=case.output.sha256,
    )


def name_of(rule: ConversionRule, case: Inward) -> str:
    envelope, version = case.envelope, case.envelope.template_version
    values = {
        "mailboxUuid": str(case.row.mailbox.key),
        "envelopeUuid": str(envelope.key),
        "templateUuid": str(version.template.key) if version else "",
    }
    fields = {name: str(value) for name, value in envelope.fields.items()}
    return name_for(pattern_of(rule), values, fields, case.at)


def _trigger(case: Inward, integration: Integration) -> list[Entry]:
    """The event that the rule names; to the people in the envelope, else to who gets notices."""
    key = str(case.rule.target_options.get("event", "")) if case.rule else ""
    envelope, row = case.envelope, case.row
    values = {**envelope.fields, **envelope.tables, "subject": envelope.subject}
    dedupe = f"delivery:{row.pk}:{row.logs.count()}"  # each time it is done leaves a line
    about = About(row.mailbox_id, row.envelope_id)
    to = announcing.addresses_in(envelope.fields, integration.notify_email)
    try:
        return announcing.trigger(key, to, values, dedupe, about, at=case.at)
    except OmnichannelError as error:
        raise ConversionFailed(f"The event “{key}” was not triggered: {error}", "event") from error
