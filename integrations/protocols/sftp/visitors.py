"""All connections of this process: how many there may be, and who has to leave."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from integrations.protocols.sftp.lockout import Lockout, network
from integrations.protocols.sftp.partners import Partner

if TYPE_CHECKING:
    from integrations.protocols.sftp.sessions import Session

MOST_AT_THE_DOOR = 20
MOST_OF_ONE_ADDRESS = 10  # at the door: nobody keeps all others out
MOST = 500
IDLE_SECONDS = 15 * 60.0


class Visitors:
    def __init__(self) -> None:
        self.lockout = Lockout()
        self.sessions: set[Session] = set()

    def may_enter(self, session: Session) -> bool:
        waiting = [other for other in self.sessions if not other.is_signed_in]
        own = [other for other in waiting if network(other.ip) == network(session.ip)]
        if (
            len(self.sessions) >= MOST
            or len(waiting) >= MOST_AT_THE_DOOR
            or len(own) >= MOST_OF_ONE_ADDRESS
            or self.is_locked(session.ip)
        ):
            return False
        self.sessions.add(session)
        return True

    def left(self, session: Session) -> None:
        self.sessions.discard(session)

    def is_locked(self, ip: str, login: str = "") -> bool:
        return self.lockout.is_locked(ip, login, now=time.monotonic())

    def may_stay(self, partner: Partner) -> bool:
        same = [s for s in self.signed_in() if s.partner.connection == partner.connection]
        return len(same) < partner.max_sessions

    def signed_in(self) -> list[Session]:
        return [session for session in self.sessions if session.is_signed_in]

    def integrations(self) -> set[int]:
        return {session.partner.integration for session in self.signed_in()}

    def dismiss(self, generations: dict[int, int]) -> None:
        """Those whose integration was switched off or changed since they signed in."""
        for session in self.signed_in():
            partner = session.partner
            if generations.get(partner.integration) != partner.generation:
                session.end("The connection was closed by the operator. Sign in again.")

    def dismiss_idle(self, *, now: float) -> None:
        for session in self.signed_in():
            if now - session.seen > IDLE_SECONDS and not session.finishing:
                session.end("Nothing happened for a long time. Sign in again.")

    def dismiss_all(self) -> list[Session]:
        sessions = list(self.sessions)
        for session in sessions:
            session.end("The server is going down. Sign in again later.")
        return sessions

    def finishing(self) -> int:
        return sum(session.finishing for session in self.sessions)
