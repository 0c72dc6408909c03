"""Variables that are never written down: a one-time password is in memory until it is sent.

Their names are in the message's row, their values go from the call that asks for the message to
the provider and nowhere else. Without them a message is never sent: whoever tries is told so.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import traceback
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import DatabaseError

from omnichannel.backends.base import Result
from omnichannel.claimed import Claimed
from omnichannel.exceptions import InvalidMessage, OmnichannelError
from omnichannel.models import Message

MASK = "••••••"
_PLACE, _NAMES = "system", "unkept"  # a name that senders cannot use: see `submissions.content`


class NotKept(InvalidMessage):
    """It had something secret to say, which the process that died took with it."""

    code = "not_kept"


def kept(variables: Mapping[str, Any], unkept: Collection[str]) -> dict[str, Any]:
    """What a row may hold of the variables; it names those that are left out."""
    left = {name: value for name, value in variables.items() if name not in unkept}
    return {**left, _PLACE: {_NAMES: sorted(unkept)}} if unkept else left


def names_in(variables: Mapping[str, Any]) -> list[str]:
    """Of those that a row does without."""
    place = variables.get(_PLACE)
    found = place.get(_NAMES) if isinstance(place, dict) else None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def masked(message: Message) -> Message:
    """As it may be shown to others than its recipient."""
    shown = copy.copy(message)
    shown.variables = {**message.variables, **dict.fromkeys(names_in(message.variables), MASK)}
    return shown


class Unkept:
    """The values there are in memory, by message."""

    def __init__(self, values: Mapping[int, Mapping[str, Any]] | None = None) -> None:
        self._values = dict(values or {})

    def whole(self, message: Claimed) -> Claimed:
        """The message with all it has to say. Raises NotKept."""
        names = names_in(message.variables) if _PLACE in message.variables else []
        if not names:
            return message
        values = self._values.get(message.pk, {})
        if not values.keys() >= set(names):
            raise NotKept(
                "Its one-time password was in memory only, and the process that had it has ended. "
                "It is never sent without: ask for a new one."
            )
        return dataclasses.replace(message, variables={**message.variables, **values})

    def hidden(self, result: Result) -> Result:
        """A provider may repeat in its answer what it was given."""
        if not self._values:
            return result
        events = tuple(
            dataclasses.replace(
                event, description=self.text(event.description), url=self.text(event.url)
            )
            for event in result.events
        )
        return dataclasses.replace(result, text=self.text(result.text), events=events)

    @contextlib.contextmanager
    def masking(self) -> Iterator[None]:
        """A defect may name what it failed at, and is written to the log."""
        try:
            yield
        except (OmnichannelError, DatabaseError):
            raise
        except Exception:
            told = traceback.format_exc()
            if self.text(told) == told:
                raise
            raise RuntimeError(self.text(told)) from None

    def text(self, text: str) -> str:
        for values in self._values.values():
            for value in values.values():
                text = text.replace(str(value), MASK)
        return text
