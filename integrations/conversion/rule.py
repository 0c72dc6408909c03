"""The plain words of the front door (see `run`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from integrations.conversion.facts import Facts
from integrations.conversion.outputs import NATIVE, OUTPUTS
from integrations.conversion.validation import ValidationFile
from integrations.exceptions import RuleInvalid

OUT, IN = "out", "in"
ENGINES = ("fieldmap", "xslt", "jinja", "passthrough")
PARAMETERS = ("SENDER_MAILBOX", "RECIPIENT_MAILBOX", "TEMPLATE_UUID", "TEMPLATE_VERSION")


@dataclass(frozen=True)
class Rule:
    """`direction` is "out" (a file to the native envelope) or "in" (the envelope to a file).

    `output` is "native" for out; xml, json, csv, xlsx, edifact, x12 or text for in. Of an out
    rule the validation files look at the view of the file, of an in rule at the result.
    """

    direction: str
    engine: str
    body: str = ""
    output: str = NATIVE
    validation: tuple[ValidationFile, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    dictionaries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    multiple: bool = False


@dataclass(frozen=True)
class Converted:
    """`output` is the file of an in rule, the native XML of an out rule."""

    output: bytes
    media_type: str
    warnings: tuple[str, ...]
    facts: Facts


def check_form(rule: Rule) -> None:
    """Raises RuleInvalid."""
    if rule.direction not in (OUT, IN):
        raise RuleInvalid("A rule's direction is out or in.", "direction")
    if rule.engine not in ENGINES:
        raise RuleInvalid(f"A rule's engine is one of {', '.join(ENGINES)}.", "engine")
    allowed = (NATIVE,) if rule.direction == OUT else OUTPUTS
    if rule.output not in allowed:
        raise RuleInvalid(f"This rule's output is one of {', '.join(allowed)}.", "output")
    if any(not name.isidentifier() for name in rule.parameters):
        raise RuleInvalid("A parameter's name has letters, digits and _ only.", "parameters")


def as_json(rule: Rule) -> dict[str, Any]:
    dictionaries = {
        name: {str(key): str(value) for key, value in words.items()}
        for name, words in rule.dictionaries.items()
    }
    return {
        **asdict(rule),
        "validation": [list(each) for each in rule.validation],
        "parameters": {name: str(value) for name, value in rule.parameters.items()},
        "dictionaries": dictionaries,
    }


def from_json(source: Mapping[str, Any]) -> Rule:
    validation = tuple(ValidationFile(*each) for each in source["validation"])
    return Rule(**{**source, "validation": validation})
