"""The XML that Netcore's SMS service answers with, read without entities and to a bounded depth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

MOST_ELEMENTS, DEEPEST, LONGEST = 200, 20, 2000


class NotUnderstood(ValueError):
    """What was answered is not the XML that is documented."""


@dataclass(slots=True)
class SmsAnswer:
    """Success has `request_id`, and a MID for the number; failure has a code."""

    request_id: str = ""
    message_id: str = ""
    code: str = ""
    description: str = ""
    names: list[str] = field(default_factory=list)  # of the elements, in order


class _Reader:
    def __init__(self) -> None:
        self.answer = SmsAnswer()
        self._open: list[str] = []
        self._texts: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.answer.names) >= MOST_ELEMENTS or len(self._open) >= DEEPEST:
            raise NotUnderstood("too much of it")
        name = name.upper()
        found = {key.upper(): value[:LONGEST] for key, value in attributes.items()}
        self.answer.names.append(name)
        self._open.append(name)
        self._texts.append("")
        if name == "RESULT":
            self.answer.request_id = found.get("REQID", "")
        elif name == "MID":
            self.answer.message_id = found.get("ID", "")

    def text(self, data: str) -> None:
        if self._texts:
            self._texts[-1] = (self._texts[-1] + data)[:LONGEST]

    def end(self, _: str) -> None:
        name, text = self._open.pop(), self._texts.pop().strip()
        if "ERROR" not in self._open:
            return
        if name == "CODE":
            self.answer.code = text
        elif name == "DESC":
            self.answer.description = text


def read(body: bytes) -> SmsAnswer:
    """Raises NotUnderstood."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise NotUnderstood(str(error)) from error
    if reader.answer.names[0] != "RESULT":
        raise NotUnderstood("it is not a RESULT")
    return reader.answer


def _refuse(*_: Any) -> None:
    """Without a document type there are no entities of its own."""
    raise NotUnderstood("it declares a document type")
