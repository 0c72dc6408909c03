"""What the sandbox does to whom: lines of "pattern: behaviour", the first match counts."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

LONGEST_DELAY = 10.0  # seconds
DEFAULT_RULES = """\
*+bounce@*: bounced
*+reject@*: permanent
*+temporary@*: temporary
*+retry@*: temporary 1
*+slow@*: delay 2 delivered
*+busy@*: throttled 5
*+unknown@*: unknown
*+open@*: delivered opened
*+click@*: delivered opened clicked
*+delivered@*: delivered
"""
HELP = (
    "One rule a line, the first that matches counts. * stands for anything, ? for one character. "
    "Behaviours: delivered, opened, clicked (a link of the message), bounced, delay SECONDS "
    f"(at most {LONGEST_DELAY:.0f}), temporary, temporary N (only the first N attempts), "
    "permanent, throttled SECONDS, unknown, auth (wrong password), unavailable (no connection). "
    "Several may be given: “delay 2 delivered opened”. Nobody else: accepted, and no more."
)

REFUSALS = ("temporary", "permanent", "throttled", "unknown", "auth", "unavailable")
EVENTS = ("delivered", "opened", "clicked", "bounced")
NUMBERED = {"delay": LONGEST_DELAY, "temporary": 100.0, "throttled": 3600.0}


@dataclass(frozen=True, slots=True)
class Behaviour:
    delay: float = 0.0
    refusal: str = ""  # one of REFUSALS
    number: float | None = None  # attempts of a temporary refusal, seconds of a throttled one
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: str
    behaviour: Behaviour


def parse(text: str) -> tuple[Rule, ...]:
    """Raises ValueError with the number of the bad line."""
    rules = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pattern, colon, words = line.rpartition(":")
        if not colon or not pattern.strip() or not words.strip():
            raise ValueError(f"Line {number}: write “pattern: behaviour”.")
        try:
            rules.append(Rule(pattern.strip().lower(), _behaviour(words)))
        except ValueError as error:
            raise ValueError(f"Line {number}: {error}") from error
    return tuple(rules)


def behaviour_for(address: str, rules: tuple[Rule, ...]) -> Behaviour:
    address = address.lower()
    for rule in rules:
        if fnmatchcase(address, rule.pattern):
            return rule.behaviour
    return Behaviour()


def _behaviour(words: str) -> Behaviour:
    delay, refusal, number = 0.0, "", None
    events: list[str] = []
    for word, digits in _pairs(words.lower()):
        value = _number(word, digits)
        if word == "delay":
            delay = value or 0.0
        elif word in REFUSALS and not refusal:
            refusal, number = word, value
        elif word in EVENTS:
            events.append(word)
        else:
            raise ValueError(f"“{word}” is not a behaviour, or there are two that contradict.")
    return Behaviour(delay, refusal, number, tuple(events))


def _pairs(words: str) -> list[tuple[str, str]]:
    """Each word with the number that follows it."""
    pairs: list[tuple[str, str]] = []
    for word in words.split():
        if not word.replace(".", "", 1).isdecimal():
            pairs.append((word, ""))
        elif pairs and not pairs[-1][1]:
            pairs[-1] = (pairs[-1][0], word)
        else:
            raise ValueError(f"“{word}” follows no behaviour.")
    return pairs


def _number(word: str, digits: str) -> float | None:
    if not digits:
        if word == "delay":
            raise ValueError("say how many seconds after “delay”.")
        return None
    if word not in NUMBERED:
        raise ValueError(f"no number can follow “{word}”.")
    value = float(digits)
    if value > NUMBERED[word]:
        raise ValueError(f"the number after “{word}” can be {NUMBERED[word]:.0f} at most.")
    return value
