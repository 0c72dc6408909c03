"""Which rule is applied to a document: the first that matches, and what was said of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from integrations.audit import Entry
from integrations.choices import Operation
from integrations.conversion import patterns
from integrations.exceptions import RuleInvalid
from integrations.models import ConversionRule

APPLIES = ""


@dataclass(frozen=True)
class Subject:
    """What rules look at. The names are in small letters; `content` is only read by patterns."""

    filename: str = ""
    content: bytes = b""
    attributes: Mapping[str, str] = field(default_factory=dict)
    document_type: str = ""
    senders: frozenset[str] = frozenset()
    receivers: frozenset[str] = frozenset()
    template_version: int | None = None
    is_envelope: bool = False  # an IN rule looks at an envelope: by its template, not by a pattern


@dataclass(frozen=True)
class Considered:
    rule: ConversionRule
    why_not: str  # empty: it is the one

    def entry(
        self, mailbox: int, transmission: int | None = None, envelope: int | None = None
    ) -> Entry:
        said = self.why_not or "It matches."
        return Entry(
            Operation.CONSIDERED,
            f"{self.rule.name} ({self.rule.level} rule): {said}",
            mailbox=mailbox,
            transmission=transmission,
            envelope=envelope,
            rule=self.rule.pk,
        )


@dataclass(frozen=True)
class Choice:
    rule: ConversionRule | None
    considered: tuple[Considered, ...]


def choose(rules: Sequence[ConversionRule], subject: Subject) -> Choice:
    """The rules come in the order of trying; behind the first that matches none is tried."""
    considered: list[Considered] = []
    for rule in rules:
        why_not = next(_objections(rule, subject), APPLIES)
        considered.append(Considered(rule, why_not))
        if why_not == APPLIES:
            return Choice(rule, tuple(considered))
    return Choice(None, tuple(considered))


def _objections(rule: ConversionRule, subject: Subject) -> Iterator[str]:
    if not rule.active:
        yield "It is off."
    wanted = rule.template_version_id if subject.is_envelope else None
    if wanted and wanted != subject.template_version:
        yield "The envelope is of another template or version."
    if rule.document_type and rule.document_type.lower() != subject.document_type.lower():
        yield f"The document is no {rule.document_type}."
    if rule.sender and rule.sender.lower() not in subject.senders:
        yield "It is of another sender."
    if rule.receiver and rule.receiver.lower() not in subject.receivers:
        yield "It is for another receiver."
    if not subject.is_envelope and (said := _of_pattern(rule, subject)):
        yield said


def _of_pattern(rule: ConversionRule, subject: Subject) -> str:
    try:
        fits = patterns.matches(
            rule.matching_pattern,
            rule.matching_source,
            name=subject.filename,
            content=subject.content,
            attributes=subject.attributes,
        )
    except RuleInvalid as error:
        return f"Its pattern cannot be used: {error}"
    return (
        APPLIES
        if fits
        else f"Its pattern does not match the {rule.get_matching_source_display().lower()}."
    )
