"""Records that other systems add, change and delete one by one, or by the thousand.

They are judged as the rows of a file are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from campaigns.choices import ImportStatus
from campaigns.import_mapping import MAX_COLUMNS, Mapping
from campaigns.import_rows import NewMember, Reject, row_cleaner
from campaigns.import_store import Known, store
from campaigns.members import remove_members
from campaigns.models import Audience, AudienceMember
from omnichannel.exceptions import Busy, IllegalTransition, ImportRefused


@dataclass(frozen=True)
class Counts:
    added: int
    updated: int
    unchanged: int


def member_of(values: dict[str, Any]) -> NewMember:
    """From key, email, phone and variables, any of them left out. Raises Reject.

    Without a key, the e-mail address makes it unique, or else the phone number.
    """
    variables: dict[str, str] = values.get("variables") or {}
    names = list(variables)
    by = "email" if (values.get("email") or "").strip() else "phone"
    mapping = Mapping(0, 1, {name: at for at, name in enumerate(names, 2)}, by)
    try:
        mapping.check()
    except ImportRefused as error:
        raise Reject("variables", str(error)) from error
    cells = [values.get("email") or "", values.get("phone") or "", *variables.values()]
    if not any(cell.strip() for cell in cells[:2]):
        raise Reject("email", "There is neither an e-mail address nor a phone number.")
    clean = row_cleaner(mapping, settings.DEFAULT_PHONE_REGION, len(cells))
    found = clean(cells)
    key = (values.get("key") or "").strip()
    return found._replace(key=key) if key else found


def add_one(audience: Audience, member: NewMember) -> AudienceMember:
    """Raises IllegalTransition when the audience has one with its key, and Busy."""
    with transaction.atomic():
        _write(audience, [member], known_ones=False)
        return AudienceMember.objects.get(audience=audience, key=member.key)


def add_many(audience: Audience, members: Iterable[NewMember]) -> Counts:
    """Add those that are new and update those that are known by their keys. Raises Busy.

    Of two with the same key the later one counts. Variables that are not given stay.
    """
    last = {member.key: member for member in members}
    with transaction.atomic():
        return _write(audience, list(last.values()), known_ones=True)


def change(member: AudienceMember, new: NewMember) -> AudienceMember:
    """Raises IllegalTransition when another record has its key, and Busy."""
    with transaction.atomic():
        audience = _locked(member.audience)
        others = AudienceMember.objects.filter(audience=audience, key=new.key)
        if others.exclude(pk=member.pk).exists():
            raise IllegalTransition(f"Another record has the key “{new.key}”.")
        _take_columns(audience, [new])
        AudienceMember.objects.filter(pk=member.pk).update(**new._asdict())
    for name, value in new._asdict().items():
        setattr(member, name, value)
    return member


def remove(member: AudienceMember) -> None:
    """Raises Busy."""
    with transaction.atomic():
        _locked(member.audience)
        remove_members(AudienceMember.objects.filter(pk=member.pk))


def key_after(member: AudienceMember, values: dict[str, Any]) -> str:
    """The key once a record has other values; empty when it is to be found out anew.

    A key that is the e-mail address or the phone number goes with it.
    """
    given: str = values.get("key") or ""
    if given and given != member.key:
        return given
    return "" if member.key in (member.email.lower(), member.phone) else member.key


def _write(audience: Audience, members: Sequence[NewMember], *, known_ones: bool) -> Counts:
    audience = _locked(audience)
    known = store().known(audience.pk, [member.key for member in members])
    if known and not known_ones:
        raise IllegalTransition(f"The audience has a record with the key “{members[0].key}”.")
    merged = [_merged(member, known.get(member.key)) for member in members]
    puts = [member for member in merged if not _is_same(member, known.get(member.key))]
    added = len(members) - len(known)
    _take_columns(audience, members)
    if puts:
        store().put(audience.pk, None, puts)
    if added:
        rows = Audience.objects.filter(pk=audience.pk)
        rows.update(records_count=F("records_count") + added)
    return Counts(added, len(puts) - added, len(members) - len(puts))


def _locked(audience: Audience) -> Audience:
    """Nobody else adds to it until the transaction ends. Raises Busy."""
    locked = Audience.objects.select_for_update().get(pk=audience.pk)
    if locked.imports.filter(status__in=ImportStatus.active()).exists():
        raise Busy(f"A file is being imported into {audience}: wait until it is done.")
    return locked


def _merged(new: NewMember, old: Known | None) -> NewMember:
    """What is given, over what is known."""
    if old is None:
        return new
    return new._replace(
        email=new.email or old.email,
        phone=new.phone or old.phone,
        variables=old.variables | new.variables,
    )


def _is_same(new: NewMember, old: Known | None) -> bool:
    return old is not None and new == (old.key, old.email, old.phone, old.variables)


def _take_columns(audience: Audience, members: Iterable[NewMember]) -> None:
    """Raises ImportRefused when there would be too many."""
    names = dict.fromkeys(name for member in members for name in member.variables)
    new = [name for name in names if name not in audience.columns]
    if not new:
        return
    audience.columns = [*audience.columns, *new]
    if len(audience.columns) > MAX_COLUMNS:
        raise ImportRefused(f"An audience has at most {MAX_COLUMNS} variables.")
    audience.save(update_fields=["columns", "updated_at"])
