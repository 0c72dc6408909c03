"""Documents made into envelopes, and envelopes into documents. See `run`."""

from __future__ import annotations

from integrations.conversion.child import LIMITS, Limits
from integrations.conversion.facts import Facts, read_facts
from integrations.conversion.rule import Converted, Rule
from integrations.conversion.run import attributes, check_rule, convert, starting_map, view
from integrations.conversion.validation import ValidationFile

__all__ = [
    "LIMITS",
    "Converted",
    "Facts",
    "Limits",
    "Rule",
    "ValidationFile",
    "attributes",
    "check_rule",
    "convert",
    "read_facts",
    "starting_map",
    "view",
]
