"""Providers whose API takes an array of whole messages, and answers for each of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from django import forms

from omnichannel.backends.anymail import AnymailBackend, Order
from omnichannel.backends.base import OutgoingMessage, Result
from omnichannel.backends.http import HttpForm, judged, refusal
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_line import Call
from omnichannel.backends.http_request import RequestHead
from omnichannel.choices import Category
from omnichannel.exceptions import OutcomeUnknown, ProviderTrouble, Rejected, SendError

MESSAGES_PER_CALL = 50
MOST_BYTES = 10_000_000
UNAVAILABLE = 503  # the call was not looked at


class ArrayForm(HttpForm):
    messages_per_call = forms.IntegerField(
        min_value=1,
        max_value=500,
        required=False,
        help_text="How many messages go in one call, as far as the service takes them so. "
        f"Empty: {MESSAGES_PER_CALL}. When a call gets no answer, all of them are uncertain; "
        "1 sends each by itself.",
    )


class ArrayBackend(AnymailBackend):
    """A subclass says where arrays go, how they are written and how their answer is read."""

    config_form: ClassVar[type[forms.Form] | None] = ArrayForm
    most_in_array: ClassVar[int]
    array_path: ClassVar[str]

    def fits(self, message: OutgoingMessage) -> bool:
        """Whether an array may hold it. A one-time password's fate is its own."""
        return message.category != Category.OTP

    def array(self, bodies: Sequence[bytes]) -> bytes:
        """Several messages as one call takes them; each is what a call of its own would be."""
        return b"[" + b",".join(bodies) + b"]"

    def answers(self, found: Any, status: int) -> list[Answer]:
        """The answer to an array as answers to calls of their own, in their order.

        `found` is what came as JSON. Raises LookupError, TypeError or ValueError when it is no
        such answer.
        """
        raise NotImplementedError

    def is_of(self, message: OutgoingMessage, answer: Answer) -> bool:
        """Whether this part of an answer can be about this message."""
        return True

    def is_refusal(self, answer: Answer) -> bool:
        """Whether an answer without a word for each message says that none was sent."""
        return 300 <= answer.status < 500 or answer.status == UNAVAILABLE

    def plan(self, messages: Iterable[OutgoingMessage]) -> Iterator[Call | Result]:
        most = self.whole_number("messages_per_call", MESSAGES_PER_CALL, self.most_in_array)
        waiting: list[Order] = []
        size = 0
        for message in messages:
            try:
                order = self.order(message)
            except ProviderTrouble:
                raise
            except SendError as error:
                yield Result.from_error(message, error)
                continue
            if most == 1 or not self.fits(message):
                yield self._one(order)
                continue
            if waiting and size + len(order.body) > MOST_BYTES:
                yield self._several(waiting)
                waiting, size = [], 0
            waiting.append(order)
            size += len(order.body)
            if len(waiting) >= most:
                yield self._several(waiting)
                waiting, size = [], 0
        if waiting:
            yield self._several(waiting)

    def _one(self, order: Order) -> Call:
        request = order.head.with_body(order.body)
        return self.call(request, lambda outcome: [judged(order.message, order.judge, outcome)])

    def _several(self, orders: Sequence[Order]) -> Call:
        if len(orders) == 1:
            return self._one(orders[0])
        url = f"{self.url}/{self.array_path}"
        head = RequestHead(self.fleet.peer, "POST", url, orders[0].headers)
        request = head.with_body(self.array([order.body for order in orders]))
        return self.call(request, partial(self._settled, orders))

    def _settled(
        self, orders: Sequence[Order], outcome: Answer | SendError
    ) -> Iterator[Result | Call]:
        """What the answer to an array means for each of its messages."""
        each = self._parted(outcome, orders)
        if each is not None:
            for order, answer in zip(orders, each, strict=True):
                yield judged(order.message, order.judge, answer)
            return
        error = outcome if isinstance(outcome, SendError) else self._whole(outcome)
        if isinstance(error, ProviderTrouble):
            raise error
        for order in orders:
            # Nothing of a refused array was sent: each message by itself tells which is to blame.
            if isinstance(error, Rejected):
                yield self._one(order)
            else:
                yield Result.from_error(order.message, error)

    def _parted(self, outcome: Answer | SendError, orders: Sequence[Order]) -> list[Answer] | None:
        if isinstance(outcome, SendError) or not outcome.is_whole:
            return None
        try:
            found = self.answers(outcome.json(), outcome.status)
            pairs = list(zip(orders, found, strict=True))
            is_right = all(self.is_of(order.message, answer) for order, answer in pairs)
        except (LookupError, TypeError, ValueError, AttributeError):
            return None
        return found if is_right else None

    def _whole(self, answer: Answer) -> SendError:
        """What an answer without a word for each message means for all of them."""
        text = " ".join(answer.text.split())[:500] or answer.reason
        if self.is_refusal(answer):
            return refusal(answer, text)
        return OutcomeUnknown(f"{answer.status}: the answer was not understood: {text}")


def as_answer(status: int, body: Any) -> Answer:
    return Answer(
        status, headers={"content-type": "application/json"}, body=json.dumps(body).encode()
    )
