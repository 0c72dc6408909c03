"""What the limited child does with one document. All user-written code runs in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from integrations.conversion import outputs, validation
from integrations.conversion.engines import fieldmap, passthrough, xslt
from integrations.conversion.engines.task import Made, Task
from integrations.conversion.formats import MEDIA_TYPES, sniff
from integrations.conversion.names import safe_name
from integrations.conversion.native import MAX_BYTES, Document, NativeEnvelope, write_native
from integrations.conversion.native_reading import envelopes_of, parse_native
from integrations.conversion.rule import IN, Rule, from_json
from integrations.conversion.starting import map_of
from integrations.conversion.views import view_of
from integrations.conversion.xml_reading import parse, serialised
from integrations.exceptions import ConversionFailed, DocumentRefused, IntegrationError, RuleInvalid

Convert = Callable[[Task, Document], Made]
Answer = tuple[bytes, list[str]]  # what was made, and warnings
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE = 1_000


def run(request: Mapping[str, Any], data: bytes) -> Answer:
    """Raises IntegrationError."""
    return JOBS[request["do"]](request, data)


def engine_of(rule: Rule) -> Convert:
    if rule.engine == "jinja":  # it takes a fifth of a second to import
        from integrations.conversion.engines import jinja

        return jinja.compiled(rule.body, rule.output)
    engines = {"fieldmap": fieldmap, "xslt": xslt, "passthrough": passthrough}
    return engines[rule.engine].compiled(rule.body, rule.output)


def convert(request: Mapping[str, Any], data: bytes) -> Answer:
    rule = from_json(request["rule"])
    engine = engine_of(rule)
    checks = validation.compiled(rule.validation)
    if rule.direction == IN:
        return _inward(rule, engine, checks, data)
    return _outward(rule, engine, checks, data, request["filename"])


def _outward(
    rule: Rule, engine: Convert, checks: list[validation.Check], data: bytes, filename: str
) -> Answer:
    view, warnings = (
        (None, []) if rule.engine == "passthrough" and not checks else view_of(data, filename)
    )
    if checks:
        must_fit(checks, view, DocumentRefused, "The document")
    source = Document(safe_name(filename), MEDIA_TYPES[sniff(data, filename)], data)
    made = engine(_task(rule, view), source)
    envelopes = _envelopes(made, source)
    if len(envelopes) > 1 and not rule.multiple:
        text = f"The rule made {len(envelopes)} envelopes, and it may make one only."
        raise ConversionFailed(text, "several")
    return write_native(envelopes), warnings


def _envelopes(made: Made, source: Document) -> list[NativeEnvelope]:
    if made.envelopes is not None:
        return list(made.envelopes)
    if made.tree is not None:
        return envelopes_of(made.tree, source, ConversionFailed)
    return parse_native(made.text or b"", source, ConversionFailed)


def _inward(rule: Rule, engine: Convert, checks: list[validation.Check], data: bytes) -> Answer:
    view = parse(data, what="The envelope XML", most=MAX_BYTES)
    made = engine(_task(rule, view), Document("envelope.xml", "application/xml", data))
    if made.tree is not None:
        result = outputs.from_tree(made.tree, rule.output)
    else:
        result = _written(made.text or b"", rule.output)
    if checks:
        tree = made.tree
        if tree is None or rule.output == "xml":  # as it was written: its lines are the file's
            tree = outputs.tree_of(result, f"result.{rule.output}")
        must_fit(checks, tree, ConversionFailed, "The result")
    return result, []


def _written(text: bytes, output: str) -> bytes:
    """A template writes XML for what it cannot write itself."""
    is_xml = text.lstrip()[:1] == b"<"
    if output in ("edifact", "x12", "xlsx", "csv", "json") and is_xml:
        root = parse(text, ConversionFailed, what="What the rule made")
        return outputs.from_tree(root, output)
    return outputs.from_text(text, output)


def _task(rule: Rule, view: Any) -> Task:
    return Task(view, rule.output, rule.parameters, rule.dictionaries)


def must_fit(
    checks: list[validation.Check], tree: Any, error_class: type[IntegrationError], what: str
) -> None:
    found = validation.complaints(checks, tree)
    if found:
        text = "; ".join(each.text for each in found)
        raise error_class(
            f"{what} does not keep to the rule's validation files: {text[:1500]}.",
            "validation",
            line=found[0].line,
        )


def check(request: Mapping[str, Any], data: bytes) -> Answer:
    rule = from_json(request["rule"])
    engine_of(rule)
    validation.compiled(rule.validation)
    return b"", []


def view(request: Mapping[str, Any], data: bytes) -> Answer:
    root, warnings = view_of(data, request["filename"])
    return serialised(root), warnings


def start(request: Mapping[str, Any], data: bytes) -> Answer:
    root, warnings = view_of(data, request["filename"])
    return map_of(root).encode(), warnings


def attributes(request: Mapping[str, Any], data: bytes) -> Answer:
    """Answers XML, one <field name=""> each."""
    root = parse(data)
    result = etree.Element("fields")
    wanted = request["wanted"]
    if len(wanted) > MAX_ATTRIBUTES:
        raise RuleInvalid(f"There are {MAX_ATTRIBUTES} attributes at most.", "attributes")
    for name, source in wanted.items():
        text = _followed(root, name, source) if source.startswith("/") else source
        etree.SubElement(result, "field", name=name).text = text[:MAX_ATTRIBUTE]
    return serialised(result), []


def _followed(root: Any, name: str, path: str) -> str:
    from integrations.conversion.engines.values import Compiler

    return Compiler({}).value(path, f"attribute {name}")(root, Task(root, ""))


JOBS: dict[str, Callable[[Mapping[str, Any], bytes], Answer]] = {
    "convert": convert,
    "check": check,
    "view": view,
    "start": start,
    "attributes": attributes,
}
