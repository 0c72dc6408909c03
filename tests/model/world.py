"""The product in a small world: one provider, a clock, a campaign, and workers that may die."""

from __future__ import annotations

import datetime
import itertools
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from unittest import mock

import time_machine
from django.db import transaction
from django.test import override_settings

from campaigns import expansion, progress
from omnichannel import backends, crash, journal, receipts, recovery
from omnichannel.backends.base import OutgoingMessage
from omnichannel.choices import Category, EventType
from omnichannel.delivery import send_provider
from omnichannel.models import Message
from tests.factories import NOW, make_provider
from tests.factories_campaigns import make_campaign, make_people, make_published_template
from tests.model import moves
from tests.model.ledger import HandOver, Ledger
from tests.model.mortal import Death, Mortal
from tests.model.office import Office
from tests.model.promises import check_hand_over
from tests.model.wire import Act, BackendBug, Wire

PEOPLE = ("ann@example.com", "bob@example.com")
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
ALL = tuple(Category)
ROUNDS = 60  # looks of one send loop at its stop bit: it must come to an end by itself


class World(Office):
    """Everything in it is the product's own code, but the wire, the clock and death."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.depth = 1
        self.boot = 1
        self.seconds = 0.0
        self.acts: Iterator[Act] = iter(())
        self.lives: list[Mortal] = []
        self.held_since: dict[object, float] = {}  # job or "provider": since when it may not send
        self.barred_in_hand: set[str] = set()  # keys claimed before their address was barred
        self.numbers = itertools.count(1)
        self._open = ExitStack()
        self._enter()
        moves.watch()

    def _enter(self) -> None:
        enter = self._open.enter_context
        Wire.world = self
        known = {**backends.registry(), Wire.slug: Wire}
        logging.disable(logging.CRITICAL)
        self._open.callback(logging.disable, logging.NOTSET)
        enter(override_settings(VAR_DIR=enter(tempfile.TemporaryDirectory())))
        self.clock = enter(time_machine.travel(NOW, tick=False))
        enter(mock.patch.object(time, "monotonic", self.monotonic))
        enter(mock.patch.object(time, "sleep"))
        enter(mock.patch.object(backends, "registry", return_value=known))
        enter(mock.patch.object(crash, "point", self.passed))
        enter(mock.patch.object(journal, "boot", self.boot_id))
        enter(transaction.atomic())
        self._open.callback(transaction.set_rollback, True)

    def close(self) -> None:
        self._open.close()

    def settle_in(self, **provider: object) -> None:
        """The provider that everything goes through, and a campaign to two people."""
        provider = {"pool_time_retry": datetime.timedelta(minutes=5), **provider}
        self.provider = make_provider(backend=Wire.slug, name="Wire", **provider)
        self.template = make_published_template()
        people = make_people(PEOPLE)
        self.campaign = make_campaign(
            provider=self.provider, template=self.template, audience=people
        )

    # --- Time ---------------------------------------------------------------------------------

    @property
    def at(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def boot_id(self) -> str:
        return f"boot{self.boot}"

    def wait(self, **span: float) -> None:
        delta = datetime.timedelta(**span)
        self.seconds += delta.total_seconds()
        self.clock.shift(delta)

    def next_morning(self) -> None:
        """Ten o'clock on the next day: every window of this world is open."""
        ten = datetime.datetime.combine(self.at.date(), datetime.time(10), datetime.UTC)
        self.wait(seconds=(ten + datetime.timedelta(days=1) - self.at).total_seconds())

    def end_leases(self) -> None:
        """As after five minutes by the database's clock, which no test can move."""
        Message.objects.filter(status="sending").update(lease_until=LONG_AGO)

    def messages(self) -> list[Message]:
        return list(Message.objects.order_by("pk"))

    # --- Workers ------------------------------------------------------------------------------

    def send(self, acts: Sequence[Act] = (), death: Death | None = None) -> None:
        """One worker sends what it may, answered by `acts` and then by acceptance."""
        before, self.acts = self.acts, itertools.chain(acts, itertools.repeat(Act()))
        looks = itertools.count()
        self._live(
            death,
            lambda: send_provider(
                self.provider.pk, ALL, until=math.inf, stopped=lambda: next(looks) > ROUNDS
            ),
        )
        assert next(looks) <= ROUNDS, "the send loop does not come to an end"
        self.acts = before

    def tick(self, death: Death | None = None) -> None:
        """All the periodic tasks once, except sending."""
        self._live(death, self._tick)

    def _tick(self) -> None:
        at = self.at
        recovery.recover(at)
        recovery.expire(at)
        recovery.promote(at)
        expansion.expand_due(at=at, until=math.inf)
        progress.follow(at)
        receipts.apply_due(at, math.inf, lambda: False)

    def _live(self, death: Death | None, life: Callable[[], object]) -> None:
        mortal = Mortal(death)
        self.lives.append(mortal)
        with mortal.lives(), suppress(BackendBug):
            life()
        self.lives.pop()
        if mortal.dead and death.fate != "kept":
            self.boot += death.fate.startswith("power")
            self._forget()

    def _forget(self) -> None:
        for message in Message.objects.filter(status="sending"):
            for entry in self.ledger.of[str(message.key)]:
                entry.forgotten = True

    def passed(self, point: str) -> None:
        if self.lives:
            self.lives[-1].passed(point)

    # --- The wire -----------------------------------------------------------------------------

    def take(self, message: OutgoingMessage) -> HandOver:
        check_hand_over(self, message)
        return self.ledger.take(message, self.at)

    def next_act(self) -> Act:
        return next(self.acts)

    def happen(self, what: str, entry: HandOver) -> None:
        """Something goes on elsewhere while a worker waits for this answer."""
        if what and len(self.lives) == 1:
            MEANWHILE[what](self, entry)


def _given_up(world: World, entry: HandOver) -> None:
    """The worker is held up beyond its lease: others take what it had, and send it."""
    for _ in range(3):
        world.wait(seconds=301)
        world.end_leases()
        world.tick()
    world.send()


def _bar_all(world: World, entry: HandOver) -> None:
    for message in world.messages():
        world.bar(message)


def _report(world: World, entry: HandOver, kind: str) -> None:
    """A report that is faster than the answer."""
    if entry.accepted:
        world.report(entry.key, kind)


MEANWHILE: dict[str, Callable[[World, HandOver], object]] = {
    "a second": lambda world, entry: world.wait(seconds=1),
    "hours": lambda world, entry: world.wait(hours=9),
    "pause": lambda world, entry: world.pause(),
    "cancel": lambda world, entry: world.cancel(),
    "bar": _bar_all,
    "disable": lambda world, entry: world.disable(),
    "delivered": lambda world, entry: _report(world, entry, EventType.DELIVERED),
    "bounced": lambda world, entry: _report(world, entry, EventType.BOUNCED),
    "edit": lambda world, entry: world.edit_template(),
    "tick": lambda world, entry: world.tick(),
    "given up": _given_up,
    "another worker": lambda world, entry: world.send(),
}
