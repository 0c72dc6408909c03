"""Conversion rules as an operator saves, copies, moves and switches them: each with its entry."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Max

from integrations import audit, executing
from integrations.audit import Entry
from integrations.choices import Direction, Operation, RuleTarget
from integrations.connections import Actor, name_of
from integrations.conversion import names, patterns
from integrations.exceptions import RuleInvalid
from integrations.models import ConversionRule, ValidationFile

LONGEST_NAME = 120
NOT_EDITED = ("id", "key", "active", "position", "ok_count", "failed_count")


def save(
    rule: ConversionRule,
    files: Sequence[ValidationFile],
    *,
    ran: str,
    by: Actor,
    at: datetime.datetime,
) -> None:
    """Save it with exactly these validation files. `ran`: the digest of the last run that went
    well, which the server knows and not the form; empty: none since the form was opened.

    Raises RuleInvalid when what is saved is not what was run.
    """
    rule.verified_digest = ran or rule.verified_digest
    executing.check_verified(rule, files)
    check(rule)
    is_new = rule.pk is None
    with transaction.atomic():
        if is_new:
            rule.position = _last(rule) + 1
            rule.save()
        else:  # the other columns are written by those who count, move and switch
            rule.save(update_fields=_edited())
        _put_files(rule, files)
        operation = Operation.CREATED if is_new else Operation.CHANGED
        audit.write([_entry(rule, operation, by, digest=rule.verified_digest)], at=at)


def _edited() -> list[str]:
    columns = (each.name for each in ConversionRule._meta.concrete_fields)
    return [name for name in columns if name not in NOT_EDITED]


def check(rule: ConversionRule) -> None:
    """What can be told without a document, of what counts in its direction. Raises RuleInvalid."""
    if rule.matching_pattern and rule.direction == Direction.OUT:
        patterns.check_pattern(rule.matching_pattern, rule.matching_source)
    if rule.naming_pattern and rule.target == RuleTarget.REMOTE:
        names.check_pattern(rule.naming_pattern)
    if rule.mailbox and rule.mailbox.account_id != rule.account_id:
        raise RuleInvalid("The mailbox is of another account.", "account")
    version = rule.template_version
    if version and version.template.account_id != rule.account_id:
        raise RuleInvalid("The template is of another account: choose one of this.", "account")


def _put_files(rule: ConversionRule, files: Iterable[ValidationFile]) -> None:
    rule.validation_files.all().delete()
    ValidationFile.objects.bulk_create(
        ValidationFile(rule=rule, kind=file.kind, filename=file.filename, content=file.content)
        for file in files
    )


def switch(rule: ConversionRule, on: bool, *, by: Actor, at: datetime.datetime) -> bool:
    """On or off, which needs no run; False when it was so already. Raises RuleInvalid for one
    that never ran.
    """
    if on:
        executing.check_verified(rule, list(rule.validation_files.all()))
    with transaction.atomic():
        changed = ConversionRule.objects.filter(pk=rule.pk, active=not on).update(active=on)
        if changed:
            operation = Operation.SWITCHED_ON if on else Operation.SWITCHED_OFF
            audit.write([_entry(rule, operation, by)], at=at)
    rule.active = on
    return bool(changed)


def clone(rule: ConversionRule, *, by: Actor, at: datetime.datetime) -> ConversionRule:
    """The same behind the others, off; it was run as it is, so that it may be switched on."""
    with transaction.atomic():
        copy = ConversionRule.objects.get(pk=rule.pk)
        files = list(copy.validation_files.all())
        copy.pk, copy.key, copy._state.adding = None, uuid.uuid4(), True
        copy.name = f"{rule.name[: LONGEST_NAME - 7]} (copy)"
        copy.active, copy.ok_count, copy.failed_count = False, 0, 0
        copy.position = _last(rule) + 1
        copy.save(force_insert=True)
        _put_files(copy, files)
        audit.write([_entry(copy, Operation.CREATED, by, copy_of=rule.pk)], at=at)
    return copy


def delete(rule: ConversionRule, *, by: Actor, at: datetime.datetime) -> None:
    """Its log stays."""
    with transaction.atomic():
        entry = _entry(rule, Operation.DELETED, by)
        rule.delete()
        audit.write([entry], at=at)


def order(ids: Sequence[int], *, by: Actor, at: datetime.datetime) -> None:
    """Give these rules of one account the order of the list. The places are theirs together."""
    with transaction.atomic():
        rows = ConversionRule.objects.filter(pk__in=ids).select_related("mailbox")
        found = {row.pk: row for row in rows}
        moved = [found[pk] for pk in dict.fromkeys(ids) if pk in found]
        if not moved:
            return
        places = sorted(row.position for row in moved)
        if len(set(places)) < len(places):
            places = list(range(places[0], places[0] + len(places)))
        changed = [
            (row, place) for row, place in zip(moved, places, strict=True) if row.position != place
        ]
        for row, place in changed:
            ConversionRule.objects.filter(pk=row.pk).update(position=place)
            row.position = place
        audit.write(
            [_entry(row, Operation.CHANGED, by, position=place) for row, place in changed], at=at
        )


def move(rule: ConversionRule, by_places: int, *, by: Actor, at: datetime.datetime) -> None:
    """Up (-1) or down (1) among the rules of its list."""
    rows = ConversionRule.objects.filter(
        account=rule.account_id, mailbox=rule.mailbox_id, direction=rule.direction
    )
    ids = list(rows.order_by("position", "pk").values_list("pk", flat=True))
    place = ids.index(rule.pk)
    to = min(max(place + by_places, 0), len(ids) - 1)
    ids.insert(to, ids.pop(place))
    order(ids, by=by, at=at)


def _last(rule: ConversionRule) -> int:
    rows = ConversionRule.objects.filter(account=rule.account_id)
    return rows.aggregate(last=Max("position"))["last"] or 0


def _entry(rule: ConversionRule, operation: Operation, by: Actor, **detail: object) -> Entry:
    return Entry(
        operation,
        f"Rule {rule.name}",
        mailbox=rule.mailbox_id,
        rule=rule.pk,
        actor=name_of(by),
        detail=dict(detail),
    )
