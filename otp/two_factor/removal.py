"""Devices that go away: one by its owner, all by an administrator."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from omnichannel.exceptions import IllegalTransition
from otp.models import BackupCodes, MessageDevice, RememberedBrowser, TotpDevice
from otp.two_factor import guesses, standing


def remove(device: TotpDevice | MessageDevice) -> None:
    """Raises IllegalTransition for the last device of someone who must have one."""
    user = device.user
    with transaction.atomic():
        is_last = len(standing.devices_of(user)) == 1
        if is_last and standing.is_required_of(user):
            raise IllegalTransition(
                "Two-factor sign-in is required of you: add another device before you remove this."
            )
        forgotten = RememberedBrowser.objects.filter(user=user, device_id=device.persistent_id)
        forgotten.delete()
        device.delete()
        if is_last:  # the codes stand in for a device that there is no more
            BackupCodes.objects.filter(user=user).delete()
            RememberedBrowser.objects.filter(user=user).delete()


def erase(device: MessageDevice) -> None:
    """Its address goes. It must not open a door: the only device stays, and no code reaches it."""
    with transaction.atomic():
        if len(standing.devices_of(device.user)) == 1:
            MessageDevice.objects.filter(pk=device.pk).update(destination="")
        else:
            remove(device)


def remove_all(user: Any) -> int:
    """Devices, backup codes, remembered browsers and counted guesses; how many devices it were."""
    with transaction.atomic():
        count = len(standing.devices_of(user))
        for model in (TotpDevice, MessageDevice, BackupCodes, RememberedBrowser):
            model._default_manager.filter(user=user).delete()
        guesses.forget(user.pk)
    return count
