"""What one-time passwords hold on an address. There is no code among it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from omnichannel.people import Address, Holding
from otp.models import MessageDevice, OtpChallenge, OtpEntry, TestNumber
from otp.two_factor import removal

PAGE = 1_000
REQUEST = (
    *("request_id", "purpose", "channel", "destination", "caller", "status", "tries_used"),
    *("created_at", "sent_at", "expires_at", "used_at", "client_ip", "user_agent", "context"),
)
ENTRY = (
    *("at", "kind", "outcome", "channel", "destination", "purpose", "caller", "client_ip"),
    *("request_id", "provider", "template"),
)
DEVICE = ("user__username", "channel", "destination", "created_at", "last_used_at")


def _requests(address: Address) -> QuerySet[OtpChallenge]:
    mine = Q(destination__in=address.spellings) | Q(fallback_to__in=address.spellings)
    return OtpChallenge.objects.filter(mine)


def _entries(address: Address) -> QuerySet[OtpEntry]:
    return OtpEntry.objects.filter(destination__in=address.spellings)


def _count_requests(address: Address) -> int:
    return _requests(address).count()


def _export_requests(address: Address) -> Iterator[dict[str, Any]]:
    return _requests(address).order_by("pk").values(*REQUEST).iterator()


def _erase_requests(address: Address, at: datetime.datetime) -> int:
    TestNumber.objects.filter(destination__in=address.spellings).delete()
    return _erase(_requests(address))


def _count_entries(address: Address) -> int:
    return _entries(address).count()


def _export_entries(address: Address) -> Iterator[dict[str, Any]]:
    return _entries(address).order_by("pk").values(*ENTRY).iterator()


def _erase_entries(address: Address, at: datetime.datetime) -> int:
    return _erase(_entries(address))


def _devices(address: Address) -> QuerySet[MessageDevice]:
    return MessageDevice.objects.filter(destination__in=address.spellings).order_by("pk")


def _count_devices(address: Address) -> int:
    return _devices(address).count()


def _export_devices(address: Address) -> Iterator[dict[str, Any]]:
    return _devices(address).values(*DEVICE).iterator()


def _erase_devices(address: Address, at: datetime.datetime) -> int:
    found = list(_devices(address).select_related("user"))
    for device in found:
        removal.erase(device)
    return len(found)


def _erase(rows: QuerySet[Any]) -> int:
    """A chunk at a time. The limits' counts stay: they name nobody."""
    gone = 0
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:PAGE]):
        rows.model._default_manager.filter(pk__in=ids).delete()
        gone += len(ids)
    return gone


requests_for = Holding(
    "otp_requests", "OTP request", _count_requests, _export_requests, _erase_requests
)
entries_about = Holding("otp_entries", "OTP entry", _count_entries, _export_entries, _erase_entries)
devices_at = Holding(
    "two_factor_devices", "two-factor device", _count_devices, _export_devices, _erase_devices
)
