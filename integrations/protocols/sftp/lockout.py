"""Wrong passwords cost time: after a few, an address waits, and each time twice as long."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass

FREE = 5
SHORTEST, LONGEST = 2.0, 900.0  # seconds
FORGOTTEN_AFTER = 2 * LONGEST
MOST = 20_000  # addresses and logins that are remembered
Key = tuple[str, str]


@dataclass
class _Record:
    failures: int = 0
    last: float = 0.0
    until: float = 0.0


class Lockout:
    """By address, and by login and address. `now` is time.monotonic(). Any thread may call."""

    def __init__(self) -> None:
        self._records: OrderedDict[Key, _Record] = OrderedDict()
        self._lock = threading.Lock()

    def is_locked(self, ip: str, login: str = "", *, now: float) -> bool:
        with self._lock:
            return any(
                record.until > now
                for key in _keys(ip, login)
                if (record := self._records.get(key)) is not None
            )

    def failed(self, ip: str, login: str, *, now: float) -> bool:
        """True when a wait begins with this failure."""
        with self._lock:
            return any([self._count(key, now) for key in _keys(ip, login)])

    def _count(self, key: Key, now: float) -> bool:
        record = self._records.setdefault(key, _Record())
        if now - record.last > FORGOTTEN_AFTER:
            record.failures = 0
        record.failures += 1
        record.last = now
        self._records.move_to_end(key)
        while len(self._records) > MOST:
            self._records.popitem(last=False)
        if record.failures < FREE or record.until > now:
            return False
        record.until = now + min(SHORTEST * 2.0 ** min(record.failures - FREE, 20), LONGEST)
        return True

    def succeeded(self, ip: str, login: str) -> None:
        """The address stays under suspicion for its other logins."""
        with self._lock:
            self._records.pop((login, network(ip)), None)


def _keys(ip: str, login: str) -> list[Key]:
    place = network(ip)
    return [("", place), (login, place)] if login else [("", place)]


def network(ip: str) -> str:
    """Who has an IPv6 address has its whole /64."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    if address.version == 6:
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
