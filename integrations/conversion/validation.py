"""XSD and Schematron files of a rule. None of them can reach another file than its companions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lxml import etree

from integrations.conversion.xml_reading import elements, local_name, parse
from integrations.exceptions import IntegrationError, RuleInvalid

Element = Any  # lxml has no types
Check = Callable[[Element], list["Complaint"]]
XSD = "{http://www.w3.org/2001/XMLSchema}"
SCHEMATRON = "http://purl.oclc.org/dsdl/schematron"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
REFERS = ("include", "import", "redefine", "override")
MAX_FILES = 20
MAX_FILE = 5_000_000
SHOWN = 10  # complaints that are told
REASONS = {  # libxml2's names for what is wrong: its own sentences quote the document
    "SCHEMAV_CVC_DATATYPE_VALID": "its value does not fit its type",
    "SCHEMAV_CVC_ENUMERATION_VALID": "its value is none of those allowed",
    "SCHEMAV_CVC_PATTERN_VALID": "its value does not have the form that is asked for",
    "SCHEMAV_CVC_MINLENGTH_VALID": "its value is too short",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "its value is too long",
    "SCHEMAV_CVC_LENGTH_VALID": "its value does not have the length that is asked for",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "its value is too small",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "its value is too large",
    "SCHEMAV_ELEMENT_CONTENT": "something is missing in it, or it is not expected here",
    "SCHEMAV_CVC_COMPLEX_TYPE": "an attribute of it is missing or not allowed",
    "SCHEMAV_CVC_TYPE_3_1": "it can have text only",
    "SCHEMAV_CVC_ELT_1": "the schema has no such root",
}


class ValidationFile(NamedTuple):
    kind: str  # "xsd" | "sch"
    filename: str
    content: str


class Complaint(NamedTuple):
    text: str
    line: int


class _Companions(etree.Resolver):
    """Only the files of the rule itself, by their names."""

    def __init__(self, files: Sequence[ValidationFile]) -> None:
        self.contents = {each.filename: each.content for each in files}
        self.missing = ""

    def resolve(self, url: str, public_id: str, context: Any) -> Any:
        name = url.replace("\\", "/").rsplit("/", 1)[-1]
        if name in self.contents:
            return self.resolve_string(self.contents[name].encode(), context, base_url=name)
        self.missing = name[:100]
        raise OSError("not one of the files of the rule")


def compiled(files: Sequence[ValidationFile]) -> list[Check]:
    """Raises RuleInvalid that names the file and the line."""
    if len(files) > MAX_FILES:
        raise RuleInvalid(f"A rule has {MAX_FILES} validation files at most.", "validation")
    companions = _Companions([each for each in files if each.kind == "xsd"])
    roots = [_read(each, companions) for each in files]
    used = {name for root in roots for name in _referred(root)}
    return [
        _schema(each, root, companions) if each.kind == "xsd" else _schematron(each, root)
        for each, root in zip(files, roots, strict=True)
        if each.kind != "xsd" or each.filename not in used
    ]


def _read(file: ValidationFile, companions: _Companions) -> Element:
    if file.kind not in ("xsd", "sch"):
        raise RuleInvalid(f"{file.filename}: a validation file is .xsd or .sch.", "validation")
    if len(file.content) > MAX_FILE:
        text = f"{file.filename}: it has more than {MAX_FILE:,} characters."
        raise RuleInvalid(text, "validation")
    return parse(file.content.encode(), RuleInvalid, what=file.filename, resolver=companions)


def _referred(root: Element) -> set[str]:
    return {
        child.get("schemaLocation", "").replace("\\", "/").rsplit("/", 1)[-1]
        for child in elements(root)
        if child.tag in [XSD + word for word in REFERS]
    }


def _schema(file: ValidationFile, root: Element, companions: _Companions) -> Check:
    try:
        schema = etree.XMLSchema(root)
    except etree.XMLSchemaParseError as error:
        raise _unusable(file, error, companions.missing) from error

    def check(tree: Element) -> list[Complaint]:
        if schema.validate(tree):
            return []
        return [_complaint(entry) for entry in list(schema.error_log)[:SHOWN]]

    return check


def _unusable(file: ValidationFile, error: Any, missing: str) -> RuleInvalid:
    last = error.error_log.last_error
    line = last.line if last else 0
    if missing:
        text = f"{file.filename}: it refers to {missing}, which is not among the files of the rule."
        return RuleInvalid(text, "validation", line=line)
    said = last.message if last else str(error)
    return RuleInvalid(f"{file.filename}, line {line}: {said[:300]}", "validation", line=line)


def _complaint(entry: Any) -> Complaint:
    reason = next(
        (text for name, text in REASONS.items() if entry.type_name.startswith(name)),
        entry.type_name.removeprefix("SCHEMAV_").lower(),
    )
    where = (entry.path or "")[-150:]
    return Complaint(f"{_at(entry.line)}{where}: {reason}", entry.line)


def _at(line: int) -> str:
    """What was made from another form has no lines."""
    return f"line {line}, " if line else ""


def _schematron(file: ValidationFile, root: Element) -> Check:
    from integrations.conversion.engines.xslt import check as check_stylesheet

    if root.tag != f"{{{SCHEMATRON}}}schema":
        text = f"{file.filename}: its root has to be schema of ISO Schematron ({SCHEMATRON})."
        raise RuleInvalid(text, "validation")
    for element in root.iter(f"{{{SCHEMATRON}}}include", f"{{{SCHEMATRON}}}extends"):
        if element.get("href"):
            line = element.sourceline or 0
            text = f"{file.filename}, line {line}: it cannot include another file."
            raise RuleInvalid(text, "validation", line=line)
    try:
        check_stylesheet(root)
        sheet = _made(root)
        check_stylesheet(sheet)
        transform = etree.XSLT(sheet, access_control=etree.XSLTAccessControl.DENY_ALL)
    except etree.XSLTError as error:
        raise _unusable(file, error, "") from error
    except IntegrationError as error:
        raise RuleInvalid(f"{file.filename}: {error}", "validation", line=error.line) from error
    said = {
        _plain(each): each.sourceline
        for each in root.iter(f"{{{SCHEMATRON}}}assert", f"{{{SCHEMATRON}}}report")
    }

    def check(tree: Element) -> list[Complaint]:
        result = transform(tree)
        found = result.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report")
        return [_told(each, tree, said) for each in list(found)[:SHOWN]]

    return check


def _made(root: Element) -> Element:
    """The stylesheet that a schema stands for."""
    from lxml import isoschematron

    expanded = isoschematron.iso_abstract_expand(root)
    return isoschematron.iso_svrl_for_xslt1(expanded).getroot()


def _plain(element: Element) -> str:
    return " ".join(str(element.xpath("string()")).split())


def _told(entry: Element, tree: Element, said: dict[str, int]) -> Complaint:
    """The schema's own words when they are constant; what they take from a document is left out."""
    location = entry.get("location", "")
    try:
        nodes = tree.getroottree().xpath(location)
    except etree.XPathError:
        nodes = []
    line = nodes[0].sourceline or 0 if nodes and hasattr(nodes[0], "sourceline") else 0
    text = _plain(entry)
    if text not in said:
        text = f'the rule "{entry.get("test", "")[:150]}" is not kept'
    where = local_name(nodes[0]) if nodes else ""
    return Complaint(f"{_at(line)}{where}: {text[:300]}", line)


def complaints(checks: Sequence[Check], tree: Element) -> list[Complaint]:
    return [complaint for check in checks for complaint in check(tree)][:SHOWN]
