"""All that is wrong with a submission, each with the field it is in."""

from __future__ import annotations

from omnichannel.exceptions import InvalidSubmission


class Faults:
    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, field: str, text: str) -> None:
        self.found.append((field, text))

    def refuse(self) -> None:
        """Raises InvalidSubmission when there are any."""
        if self.found:
            raise InvalidSubmission(self.found)
