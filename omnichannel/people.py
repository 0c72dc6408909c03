"""All there is on one address: what was sent to it, what it said, who else holds it.

An app above registers what it holds in `holdings`; so it is shown, exported and erased with the
rest.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat, Lower
from django.db.models.lookups import Contains
from django.utils.crypto import salted_hmac

from omnichannel.addresses import clean_email, clean_phone
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import Consent, Message, MessageEvent, Suppression
from omnichannel.models.consent import ConsentQuerySet
from omnichannel.models.messages import WITH_CAPITALS, WITH_COPIES, MessageQuerySet
from omnichannel.models.suppression import SuppressionQuerySet

MAX_LENGTH = 320
PAGE = 500  # messages of an export that are read together
FEW = 2_000

Ids = QuerySet[Any]


@dataclass(frozen=True)
class Address:
    """`text` is in lower case, as it is compared; `given` as it was typed, cleaned."""

    channel_type: str
    text: str
    given: str

    @property
    def spellings(self) -> set[str]:
        """How it may be stored, capitals in odd places aside."""
        return {self.text, self.given}

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in a text, and no longer address that ends or begins as it does."""
        whole = rf"(?<![\w.+-]){re.escape(self.text)}(?![\w-]|\.\w)"
        return re.compile(whole, re.IGNORECASE)

    @property
    def seal(self) -> str:
        """A keyed hash: names the address in a log without telling it."""
        return salted_hmac("omnichannel.people", self.text, algorithm="sha256").hexdigest()[:32]


@dataclass(frozen=True)
class Holding:
    """What one table holds on an address. `erase` is told the moment, and answers how many went."""

    name: str  # of the list in an export
    label: str  # of one of many: "audience record"
    count: Callable[[Address], int]
    export: Callable[[Address], Iterable[Mapping[str, Any]]]
    erase: Callable[[Address, datetime.datetime], int]


holdings: list[Holding] = []


def parse(text: str) -> Address:
    """What a person types, or a link carries. Raises InvalidMessage.

    Anything short and printable is an address: a malformed one may be in a table, too.
    """
    text = text.strip()
    if not text:
        raise InvalidMessage("Enter an e-mail address or a phone number.")
    if len(text) > MAX_LENGTH:
        raise InvalidMessage(f"An address has at most {MAX_LENGTH} characters.")
    if not text.isprintable():
        raise InvalidMessage("An address has no control characters: type it anew.")
    channel_type, given = _read(text)
    # A row that came by another way than a form or a file has it as it was written.
    return Address(channel_type, given.lower(), given if given.isascii() else text)


def _read(text: str) -> tuple[str, str]:
    if "@" in text:
        try:
            return ChannelType.EMAIL, clean_email(text)
        except InvalidMessage:
            return ChannelType.EMAIL, text
    try:
        return ChannelType.SMS, clean_phone(text, settings.DEFAULT_PHONE_REGION)
    except InvalidMessage:
        return ChannelType.PUSH, text


def messages_to(address: Address) -> MessageQuerySet:
    """What was sent to it, in whatever case it was written."""
    return _found(_sent_to(address))


def copies_to(address: Address) -> MessageQuerySet:
    """Messages to others of which it got a copy (CC or BCC)."""
    return _found(_copied_to(address))


def messages_of(address: Address) -> MessageQuerySet:
    """Both."""
    return _found(_sent_to(address).union(_copied_to(address)))


def events_of(address: Address) -> QuerySet[MessageEvent]:
    return MessageEvent.objects.filter(message__in=_known(_sent_to(address)))


def _found(ids: Ids) -> MessageQuerySet:
    return Message.objects.filter(pk__in=_known(ids))


def _known(ids: Ids) -> Any:
    """Their keys where they are few: a planner that has to guess walks the whole table."""
    few = list(ids.values_list("pk", flat=True)[: FEW + 1])
    return few if len(few) <= FEW else ids


def _sent_to(address: Address) -> Ids:
    """Two short walks along an index."""
    plain = Message.objects.filter(to_address__in=address.spellings)
    odd = Message.objects.filter(WITH_CAPITALS).alias(low=Lower("to_address"))
    return _ids(plain).union(_ids(odd.filter(low=address.text)))


def _copied_to(address: Address) -> Ids:
    mine = Q()
    for name in ("cc_addresses", "bcc_addresses"):
        text = Concat(Value("; "), Lower(F(name)), Value(";"), output_field=TextField())
        mine |= Q(Contains(text, Value(f"; {address.text};")))
    others = Message.objects.filter(WITH_COPIES).alias(low=Lower("to_address"))
    return _ids(others.filter(mine).exclude(low=address.text))


def _ids(messages: MessageQuerySet) -> Ids:
    return messages.order_by().values("pk")


def suppressions_of(address: Address) -> SuppressionQuerySet:
    return Suppression.objects.filter(address=address.text)


def consents_of(address: Address) -> ConsentQuerySet:
    return Consent.objects.filter(address=address.text)


def export(address: Address, *, at: datetime.datetime) -> Iterator[str]:
    """All of it as one JSON object, in parts; memory does not grow with it."""
    head = {"address": address.text, "exported_at": at}
    yield _json(head)[:-1]
    for name, rows in (
        ("messages", _messages(address)),
        ("suppressions", suppressions_of(address).order_by("pk").values().iterator()),
        ("consents", consents_of(address).order_by("pk").values().iterator()),
        *((holding.name, holding.export(address)) for holding in holdings),
    ):
        yield f',\n"{name}": ['
        for position, row in enumerate(rows):
            yield f"{',' if position else ''}\n{_json(row)}"
        yield "]"
    yield "}\n"


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)


MESSAGE = (
    *("pk", "key", "to_address", "cc_addresses", "bcc_addresses", "subject", "body_html"),
    *("body_text", "variables", "channel_provider_params", "extended_properties", "category"),
    *("status", "attempts", "last_attempt_at", "external_id", "error_code", "error_message"),
    *("created_at", "starts_at", "ends_at"),
)
EVENT = ("type", "at", "status", "code", "description", "url", "is_machine")


def _messages(address: Address) -> Iterator[dict[str, Any]]:
    related = ("provider", "job", "template_version__template")
    rows = messages_of(address).select_related(*related).order_by("-pk")
    rows = rows.prefetch_related("events", "attachments")
    page = list(rows[:PAGE])
    while page:
        yield from map(_message, page)
        page = list(rows.filter(pk__lt=page[-1].pk)[:PAGE])


def _message(message: Message) -> dict[str, Any]:
    version, job = message.template_version, message.job
    return {
        **{name: getattr(message, name) for name in MESSAGE},
        "channel": message.provider.channel_type,
        "provider": message.provider.name,
        "job": job.name if job else None,
        "template": str(version) if version else None,
        "attachments": [
            {"name": file.name, "type": file.content_type, "bytes": file.size}
            for file in message.attachments.all()
        ],
        "events": [
            {name: getattr(event, name) for name in EVENT} for event in message.events.all()
        ],
    }
