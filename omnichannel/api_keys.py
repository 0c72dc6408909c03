"""API keys: made, shown once, recognised by a digest, revoked.

A key is `oms_live_<prefix>_<secret>` or `oms_test_...`. The secret has 256 random bits, so that a
plain SHA-256 of it cannot be guessed back.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import re
import secrets

from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Q

from omnichannel.exceptions import IllegalTransition
from omnichannel.models import ApiKey

SHAPE = re.compile(r"oms_(live|test)_([a-z0-9]{8})_([0-9a-f]{64})")
USE_NOTED = datetime.timedelta(minutes=1)
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def create(
    name: str,
    scopes: list[str],
    *,
    is_test: bool = False,
    expires_at: datetime.datetime | None = None,
    rate_limit: int | None = None,
    by: User | None = None,
) -> tuple[ApiKey, str]:
    """The row, and the key to show once. Raises ValidationError."""
    row = ApiKey(
        name=name,
        scopes=list(dict.fromkeys(map(str, scopes))),
        is_test=is_test,
        expires_at=expires_at,
        rate_limit=rate_limit,
        created_by=by,
    )
    row.full_clean(exclude=["prefix", "digest"])
    return row, save_new(row)


def save_new(row: ApiKey) -> str:
    """Give a row that is complete but for its secret one, and save it. The key, to show once."""
    secret = secrets.token_hex(32)
    row.prefix = "".join(secrets.choice(ALPHABET) for _ in range(8))
    row.digest = _digest(secret)
    row.save()
    return f"oms_{'test' if row.is_test else 'live'}_{row.prefix}_{secret}"


def recognised(text: str, at: datetime.datetime) -> ApiKey | None:
    """The active key that this is. One query by a unique index."""
    match = SHAPE.fullmatch(text)
    if match is None:
        return None
    kind, prefix, secret = match.groups()
    row = _active(prefix, kind == "test", at)
    # Compared in any case: the time tells nothing of which prefixes there are.
    is_it = hmac.compare_digest(row.digest if row else "0" * 64, _digest(secret))
    return row if is_it else None


# Every call asks: making this statement through the ORM takes several times as long as running it.
_COLUMNS = ("id", "name", "prefix", "digest", "scopes", "is_test", "rate_limit", "last_used_at")
_ACTIVE = """
    SELECT id, name, prefix, digest, scopes, is_test, rate_limit, last_used_at
    FROM omnichannel_apikey
    WHERE prefix = %s AND is_test = %s AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > %s)
"""


def _active(prefix: str, is_test: bool, at: datetime.datetime) -> ApiKey | None:
    """The row with the columns above; others are read when they are asked for."""
    moment = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVE, [prefix, is_test, moment])
        found = cursor.fetchone()
    if found is None:
        return None
    pk, name, prefix, digest, scopes, is_test, rate_limit, used = found
    if used is not None and used.tzinfo is None:  # SQLite knows no zones: it is UTC
        used = used.replace(tzinfo=datetime.UTC)
    values = (pk, name, prefix, digest, json.loads(scopes), bool(is_test), rate_limit, used)
    return ApiKey.from_db(DEFAULT_DB_ALIAS, _COLUMNS, values)


def note_use(row: ApiKey, at: datetime.datetime) -> None:
    """Written at most once a minute, whoever of many processes is first."""
    before = at - USE_NOTED
    if row.last_used_at and row.last_used_at > before:
        return
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=before)
    ApiKey.objects.filter(unnoted, pk=row.pk).update(last_used_at=at)


def revoke(row: ApiKey, *, at: datetime.datetime) -> None:
    """From now on it opens nothing. Raises IllegalTransition when it was revoked before."""
    if not ApiKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=at):
        raise IllegalTransition(f"{row} was revoked before.")
    row.revoked_at = at
    row._change_reason = "Revoked"
    row.save(update_fields=["revoked_at"])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
