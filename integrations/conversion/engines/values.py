"""The values of a field map: where a text comes from and how it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from integrations.conversion.date_words import rewritten, strftime_format
from integrations.conversion.engines.task import Task
from integrations.exceptions import ConversionFailed, RuleInvalid

Element = Any  # lxml has no types
Value = Callable[[Element, Task], str]
KINDS = ("path", "column", "constant", "parameter", "lookup", "parts")
EXTRAS = {
    "default", "format", "required", "map", "key", "join", "from", "to", "decimals", "decimal",
}  # fmt: skip
LONGEST = 20_000
MAX_PARTS = 50
PLAIN: Mapping[str, Callable[[str], str]] = {
    "trim": str.strip,
    "upper": str.upper,
    "lower": str.lower,
    "digits": lambda text: "".join(each for each in text if each.isdigit()),
}


class Compiler:
    """Turns the JSON of values into functions. Raises RuleInvalid that names the place."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self.namespaces = dict(namespaces)

    def path(self, text: Any, place: str) -> Any:
        if not isinstance(text, str) or not text.strip() or len(text) > 1_000:
            raise invalid(place, "a path is a text such as MESSAGE/BGM/BGM02")
        try:
            return etree.XPath(
                text, namespaces=self.namespaces or None, regexp=False, smart_strings=False
            )
        except etree.XPathSyntaxError as error:
            raise invalid(place, f"the path cannot be read: {error}") from error

    def value(self, source: Any, place: str) -> Value:
        if isinstance(source, str):
            source = {"path": source}
        elif isinstance(source, int | float) and not isinstance(source, bool):
            source = {"constant": str(source)}
        if not isinstance(source, dict):
            raise invalid(place, "a value is a path or an object")
        kinds = [kind for kind in KINDS if kind in source]
        unknown = set(source) - set(kinds) - EXTRAS
        if len(kinds) != 1 or unknown:
            raise invalid(place, f"a value has one of {', '.join(KINDS)}, and nothing unknown")
        read = getattr(self, f"_{kinds[0]}")(source, place)
        return _finished(read, source, place)

    def _path(self, source: Mapping[str, Any], place: str) -> Value:
        path = self.path(source["path"], place)
        return lambda node, task: text_of(found(path, node, place))

    def _column(self, source: Mapping[str, Any], place: str) -> Value:
        name = word(source["column"], place)
        path = etree.XPath("string(col[@name=$name])", smart_strings=False)
        return lambda node, task: str(path(node, name=name))

    def _constant(self, source: Mapping[str, Any], place: str) -> Value:
        text = word(source["constant"], place)
        return lambda node, task: text

    def _parameter(self, source: Mapping[str, Any], place: str) -> Value:
        name = word(source["parameter"], place)
        return lambda node, task: task.parameters.get(name, "")

    def _lookup(self, source: Mapping[str, Any], place: str) -> Value:
        dictionary = word(source["lookup"], place)
        if "key" not in source:
            raise invalid(place, "a lookup needs a key")
        key = self.value(source["key"], f"{place}.key")
        return lambda node, task: task.look_up(dictionary, key(node, task))

    def _parts(self, source: Mapping[str, Any], place: str) -> Value:
        parts = source["parts"]
        if not isinstance(parts, list) or not 0 < len(parts) <= MAX_PARTS:
            raise invalid(place, f"parts is a list of 1 to {MAX_PARTS} values")
        values = [self.value(part, f"{place}.parts[{at}]") for at, part in enumerate(parts)]
        separator = word(source.get("join", ""), place)
        return lambda node, task: separator.join(
            text for value in values if (text := value(node, task)) or not separator
        )


def _finished(read: Value, source: Mapping[str, Any], place: str) -> Value:
    default = word(source.get("default", ""), place)
    table = source.get("map")
    if table is not None and not isinstance(table, dict):
        raise invalid(place, "map is an object of texts")
    words = {str(key): str(value) for key, value in (table or {}).items()}
    written = formatter(source, place)

    def finished(node: Element, task: Task) -> str:
        text = read(node, task)
        text = words.get(text, text) if words else text
        if text and written is not None:
            try:
                text = written(text)
            except ConversionFailed as error:
                raise ConversionFailed(f"{place}: {error}", error.code) from error
        text = text or default
        if not text and source.get("required"):
            raise ConversionFailed(f"{place}: the document has nothing for it.", "required")
        return text[:LONGEST]

    return finished


def formatter(source: Mapping[str, Any], place: str) -> Callable[[str], str] | None:
    kind = source.get("format")
    if kind is None:
        return None
    if kind in PLAIN:
        return PLAIN[kind]
    if kind == "date":
        words, target = word(source.get("from", ""), place), word(source.get("to", ""), place)
        target = target or "yyyy-MM-dd"
        for each in (words, target):
            strftime_format(each, place)
        return lambda text: rewritten(text.strip(), words, target)
    if kind == "number":
        decimals, mark = source.get("decimals"), source.get("decimal", ".")
        if mark not in (".", ",") or decimals not in (None, *range(11)):
            raise invalid(place, 'a number has 0 to 10 "decimals" and a "decimal" . or ,')
        return lambda text: number(text, decimals, mark)
    raise invalid(place, f"format is one of {', '.join(PLAIN)}, date, number")


def number(text: str, decimals: int | None, mark: str) -> str:
    """Read with . or , before the decimals; the other one, and blanks, group digits."""
    plain = re.sub(r"[\s\u00a0\u202f']", "", text[:60])
    if "," in plain and (plain.rfind(",") > plain.rfind(".")):
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = Decimal(plain.replace(",", ""))
    except InvalidOperation as error:
        raise ConversionFailed("A text is not a number.", "number") from error
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise ConversionFailed("A number is too large.", "number")
    return (f"{value:f}" if decimals is None else f"{value:.{decimals}f}").replace(".", mark)


def found(path: Any, node: Element, place: str) -> Any:
    try:
        return path(node)
    except etree.XPathError as error:
        raise ConversionFailed(f"{place}: the path cannot be followed.", "path") from error


def text_of(value: Any) -> str:
    """The first of what a path gives, as XPath's string() would say it."""
    if isinstance(value, list):
        if not value:
            return ""
        value = value[0]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str):
        return value.strip()
    is_leaf = etree.iselement(value) and not len(value)
    return ((value.text or "") if is_leaf else str(value.xpath("string()"))).strip()


def nodes_of(value: Any, place: str) -> list[Element]:
    is_list = isinstance(value, list)
    if not is_list or any(isinstance(node, str | tuple) for node in value):
        raise ConversionFailed(f"{place}: the path does not lead to elements.", "path")
    return list(value)


def word(value: Any, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise invalid(place, "it has to be a text")
    return str(value)[:LONGEST]


def invalid(place: str, text: str) -> RuleInvalid:
    return RuleInvalid(f"{place or 'the map'}: {text}.", "fieldmap")
