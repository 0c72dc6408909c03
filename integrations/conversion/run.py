"""The front door: what the flow and the admin call. Nothing here touches a database."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.conversion import child, native, outputs
from integrations.conversion import rule as rules
from integrations.conversion.child import LIMITS, Limits
from integrations.conversion.engines import passthrough
from integrations.conversion.engines.task import Task
from integrations.conversion.facts import Facts, read_facts
from integrations.conversion.formats import MEDIA_TYPES, Format, sniff
from integrations.conversion.names import safe_name
from integrations.conversion.native import Document, write_native
from integrations.conversion.rule import OUT, Converted, Rule
from integrations.conversion.xml_reading import elements, parse
from integrations.exceptions import DocumentRefused

MAX_BYTES = 64 * 1024 * 1024


def convert(data: bytes, filename: str, rule: Rule, limits: Limits = LIMITS) -> Converted:
    """For an in rule, `data` is native envelope XML.

    Raises DocumentRefused (the document), RuleInvalid (the rule) or ConversionFailed (the two
    together, or a limit), each with code, line and column where they are known.
    """
    rules.check_form(rule)
    _check_size(data, native.MAX_BYTES if rule.direction == rules.IN else MAX_BYTES)
    facts = _facts(data, filename, rule)
    if rule.engine == "passthrough" and not rule.validation:
        output, media_type = _passed(data, filename, rule)
        return Converted(output, media_type, (), facts)
    job = {"do": "convert", "filename": filename, "rule": rules.as_json(rule)}
    output, warnings = child.ask(job, data, _needs(data, rule), limits)
    return Converted(output, outputs.media_type(rule.output), tuple(warnings), facts)


def _check_size(data: bytes, most: int = MAX_BYTES) -> None:
    if not data:
        raise DocumentRefused("The file is empty.", "empty")
    if len(data) > most:
        raise DocumentRefused(f"The file is larger than {most // 1024**2} MB.", "too_large")


def _facts(data: bytes, filename: str, rule: Rule) -> Facts:
    try:
        return read_facts(data, filename)
    except DocumentRefused:
        if rule.engine != "passthrough":
            raise
        return Facts(sniff(data, filename))


def _passed(data: bytes, filename: str, rule: Rule) -> tuple[bytes, str]:
    """No code of a user and no reading of the document: this needs no other process."""
    media_type = MEDIA_TYPES[sniff(data, filename)]
    source = Document(safe_name(filename), media_type, data)
    task = Task(None, rule.output)
    if rule.direction == OUT:
        made = passthrough.outward(task, source)
        return write_native(made.envelopes or ()), MEDIA_TYPES[Format.XML]
    output = passthrough.inward(task, source).text or b""
    return output, MEDIA_TYPES[sniff(output)]


def _needs(data: bytes, rule: Rule | None = None) -> list[str]:
    needs = ["xlsx"] if data[:2] == b"PK" else []
    if rule is not None:
        needs += ["jinja"] if rule.engine == "jinja" else []
        needs += ["schematron"] if any(each.kind == "sch" for each in rule.validation) else []
    return needs


def view(data: bytes, filename: str, limits: Limits = LIMITS) -> bytes:
    """The XML that rules see. Raises DocumentRefused."""
    _check_size(data)
    return child.ask({"do": "view", "filename": filename}, data, _needs(data), limits)[0]


def check_rule(rule: Rule, limits: Limits = LIMITS) -> None:
    """Compile the body and the validation files. Raises RuleInvalid."""
    rules.check_form(rule)
    child.ask({"do": "check", "rule": rules.as_json(rule)}, b"", _needs(b"", rule), limits)


def starting_map(example: bytes, filename: str, limits: Limits = LIMITS) -> str:
    """A first body, in JSON, for an out rule with the engine fieldmap. Raises DocumentRefused."""
    _check_size(example)
    job = {"do": "start", "filename": filename}
    return child.ask(job, example, _needs(example), limits)[0].decode()


def attributes(xml: bytes, wanted: Mapping[str, str], limits: Limits = LIMITS) -> dict[str, str]:
    """For each key its constant, or what its XPath finds when it begins with a slash.

    Raises DocumentRefused and RuleInvalid.
    """
    if not any(source.startswith("/") for source in wanted.values()):
        return dict(wanted)
    job = {"do": "attributes", "wanted": dict(wanted)}
    answer, _ = child.ask(job, xml, (), limits)
    return {each.get("name"): each.text or "" for each in elements(parse(answer))}
