"""A hypothesis state machine over the life of a message: any order of anything."""

from __future__ import annotations

import datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from omnichannel.choices import EventType, OnUncertain, Priority
from tests.model.mortal import CRASH_POINTS, Death
from tests.model.office import SOFT
from tests.model.promises import check_end, check_repetition, check_rows
from tests.model.wire import ANSWERS, Act
from tests.model.world import MEANWHILE, World

ALL_DAY = (None, None)
WINDOWS = [ALL_DAY, (datetime.time(9), datetime.time(17)), (datetime.time(22), datetime.time(11))]
SPANS = [{"seconds": 1}, {"minutes": 1}, {"minutes": 6}, {"minutes": 30}, {"hours": 8}, {"days": 2}]

positions = st.integers(0, 7)
acts = st.builds(
    Act,
    answer=st.sampled_from(["ok", *ANSWERS]),
    meanwhile=st.sampled_from(["", "", "", *MEANWHILE]),
)
deaths = st.builds(
    Death,
    point=st.sampled_from(CRASH_POINTS),
    count=st.integers(1, 3),
    fate=st.sampled_from(["kept", "kept", "lost", "power", "power without lines"]),
)
sudden = st.builds(Death, point=st.just("statement"), count=st.integers(1, 40))


class LifeCycle(RuleBasedStateMachine):
    policy = OnUncertain.HOLD

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @initialize(
        retries=st.integers(0, 2),
        window=st.sampled_from(WINDOWS),
        bulk=st.sampled_from([500, 1, 2]),
        days=st.sampled_from([7, None, 1]),
    )
    def settle_in(self, retries, window, bulk, days):
        self.world.settle_in(
            on_uncertain=self.policy,
            retry_max_attempt=retries,
            interval_min=window[0],
            interval_max=window[1],
            bulk_no=bulk,
            days_before_expire=days,
        )

    @rule(
        window=st.sampled_from(WINDOWS),
        start=st.sampled_from([None, 30, 600]),
        end=st.sampled_from([None, 60, 720]),
        priority=st.sampled_from(Priority),
        retries=st.sampled_from([None, 0, 1]),
    )
    def queue(self, window, start, end, priority, retries):
        at = self.world.at
        self.world.queue(
            interval_min=window[0],
            interval_max=window[1],
            starts_at=start and at + datetime.timedelta(minutes=start),
            ends_at=end and at + datetime.timedelta(minutes=end),
            priority=priority,
            retry_max_attempt=retries,
        )

    # --- Workers and time ---------------------------------------------------------------------

    @rule(acts=st.lists(acts, max_size=3), depth=st.integers(1, 2))
    def send(self, acts, depth):
        self.world.depth = depth
        self.world.send(acts)

    @rule(acts=st.lists(acts, max_size=3), depth=st.integers(1, 2), death=deaths | sudden)
    def send_and_die(self, acts, depth, death):
        self.world.depth = depth
        self.world.send(acts, death=death)

    @rule()
    def tick(self):
        self.world.tick()

    @rule(death=sudden)
    def tick_and_die(self, death):
        self.world.tick(death)

    @rule(span=st.sampled_from(SPANS))
    def wait(self, span):
        self.world.wait(**span)
        if datetime.timedelta(**span) > datetime.timedelta(minutes=5):
            self.world.end_leases()

    # --- Reports ------------------------------------------------------------------------------

    @rule(
        position=positions,
        kind=st.sampled_from(
            [EventType.DELIVERED, EventType.BOUNCED, EventType.OPENED, EventType.FAILED, SOFT]
        ),
        by_id=st.booleans(),
    )
    def report(self, position, kind, by_id):
        taken = [key for key in self.world.ledger.of if self.world.ledger.accepts(key)]
        if taken:
            self.world.report(taken[position % len(taken)], kind, by_id=by_id)

    @rule()
    def repeat_all_reports(self):
        check_repetition(self.world)

    # --- Operators ----------------------------------------------------------------------------

    @rule(
        press=st.sampled_from(
            ["start", "pause", "resume", "cancel", "edit_template", "disable", "stop", "enable"]
        )
    )
    def press(self, press):
        getattr(self.world, press)()

    @rule(
        position=positions,
        press=st.sampled_from(["cancel_message", "requeue", "mark_as_sent", "bar", "unbar"]),
    )
    def press_for_one(self, position, press):
        found = self.world.messages()
        if found:
            getattr(self.world, press)(found[position % len(found)])

    # --- Promises -----------------------------------------------------------------------------

    @invariant()
    def all_is_kept(self):
        check_rows(self.world)

    def teardown(self):
        try:
            if hasattr(self.world, "provider"):
                check_repetition(self.world)
                check_end(self.world)
        finally:
            self.world.close()


class Hold(LifeCycle):
    """What is uncertain waits for an operator or a report."""


class Retry(LifeCycle):
    """What is uncertain is sent again."""

    policy = OnUncertain.RETRY
