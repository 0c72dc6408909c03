"""Erasing a person: what is known of an address goes, the figures of what was sent stay.

Each step is a conditional statement over few rows at a time: broken off anywhere, erasing again
goes on. What a worker has in hand is left for that next time.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import CharField, Func, Q, UUIDField, Value
from django.db.models.functions import Cast, Concat

from omnichannel import outbox, people, suppressions
from omnichannel.addresses import split_addresses
from omnichannel.backends import sandbox_store
from omnichannel.choices import MessageStatus, SuppressionReason
from omnichannel.models import Message, MessageAttachment, MessageEvent
from omnichannel.models.messages import ERASED
from omnichannel.people import Address
from omnichannel.screening import COPIES

CHUNK = 1_000
KEPT_BARRED = "Erased on request."
# Nobody sends a message in one of these states, unless it is put back into the queue.
AT_REST = tuple(
    status
    for status in MessageStatus
    if status not in (*MessageStatus.pending(), MessageStatus.UNCERTAIN)
)


class NewKey(Func):
    """A UUID by chance, another one for each row."""

    output_field = UUIDField()
    template = "gen_random_uuid()"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="lower(hex(randomblob(16)))", **extra)


@dataclass
class Erased:
    """How many of each; `left` messages were being sent right now and are as they were."""

    messages: int = 0
    cancelled: int = 0
    copies: int = 0
    left: int = 0
    consents: int = 0
    suppressions: int = 0
    others: dict[str, int] = field(default_factory=dict)  # by the label of their holding

    def __str__(self) -> str:
        counts = {
            "message": self.messages,
            "message to others": self.copies,
            "consent": self.consents,
            "suppression": self.suppressions,
            **self.others,
        }
        found = [f"{label}: {number:,}" for label, number in counts.items() if number]
        told = ", ".join(found) or "nothing found"
        return f"{told}; being sent and left: {self.left:,}" if self.left else told


def plan(address: Address) -> Erased:
    """What `erase` would find now."""
    mine = people.messages_to(address)
    return Erased(
        messages=mine.count(),
        cancelled=mine.filter(status__in=MessageStatus.waiting()).count(),
        copies=people.copies_to(address).count(),
        left=mine.filter(status=MessageStatus.SENDING).count(),
        consents=people.consents_of(address).count(),
        suppressions=people.suppressions_of(address).count(),
        others={each.label: each.count(address) for each in people.holdings},
    )


def erase(address: Address, *, keep_barred: bool, at: datetime.datetime) -> Erased:
    """Take the person out of every table. The same again finds what came since.

    `keep_barred`: the bare address stays on the suppression list, for every category.
    """
    done = Erased()
    if keep_barred:  # first, so that nothing new is written to them meanwhile
        _bar(address, at)
    for holding in people.holdings:
        done.others[holding.label] = holding.erase(address, at)
    while ids := _some(address, MessageStatus.waiting()):
        done.cancelled += outbox.cancel(Message.objects.filter(pk__in=ids), at=at)
    while ids := _some(address, (MessageStatus.UNCERTAIN,)):
        _give_up(ids, at)
    while ids := _some(address, AT_REST):
        done.messages += _anonymise(ids, at)
    done.copies = _leave_out_copies(address)
    done.left = people.messages_to(address).count()
    done.consents, _ = people.consents_of(address).delete()
    done.suppressions = _thin_suppressions(address, keep_barred=keep_barred)
    _clean_logs(address)
    sandbox_store.forget(address.text)
    return done


def _bar(address: Address, at: datetime.datetime) -> None:
    word = suppressions.Word(
        channel_type=address.channel_type,
        address=address.text,
        reason=SuppressionReason.MANUAL,
        note=KEPT_BARRED,
        at=at,
    )
    suppressions.say([word])


def _some(address: Address, statuses: tuple[MessageStatus, ...]) -> list[int]:
    """The next few messages to it in one of these states; empty when there are none left."""
    found = people.messages_to(address).filter(status__in=statuses)
    return list(found.values_list("pk", flat=True)[:CHUNK])


def _give_up(ids: list[int], at: datetime.datetime) -> None:
    """Uncertain messages would be sent again by themselves, to nobody."""
    uncertain = Message.objects.filter(pk__in=ids, status=MessageStatus.UNCERTAIN)
    uncertain.move(MessageStatus.FAILED, error_message=_erased_on(at))


def _erased_on(at: datetime.datetime) -> str:
    return f"Erased {at:%Y-%m-%d %H:%M} UTC."


def _anonymise(ids: list[int], at: datetime.datetime) -> int:
    """What is left says that something was sent, by which way, when, and how it ended.

    An end date in the past: such a message is never sent again. A new key and no External Id: no
    report that comes later leads back to it; a link to unsubscribe finds nobody (`is_erased`).
    """
    attachments = MessageAttachment.objects.filter(message__in=ids, message__status__in=AT_REST)
    for attachment in attachments:  # the file first: a row leads to its file, as in `retention`
        attachment.file.delete(save=False)
    with transaction.atomic():
        attachments.delete()
        MessageEvent.objects.filter(message__in=ids, message__status__in=AT_REST).update(
            description="", url=""
        )
        return Message.objects.filter(pk__in=ids, status__in=AT_REST).update(
            key=NewKey(),
            to_address=Concat(Value(f"{ERASED}-"), Cast("pk", CharField())),
            cc_addresses="",
            bcc_addresses="",
            subject="",
            body_html="",
            body_text="",
            variables={},
            channel_provider_params={},
            extended_properties={},
            external_id="",
            error_message=_erased_on(at),
            ends_at=at,
            expires_at=at,
        )


def _leave_out_copies(address: Address) -> int:
    """Take the address out of the CC and BCC of what others got, or will get, and out of what was
    told of that copy.
    """
    count = 0
    for message in people.copies_to(address).only(*COPIES).order_by("pk"):
        told = MessageEvent.objects.filter(message=message.pk)
        told.filter(description__icontains=address.text).update(description="")
        told.filter(url__icontains=address.text).update(url="")
        kept = {
            name: "; ".join(
                each
                for each in split_addresses(getattr(message, name))
                if each.lower() != address.text
            )
            for name in COPIES
        }
        same = {name: getattr(message, name) for name in COPIES}
        count += Message.objects.filter(pk=message.pk, **same).update(**kept)
    return count


def _thin_suppressions(address: Address, *, keep_barred: bool) -> int:
    """Delete them, but for the bare fact that the address is barred."""
    rows = people.suppressions_of(address)
    if keep_barred:
        kept = rows.in_force()
        kept.update(message_id=None, note=KEPT_BARRED)
        rows = rows.exclude(pk__in=list(kept.values_list("pk", flat=True)))
    return rows.delete()[0]


def _clean_logs(address: Address) -> None:
    """Django's log of the admin names rows by their addresses."""
    named = Q(object_repr__icontains=address.text) | Q(change_message__icontains=address.text)
    found = LogEntry.objects.filter(named).values_list("pk", "object_repr", "change_message")
    mine = [pk for pk, *texts in found if any(map(address.pattern.search, texts))]
    for start in range(0, len(mine), CHUNK):
        chosen = LogEntry.objects.filter(pk__in=mine[start : start + CHUNK])
        chosen.update(object_repr=ERASED, change_message="")
