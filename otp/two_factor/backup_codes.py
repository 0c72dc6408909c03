"""Backup codes: ten, shown once, each good for one sign-in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from otp.models import BackupCode, BackupCodes

COUNT = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without what looks alike
LENGTH = 10  # 49 bits


def renew(user: User, *, at: datetime) -> list[str]:
    """A new sheet, as it is shown once. The codes of before work no more."""
    codes = [_new_code() for _ in range(COUNT)]
    with transaction.atomic():
        sheet, _ = BackupCodes.objects.update_or_create(
            user=user, defaults={"name": "Backup codes", "confirmed": True, "created_at": at}
        )
        sheet.codes.all().delete()
        BackupCode.objects.bulk_create(
            BackupCode(sheet=sheet, digest=_digests(sheet, code)[0]) for code in codes
        )
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def use(sheet: BackupCodes, code: str, *, at: datetime) -> bool:
    """Whether it is an unused code of this sheet. It is used then: one update decides."""
    typed = "".join(code.split()).replace("-", "").lower()
    if len(typed) != LENGTH or not typed.isascii():
        return False
    unused = BackupCode.objects.filter(sheet=sheet, digest__in=_digests(sheet, typed), used_at=None)
    return bool(unused.update(used_at=at))


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _digests(sheet: BackupCodes, code: str) -> list[str]:
    """Under each key of the ring, the present one first: a stolen database alone says nothing."""
    text = f"backup code|{sheet.pk}|{sheet.user_id}|{code}".encode()
    keys = (hashlib.sha256(b"two-factor|" + key.encode()) for key in settings.FIELD_ENCRYPTION_KEYS)
    return [hmac.new(key.digest(), text, hashlib.sha256).hexdigest() for key in keys]
