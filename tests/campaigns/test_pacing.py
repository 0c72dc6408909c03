from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from campaigns import pacing
from campaigns.pacing import Breather, fitting, longest_sleep
from tests.factories_audience import make_audience


@pytest.mark.parametrize(
    ("held", "sleep"), [(0.0, 0.001), (0.01, 0.01), (0.1, 0.025), (0.15, 0.05), (9.0, 0.1)]
)
def test_the_pause_is_as_long_as_a_waiting_writer_may_sleep(held, sleep):
    assert longest_sleep(held) == sleep


@pytest.mark.parametrize(
    ("size", "held", "fits"),
    [(4_000, 0.1, 4_000), (4_000, 0.05, 8_000), (4_000, 9.0, 2_000), (20_000, 0.001, 20_000)],
)
def test_pages_grow_and_shrink_to_a_tenth_of_a_second(size, held, fits):
    assert fitting(size, held) == fits


@pytest.fixture
def naps(monkeypatch):
    naps: list[float] = []
    monkeypatch.setattr(pacing.time, "sleep", naps.append)
    return naps


def write_elsewhere():
    make_audience()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_pause_lasts_while_others_write(naps):
    breather = Breather()
    with breather, transaction.atomic():
        make_audience()
    other = threading.Thread(target=write_elsewhere)
    other.start()
    other.join()
    breather.held, breather._ended = 30.0, time.monotonic()

    with breather:
        pass

    assert naps.count(pacing.LOOK) == (connection.vendor == "sqlite")


@pytest.mark.django_db
def test_without_others_a_pause_is_short(naps):
    breather = Breather()
    breather.held, breather._ended = 0.1, time.monotonic()

    with breather:
        pass

    assert all(nap <= 0.027 for nap in naps)
