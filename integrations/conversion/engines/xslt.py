"""XSLT 1.0 with EXSLT (node sets, strings, dates, sets, maths), and three functions of our own:

    xmlns:os="urn:omnichannel-studio:conversion"
    os:lookup('dictionary', key)              empty for a key that is not in it
    os:date(text, 'yyyyMMdd', 'dd.MM.yyyy')   '' as the second: a usual form
    os:random(8)                              so many random digits, 18 at most

The parameters SENDER_MAILBOX, RECIPIENT_MAILBOX, TEMPLATE_UUID and TEMPLATE_VERSION are there when
the stylesheet declares them. Nothing outside the document can be read or written.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from integrations.conversion.date_words import rewritten
from integrations.conversion.engines.task import Made, Task
from integrations.conversion.engines.values import text_of
from integrations.conversion.xml_reading import parse
from integrations.exceptions import ConversionFailed, IntegrationError, RuleInvalid

Element = Any  # lxml has no types
OURS = "urn:omnichannel-studio:conversion"
XSL = "http://www.w3.org/1999/XSL/Transform"
MAX_BODY = 1_000_000
REFUSED = {
    f"{{{XSL}}}include": "xsl:include",
    f"{{{XSL}}}import": "xsl:import",
    f"{{{XSL}}}document": "xsl:document",
    f"{{{XSL}}}result-document": "xsl:result-document",
    "{http://exslt.org/common}document": "exsl:document",
    "{http://icl.com/saxon}output": "saxon:output",
    "{org.apache.xalan.xslt.extensions.Redirect}write": "redirect:write",
}
DOCUMENT = re.compile(r"(?<![\w.-])document\s*\(")
SAID = re.compile(r"\s+")
KNOWN = re.compile(r"The called template '.*' was not found|Variable '.*' has not been declared")


class _Functions:
    """Our functions for one stylesheet; `task` is the one that runs."""

    def __init__(self) -> None:
        self.task = Task(None, "")
        self.faults: list[IntegrationError] = []

    def all(self) -> dict[tuple[str, str], Callable[..., str]]:
        return {
            (OURS, "lookup"): self.guarded(lambda name, key: self.task.look_up(name, key)),
            (OURS, "date"): self.guarded(rewritten),
            (OURS, "random"): self.guarded(_random),
        }

    def guarded(self, call: Callable[..., str]) -> Callable[..., str]:
        def function(_: Any, *arguments: Any) -> str:
            try:
                return call(*(text_of(each) for each in arguments))
            except IntegrationError as error:
                self.faults.append(error)
                raise

        return function


def compiled(body: str, output: str) -> Callable[[Task, Any], Made]:
    """Raises RuleInvalid with line and column."""
    if len(body) > MAX_BODY:
        raise RuleInvalid(f"A stylesheet has {MAX_BODY:,} characters at most.", "xslt")
    root = parse(body.encode(), RuleInvalid, what="The stylesheet")
    check(root)
    functions = _Functions()
    try:
        sheet = etree.XSLT(
            root, extensions=functions.all(), access_control=etree.XSLTAccessControl.DENY_ALL
        )
    except etree.XSLTParseError as error:
        raise _invalid(error) from error

    def convert(task: Task, _: Any) -> Made:
        functions.task = task
        return _made(sheet, root, functions, task)

    return convert


def check(root: Element) -> None:
    """Raises RuleInvalid for what would reach outside, though it could not be done anyway."""
    for element in root.iter(etree.Element):
        if element.tag in REFUSED:
            raise outside(REFUSED[element.tag], element)
        for value in element.attrib.values():
            if DOCUMENT.search(value):
                raise outside("document()", element)


def outside(what: str, element: Element) -> RuleInvalid:
    line = element.sourceline or 0
    text = f"{what} on line {line} is not possible: a rule sees its own document only."
    return RuleInvalid(text, "xslt", line=line)


def _messages(root: Element) -> Iterator[tuple[str, int]]:
    """The author's own words, which may be told to an operator; not what a document adds."""
    for element in root.iter(f"{{{XSL}}}message"):
        text = SAID.sub(" ", str(element.xpath("string()"))).strip()
        if text:
            yield text[:300], element.sourceline or 0


def _random(digits: str) -> str:
    count = max(1, min(18, int(float(digits or "8"))))
    return str(secrets.randbelow(10**count)).zfill(count)


def _invalid(error: Any) -> RuleInvalid:
    last = error.error_log.last_error
    line = last.line if last else 0
    said = last.message if last else str(error)
    return RuleInvalid(f"The stylesheet, line {line}: {said[:300]}", "xslt", line=line)


def _made(sheet: Any, root: Element, functions: _Functions, task: Task) -> Made:
    parameters = {name: etree.XSLT.strparam(text) for name, text in task.parameters.items()}
    try:
        result = sheet(task.view, **parameters)
    except etree.XSLTApplyError as error:
        raise _failed(error, list(_messages(root)), functions.faults) from error
    except (ValueError, TypeError) as error:
        text = "A function of the stylesheet was given what it cannot use."
        raise ConversionFailed(text, "xslt") from error
    if result.getroot() is None or _is_text(root):
        return Made(text=bytes(result))
    return Made(tree=result.getroot())


def _is_text(root: Element) -> bool:
    return any(each.get("method") == "text" for each in root.iter(f"{{{XSL}}}output"))


def _failed(
    error: Any, messages: list[tuple[str, int]], faults: list[IntegrationError]
) -> ConversionFailed:
    if faults:
        return ConversionFailed(str(faults[0]), faults[0].code)
    log = list(error.error_log)
    if any(entry.type == etree.ErrorTypes.ERR_NO_MEMORY for entry in log):
        raise MemoryError
    said = [SAID.sub(" ", entry.message).strip() for entry in log]
    for text, line in messages:
        if any(text in each for each in said):
            return ConversionFailed(f"The stylesheet stopped: {text}", "message", line=line)
    line = next((entry.line for entry in log if entry.line > 0), 0)
    if any("infinite template recursion" in each or "depth" in each for each in said):
        text = "The stylesheet calls itself without an end, or nests too deeply."
        return ConversionFailed(text, "recursion", line=line)
    reason = next(filter(None, map(_reason, log, said)), "")
    return ConversionFailed(f"The stylesheet failed at line {line}. {reason}", "xslt", line=line)


def _reason(entry: Any, said: str) -> str:
    """Only what cannot quote the document."""
    is_xpath = entry.type_name.startswith("XPATH_")
    return f"{said[:200].rstrip('.')}." if is_xpath or KNOWN.match(said) else ""
