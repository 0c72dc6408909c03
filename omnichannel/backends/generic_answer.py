"""What the answer of a provider that is data means: by status, by a value in JSON, by a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omnichannel.backends.generic_path import find
from omnichannel.backends.http import refusal
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.vendor_values import text_of
from omnichannel.exceptions import OutcomeUnknown, ProviderRefused, Rejected, TemporaryError

FAILED = "failed"  # the code of a failure that has none
STATUSES = re.compile(r"\s*2[0-9]{2}\s*(?:,\s*2[0-9]{2}\s*){0,20}")
PERMANENT = "rejected"
VALUE, TEXT = "value", "text"  # what says that a message was taken, beside the status


def parse_statuses(text: str) -> frozenset[int]:
    """Raises ValueError with advice. Empty: every 2xx."""
    if not text.strip():
        return frozenset(range(200, 300))
    if not STATUSES.fullmatch(text):
        raise ValueError("Write statuses from 200 to 299 with commas between, such as 200, 202")
    return frozenset(map(int, text.split(",")))


def words_of(text: Any) -> frozenset[str]:
    """Of a list with commas; compared in lower case."""
    return frozenset(filter(None, map(str.strip, text_of(text).lower().split(","))))


@dataclass(frozen=True, slots=True)
class Rules:
    """What a provider's settings say of its answers."""

    statuses: frozenset[int]
    success_path: str
    success_values: frozenset[str]
    success_text: str
    failure_text: str
    id_path: str
    code_path: str
    text_path: str
    stop_codes: frozenset[str]
    is_permanent: bool

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Rules:
        """Raises ValueError with advice."""

        def told(name: str, by: str = "") -> str:
            is_meant = not by or options.get("taken_by") == by
            return text_of(options.get(name)) if is_meant else ""

        return cls(
            statuses=parse_statuses(told("accepted_statuses")),
            success_path=told("success_path", VALUE),
            success_values=words_of(told("success_values", VALUE)),
            success_text=told("success_text", TEXT).lower(),
            failure_text=told("failure_text", TEXT).lower(),
            id_path=told("id_path"),
            code_path=told("code_path"),
            text_path=told("text_path"),
            stop_codes=words_of(told("stop_codes")),
            is_permanent=told("failure_means") == PERMANENT,
        )


def external_id(answer: Answer, rules: Rules) -> str:
    """The vendor's id of a message that was taken. Raises SendError when it was not."""
    said = _json_of(answer)
    words = text_of(find(said, rules.text_path), 500)
    words = words or " ".join(answer.text.split())[:500] or answer.reason
    if not 200 <= answer.status < 300:
        raise refusal(answer, words)
    if answer.status not in rules.statuses:
        raise OutcomeUnknown(f"{answer.status} is none of the statuses that mean taken: {words}")
    if not answer.is_whole:
        raise OutcomeUnknown("The answer was cut off.")
    _refuse_failure(answer, said, rules, words)
    return text_of(find(said, rules.id_path), 255)


def _refuse_failure(answer: Answer, said: Any, rules: Rules, words: str) -> None:
    verdict = _verdict(answer, said, rules)
    if verdict is True:
        return
    code = text_of(find(said, rules.code_path), 60)
    if verdict is None and not code:
        raise OutcomeUnknown(f"The answer does not say whether it was taken: {words}")
    if code.lower() in rules.stop_codes:
        raise ProviderRefused(f"{code}: {words}", code=code)
    kind = Rejected if rules.is_permanent else TemporaryError
    raise kind(f"{code or FAILED}: {words}", code=code or FAILED)


def _verdict(answer: Answer, said: Any, rules: Rules) -> bool | None:
    """Was it taken? None: what should say so is not there."""
    text = answer.text.lower()
    if rules.failure_text and rules.failure_text in text:
        return False
    if rules.success_text and rules.success_text not in text:
        return False
    if rules.success_path:
        found = find(said, rules.success_path)
        if found is None or isinstance(found, dict | list):
            return None
        return _plain(found) in rules.success_values
    return True


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else text_of(value, 200).lower()


def _json_of(answer: Answer) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None
