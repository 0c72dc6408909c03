"""Who has a second factor, and of whom it is required."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from otp.models import BackupCodes, MessageDevice, Requirement, TotpDevice

OWNER = OuterRef("pk")


def has_device() -> Q:
    """Users with a device of their own. Backup codes are none: they stand in for one."""
    return Q(Exists(TotpDevice.objects.filter(user=OWNER, confirmed=True))) | Q(
        Exists(MessageDevice.objects.filter(user=OWNER, confirmed=True))
    )


def is_required() -> Q:
    return Q(Exists(Requirement.objects.filter(user=OWNER))) | Q(
        Exists(Requirement.objects.filter(group__user=OWNER))
    )


def _row(user: Any) -> QuerySet[User]:
    return User.objects.filter(pk=user.pk)


def needs_second_factor(user: Any) -> bool:
    return _row(user).filter(has_device() | is_required()).exists()


def user_has_device(user: Any) -> bool:
    return _row(user).filter(has_device()).exists()


def is_required_of(user: Any) -> bool:
    return _row(user).filter(is_required()).exists()


AnyDevice = TotpDevice | MessageDevice | BackupCodes


def devices_of(user: Any) -> list[TotpDevice | MessageDevice]:
    """Confirmed ones, the last used first."""
    found: list[TotpDevice | MessageDevice] = [
        *TotpDevice.objects.filter(user=user, confirmed=True),
        *MessageDevice.objects.filter(user=user, confirmed=True),
    ]
    return sorted(found, key=lambda device: device.last_used_at or device.created_at, reverse=True)


def backup_codes_of(user: Any) -> BackupCodes | None:
    return BackupCodes.objects.filter(user=user).first()


def ways_in(user: Any) -> list[AnyDevice]:
    """What the user may answer the second step with."""
    devices: list[AnyDevice] = [*devices_of(user)]
    sheet = backup_codes_of(user)
    if devices and sheet and sheet.left():
        devices.append(sheet)
    return devices
