"""Sends nothing: keeps what it is given for the Sandbox inbox, and behaves as its rules say."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django import forms
from django.utils import timezone

from omnichannel.backends import sandbox_rules, sandbox_store
from omnichannel.backends.base import (
    Backend,
    HandedOver,
    Ledger,
    OutgoingMessage,
    ProviderConfig,
    Result,
    Status,
    TrackingEvent,
)
from omnichannel.backends.envelope import refuse_bad_addresses, refuse_unsafe, sender_of
from omnichannel.backends.sandbox_rules import Behaviour
from omnichannel.choices import ChannelType, EventType, Outcome
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderTrouble,
    ProviderUnavailable,
    Rejected,
    SendError,
    TemporaryError,
    Throttled,
)

CHUNK = 50  # messages stored at once; so many are uncertain when the process is killed
CHUNK_SECONDS = 0.1
LINK = re.compile(r"""href=["'](https?://[^"']+)""")
TEXT_LINK = re.compile(r"""https?://[^\s<>"']*[^\s<>"').,;:!?]""")
EVENT_CODES = {
    "delivered": ("delivered", EventType.DELIVERED),
    "opened": ("open", EventType.OPENED),
    "clicked": ("click", EventType.CLICKED),
    "bounced": ("bounce", EventType.BOUNCED),
}


# What the sandbox has: what it took, and what it gave no answer to.
TAKEN = {Outcome.ACCEPTED.value, Outcome.UNKNOWN.value}


class SandboxForm(forms.Form):
    rules = forms.CharField(
        required=False,
        initial=sandbox_rules.DEFAULT_RULES,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text=sandbox_rules.HELP,
    )

    def clean_rules(self) -> str:
        text = str(self.cleaned_data["rules"])
        try:
            sandbox_rules.parse(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return text


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is said to one message: a result, or trouble that ends the whole batch."""

    kept: sandbox_store.Kept
    result: Result
    trouble: ProviderTrouble | None = None


class Sandbox(Backend):
    slug = "sandbox"
    label = "Sandbox (sends nothing)"
    channel_types = (ChannelType.EMAIL, ChannelType.SMS, ChannelType.PUSH)
    config_form = SandboxForm
    can_look_up = True
    has_ledger = True
    statuses = (
        Status("250", "ACCEPTED", Outcome.ACCEPTED, "The sandbox keeps the message."),
        Status("429", "THROTTLED", Outcome.THROTTLED, "Simulated: too many messages."),
        Status("451", "TEMPORARY", Outcome.TEMPORARY, "Simulated: try again later."),
        Status("535", "NOT AUTHORISED", Outcome.AUTH, "Simulated: wrong password."),
        Status("550", "REJECTED", Outcome.REJECTED, "Simulated: no such recipient."),
        Status("connect", "NO CONNECTION", Outcome.TEMPORARY, "Simulated: nobody answers."),
        Status("no-answer", "NO ANSWER", Outcome.UNKNOWN, "Simulated: no answer came."),
        Status("invalid", "INVALID MESSAGE", Outcome.REJECTED, "Refused before it was sent."),
        Status("delivered", "DELIVERED", Outcome.DELIVERED, "Simulated delivery."),
        Status("bounce", "BOUNCED", Outcome.REJECTED, "Simulated bounce."),
        Status("open", "OPENED", "", "Simulated open."),
        Status("click", "CLICKED", "", "Simulated click."),
    )

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        text = str(config.options.get("rules", sandbox_rules.DEFAULT_RULES))
        try:
            self.rules = sandbox_rules.parse(text)
        except ValueError:
            self.rules = ()  # the form refuses such text; raw settings may hold it

    def send(self, message: OutgoingMessage) -> Result:
        for result in self.deliver([message]):
            return result
        raise OutcomeUnknown("The sandbox gave no answer.")

    def deliver(self, messages: Iterable[OutgoingMessage]) -> Iterator[Result]:
        """Stores in chunks: one commit for each message would be most of the time."""
        chunk: list[_Answer] = []
        started = time.monotonic()
        for message in messages:
            behaviour = sandbox_rules.behaviour_for(message.to, self.rules)
            if behaviour.delay:
                yield from self._store(chunk)
                chunk = []
                time.sleep(min(behaviour.delay, self.config.deadline))
            answer = self._answer(message, behaviour)
            chunk.append(answer)
            if answer.trouble or len(chunk) >= CHUNK or time.monotonic() - started > CHUNK_SECONDS:
                yield from self._store(chunk)
                chunk, started = [], time.monotonic()
        yield from self._store(chunk)

    def check(self) -> str:
        return f"The sandbox is there and has {len(self.rules)} rules. It sends nothing."

    def look_up(self, messages: Sequence[HandedOver]) -> Iterator[Result]:
        """From its own store. What it answered nothing to, it has nevertheless."""
        complete = sandbox_store.complete_since()
        answers = sandbox_store.outcomes([message.key for message in messages])
        for message in messages:
            found = answers.get(message.key, [])
            if TAKEN.intersection(found):
                yield _said(message, Outcome.ACCEPTED, "250", "The sandbox has it.")
            elif Outcome.REJECTED in found:
                yield _said(message, Outcome.REJECTED, "550", "The sandbox had refused it.")
            elif found or message.not_before >= complete:
                yield _said(message, Outcome.TEMPORARY, "", "The sandbox never took it.")

    def ledger(self) -> Ledger:
        taken = sandbox_store.entries(self.config.name, sorted(TAKEN))
        return Ledger(sandbox_store.complete_since(), taken)

    def _store(self, chunk: list[_Answer]) -> Iterator[Result]:
        if chunk:
            sandbox_store.keep([answer.kept for answer in chunk])
        for answer in chunk:
            if answer.trouble:
                raise answer.trouble
            yield answer.result

    def _answer(self, message: OutgoingMessage, behaviour: Behaviour) -> _Answer:
        trouble = None
        try:
            self._refuse(message, behaviour)
            result = Result(
                message.key,
                Outcome.ACCEPTED,
                code="250",
                text="Kept in the sandbox.",
                external_id=f"sandbox-{message.key}",
                events=_events(message, behaviour),
            )
        except SendError as error:
            trouble = error if isinstance(error, ProviderTrouble) else None
            result = Result.from_error(message, error)
        return _Answer(self._kept(message, result), result, trouble)

    def _refuse(self, message: OutgoingMessage, behaviour: Behaviour) -> None:
        refuse_unsafe(message, self.config)
        if self.config.channel_type == ChannelType.EMAIL:
            refuse_bad_addresses(message, self.config)
        error = _simulated(message, behaviour)
        if error is not None:
            raise error

    def _kept(self, message: OutgoingMessage, result: Result) -> sandbox_store.Kept:
        address, name = sender_of(message, self.config)
        headers = dict(message.headers)
        if message.reply_to:
            headers["Reply-To"] = message.reply_to
        return sandbox_store.Kept(
            at=timezone.now(),
            provider=self.config.name,
            channel_type=self.config.channel_type,
            to=message.to,
            cc=list(message.cc),
            bcc=list(message.bcc),
            from_address=f"{name} <{address}>" if name else address,
            subject=message.subject,
            html=message.html,
            text=message.text,
            headers=headers,
            attachments=[(item.name, len(item.content)) for item in message.attachments],
            outcome=result.outcome,
            code=result.code,
            key=message.key,
        )


def _said(message: HandedOver, outcome: str, code: str, text: str) -> Result:
    external_id = f"sandbox-{message.key}" if outcome == Outcome.ACCEPTED else ""
    return Result(message.key, outcome, code, text, external_id)


def _simulated(message: OutgoingMessage, behaviour: Behaviour) -> SendError | None:
    number = behaviour.number
    match behaviour.refusal:
        case "temporary" if number is None or message.attempt <= number:
            return TemporaryError("Simulated: try again later.", code="451")
        case "permanent":
            return Rejected("Simulated: no such recipient.", code="550")
        case "throttled":
            return Throttled("Simulated: too many messages.", code="429", retry_after=number)
        case "unknown":
            return OutcomeUnknown("Simulated: no answer came.", code="no-answer")
        case "auth":
            return ProviderRefused("Simulated: wrong password.", code="535")
        case "unavailable":
            return ProviderUnavailable("Simulated: nobody answers.", code="connect")
    return None


def _events(message: OutgoingMessage, behaviour: Behaviour) -> tuple[TrackingEvent, ...]:
    events = []
    for name in behaviour.events:
        code, kind = EVENT_CODES[name]
        url = _first_link(message) if name == "clicked" else ""
        if name == "clicked" and not url:
            continue  # a message without a link cannot be clicked
        events.append(
            TrackingEvent(
                type=kind,
                at=timezone.now(),
                key=message.key,
                external_id=f"sandbox-{message.key}",
                event_id=f"{message.key}-{message.attempt}-{code}",
                code=code,
                description=f"Simulated by the sandbox: {name}.",
                url=url,
                outcome=Outcome.REJECTED if name == "bounced" else "",
            )
        )
    return tuple(events)


def _first_link(message: OutgoingMessage) -> str:
    """As its recipient knows it: the HTML's may be counted ones, those of the text never are."""
    if found := TEXT_LINK.search(message.text):
        return found[0]
    found = LINK.search(message.html)
    return html.unescape(found[1]) if found else ""
